"""Policies that do not learn: frequencies, ranges and order, against counts, NumPy and Pillow."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from PIL import Image

from autoaug_jax.ops import select, spaces, strength
from autoaug_jax.policies import augmenter, autoaugment, check_fixed, fixed, interpret
from autoaug_jax.policies.stages import (
  Fixed,
  Slots,
  Step,
  Steps,
  SubPolicies,
  join,
  uniform_slots,
)
from autoaug_jax.types import Batch
from tests.ops import cases

FACTORIES = {
  "none": fixed.none,
  "standard": fixed.standard,
  "cutout": fixed.cutout,
  "standard_cutout": fixed.standard_cutout,
  "crop_flip_jitter": fixed.crop_flip_jitter,
  "domainbed": functools.partial(fixed.domainbed, hue=0.3),
  "slack_uniform": lambda: fixed.slack_uniform(spaces.slack_cifar()),
  "randaugment": fixed.randaugment,
  "trivial_augment_ra": fixed.trivial_augment_ra,
  "trivial_augment_wide": fixed.trivial_augment_wide,
  "uniform_augment": fixed.uniform_augment,
  "autoaugment_cifar": fixed.autoaugment_cifar,
  "autoaugment_svhn": fixed.autoaugment_svhn,
  "autoaugment_imagenet": fixed.autoaugment_imagenet,
}
COUNT = 6000


def batch_of(images):
  count = len(images)
  return Batch(images, np.zeros(count, np.int32), np.ones(count, np.float32), np.arange(count))


@functools.cache
def drawn(name, count=COUNT):
  """(names of the table, draws of `count` images) of a policy."""
  made = FACTORIES[name]()
  keys = jax.random.split(jax.random.key(11), count)
  sample = jax.jit(jax.vmap(interpret.policy(made).sample, in_axes=(0, None)))
  names = [op.name for op in made.space]
  names = names if "Identity" in names else [*names, "Identity"]
  return np.array(names), jax.device_get(sample(keys, ()))


def is_close(share, expected, count=COUNT):
  """Within 4 standard deviations of a proportion."""
  return abs(share - expected) < 4 * np.sqrt(max(expected * (1 - expected), 1e-9) / count)


def assert_uniform(indices, choices, count=COUNT):
  seen = np.bincount(indices, minlength=choices)
  assert len(seen) == choices
  assert scipy.stats.chisquare(seen, np.full(choices, count / choices)).pvalue > 1e-3


@pytest.mark.parametrize("name", ["trivial_augment_ra", "trivial_augment_wide"])
def test_trivial_augment_draws_one_of_14_ops_at_one_of_31_levels(name):
  names, draws = drawn(name)
  assert_uniform(draws.op[:, 0], 14)
  levels = draws.magnitude[:, 0] * 30
  np.testing.assert_allclose(levels, np.round(levels), atol=1e-4)
  assert_uniform(np.round(levels).astype(int), 31)
  assert [names[i] for i in np.unique(draws.op[:, 1])] == ["PaddedCrop"]
  assert set(names[draws.op[:, 2]]) == {"FlipX", "Identity"}
  assert is_close(np.mean(names[draws.op[:, 2]] == "FlipX"), 0.5)
  assert set(names[draws.op[:, 3]]) == {"FinalCutout"}
  assert is_close(np.mean(draws.sign[:, 0] > 0), 0.5)


RANGES = {  # strength at level 30: notes on TrivialAugment's parameter maps and RandAugment's
  "trivial_augment_ra": {"Rotate": 30, "ShearX": 0.3, "TranslateX": 10, "Color": 1.9},
  "trivial_augment_wide": {"Rotate": 135, "ShearX": 0.99, "TranslateX": 32, "Color": 2.0},
  "randaugment": {"Rotate": 30, "ShearX": 0.3, "TranslateX": 0.45, "Color": 1.9},
  "uniform_augment": {"Rotate": 30, "ShearX": 0.3, "TranslateX": 0.45, "Cutout": 0.2},
}


@pytest.mark.parametrize("name", RANGES)
def test_ranges_are_the_papers(name):
  made = FACTORIES[name]()
  found = {op.name: float(strength(op, jnp.float32(1.0))) for op in made.space}
  assert {k: found[k] for k in RANGES[name]} == pytest.approx(RANGES[name])


def test_randaugment_applies_n_ops_at_one_magnitude():
  _, draws = drawn("randaugment")
  assert_uniform(draws.op[:, :3].ravel(), 14, 3 * COUNT)
  np.testing.assert_allclose(draws.magnitude[:, :3], 5 / 30, rtol=1e-6)
  pairs = draws.op[:, 0] * 14 + draws.op[:, 1]
  assert_uniform(pairs, 196)  # with replacement, independent
  made = fixed.randaugment(n=1, m=15, then=fixed.none())
  (slots,) = made.stages
  assert slots.low[0][0] == slots.high[0][0] == 0.5


def test_uniform_augment_applies_each_of_two_ops_with_one_half():
  names, draws = drawn("uniform_augment")
  uniform = names[draws.op[:, :2]]
  applied = uniform != "Identity"
  # One of the 16 ops is Identity itself.
  assert is_close(applied.mean(), 0.5 * 15 / 16, 2 * COUNT)
  others = [n for n in np.unique(uniform) if n != "Identity"]
  assert len(others) == 15
  seen = [np.sum(uniform == n) for n in others]
  assert scipy.stats.chisquare(seen).pvalue > 1e-3
  magnitudes = draws.magnitude[:, :2].ravel()
  assert scipy.stats.kstest(magnitudes, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("name", ["cifar", "svhn", "imagenet"])
def test_autoaugment_draws_its_sub_policies(name):
  """Every pair's chances: what is seen of (first op applied?, second?) is p1, p2 of the mixture."""
  table = {
    "cifar": autoaugment.CIFAR,
    "svhn": autoaugment.SVHN,
    "imagenet": autoaugment.IMAGENET,
  }[name]
  names, draws = drawn(f"autoaugment_{name}")
  for column in range(2):
    for op in names:
      if op == "Identity":
        continue
      expected = sum(pair[column][1] / 250 for pair in table if pair[column][0] == op)
      share = np.mean(names[draws.op[:, column]] == op)
      assert is_close(share, expected), (op, share, expected)
    applied = names[draws.op[:, column]] != "Identity"
    seen = {
      (op, round(10 * float(m)))
      for op, m in zip(
        names[draws.op[applied, column]], draws.magnitude[applied, column], strict=True
      )
    }
    assert seen == {(p[column][0], p[column][2]) for p in table if p[column][1] > 0}
  both = {tuple(names[row[:2]]) for row in draws.op if "Identity" not in names[row[:2]]}
  assert both <= {(a[0], b[0]) for a, b in table}


def test_slack_uniform_is_its_starting_point():
  names, draws = drawn("slack_uniform")
  middle = names[draws.op]
  share = np.mean(np.sum(middle == "Rotate", axis=1))
  assert abs(share - 3 / 17) < 4 * np.sqrt(3 * 16 / 17**2 / COUNT)
  rotated = draws.magnitude[middle == "Rotate"]
  reference = np.random.default_rng(0).uniform(0, 0.75, 20000)
  reference = np.clip(reference + np.random.default_rng(1).normal(0, 0.1, 20000), 0, 1)
  assert scipy.stats.ks_2samp(rotated, reference).pvalue > 1e-3
  assert (middle == "Cutout").sum(axis=1).max() == 1
  assert not (middle[:, :-1] == "Cutout").any()


def test_jitter_runs_in_every_order_with_its_ranges():
  names, draws = drawn("domainbed")
  order = names[draws.op[:, 2:6]]
  codes, seen = np.unique(["".join(n[6] + n[-1] for n in row) for row in order], return_counts=True)
  assert len(codes) == 24
  assert scipy.stats.chisquare(seen).pvalue > 1e-3
  assert scipy.stats.kstest(draws.magnitude[:, 2:6].ravel(), "uniform").pvalue > 1e-3
  assert is_close(np.mean(names[draws.op[:, 6]] == "Grayscale"), 0.1)
  ranges = {op.name: (op.high, op.signed) for op in FACTORIES["domainbed"]().space}
  assert {ranges[f"Jitter{n}"] for n in ("Brightness", "Contrast", "Color", "Hue")} == {(0.3, True)}


def numpy_standard(image, dx, dy, flipped):
  """Zero-pads by 4, cuts at (dy, dx) in 0..8, mirrors."""
  padded = np.pad(image, ((4, 4), (4, 4), (0, 0)))
  cut = padded[dy : dy + image.shape[0], dx : dx + image.shape[1]]
  return cut[:, ::-1] if flipped else cut


def test_standard_is_a_crop_of_the_padded_image_and_a_flip_uniformly():
  image = np.random.default_rng(0).integers(1, 256, (32, 32, 3), dtype=np.uint8)
  images = np.broadcast_to(image, (3000, 32, 32, 3))
  ours = np.asarray(
    jax.jit(augmenter(fixed.standard()).augment)(jax.random.key(1), (), batch_of(images)).image
  )
  known = {
    numpy_standard(image, dx, dy, flip).tobytes(): (dx, dy, int(flip))
    for dx in range(9)
    for dy in range(9)
    for flip in (False, True)
  }
  found = np.array([known[one.tobytes()] for one in ours])  # a KeyError is a failure
  for column, choices in ((0, 9), (1, 9), (2, 2)):
    assert_uniform(found[:, column], choices, 3000)
  assert_uniform(found[:, 0] * 9 + found[:, 1], 81, 3000)


def test_cutout_is_a_square_of_16_clipped_at_the_borders_in_the_mean_colour():
  images = np.full((4000, 32, 32, 3), 7, np.uint8)
  ours = np.asarray(
    jax.jit(augmenter(fixed.cutout()).augment)(jax.random.key(2), (), batch_of(images)).image
  )
  mean = np.floor(np.array(spaces.CIFAR_MEAN) * 255 + 0.5).astype(np.uint8)
  centres = []
  for one in ours:
    painted = (one == mean).all(axis=-1)
    rows, columns = np.flatnonzero(painted.any(1)), np.flatnonzero(painted.any(0))
    assert (one[~painted] == 7).all()
    assert painted[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    # What is cut off tells where the centre is: the box is [c - 8, c + 8) within [0, 32).
    centres.append([s[-1] - 7 if s[0] == 0 else s[0] + 8 for s in (rows, columns)])
  centres = np.array(centres)
  assert_uniform(centres[:, 0], 32, 4000)
  assert_uniform(centres[:, 1], 32, 4000)


def test_cutout_comes_after_crop_and_flip():
  """Black borders of a crop never lie over the square, which has its mean colour everywhere."""
  images = np.full((200, 32, 32, 3), 200, np.uint8)
  made = fixed.standard_cutout(fill=0.5)
  names, draws = drawn("standard_cutout", 50)
  assert (names[draws.op[:, 0]] == "PaddedCrop").all()
  assert (names[draws.op[:, 2]] == "FinalCutout").all()
  out = np.asarray(jax.jit(augmenter(made).augment)(jax.random.key(3), (), batch_of(images)).image)
  for one in out[..., 0]:
    square = one == 128
    rows, columns = np.flatnonzero(square.any(1)), np.flatnonzero(square.any(0))
    assert square[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()


def test_a_drawn_sequence_against_pillow():
  """RandAugment's draws replayed on Pillow images, for ops that are identical to Pillow's."""
  keep = ["Identity", "Equalize", "Rotate", "Brightness", "ShearX", "ShearY", "TranslateX"]
  table = spaces.randaugment()
  table = tuple(op for op in table if op.name in keep)
  made = Fixed(table, (uniform_slots(tuple(keep), 2, low=0.3, high=0.9),))
  policy = interpret.policy(made)
  images = cases.images((32, 32))
  keys = jax.random.split(jax.random.key(5), len(images))
  draws = jax.vmap(policy.sample, in_axes=(0, None))(keys, ())
  ours = np.asarray(policy.apply_batch(keys, draws, jnp.asarray(images)))
  by_name = {case.name.replace("_", ""): case for case in cases.CASES}
  for i, image in enumerate(images):
    picture = Image.fromarray(image)
    for k in range(2):
      op = table[int(draws.op[i, k])]
      value = float(np.float32(strength(op, draws.magnitude[i, k], sign=draws.sign[i, k])))
      value = value * 32 if op.name == "TranslateX" else value
      picture = by_name[op.name.lower()].pillow(picture, value)
    np.testing.assert_array_equal(ours[i], np.asarray(picture))


def test_the_batched_apply_is_the_apply_on_uint8():
  names = ("Rotate", "Equalize", "Posterize", "Contrast", "Invert")
  table = select(spaces.autoaugment(), names)
  policy = interpret.policy(join(Fixed(table, (uniform_slots(names, 2),)), fixed.cutout()))
  images = jnp.asarray(cases.images((16, 16)))
  keys = jax.random.split(jax.random.key(6), len(images))
  draws = jax.vmap(policy.sample, in_axes=(0, None))(keys, ())
  fast = policy.apply_batch(keys, draws, images)
  slow = jax.jit(lambda *args: jax.lax.map(lambda one: policy.apply(*one), args))(
    keys, draws, images
  )
  np.testing.assert_array_equal(np.asarray(fast), np.asarray(slow))


@pytest.mark.parametrize("face", [np.uint8, np.float32], ids=["uint8", "float"])
def test_none_changes_nothing(face):
  images = np.ones((3, 8, 8, 1), face)
  out = augmenter(fixed.none()).augment(jax.random.key(0), (), batch_of(images))
  np.testing.assert_array_equal(np.asarray(out.image), images)


def test_greyscale_images_take_a_fill_of_one_number():
  images = np.full((6, 16, 16, 1), 9, np.uint8)
  made = fixed.cutout(fill=0.5)
  out = jax.jit(augmenter(made).augment)(jax.random.key(0), (), batch_of(images))
  assert (np.asarray(out.image) == 128).any(axis=(1, 2, 3)).all()


def test_join_keeps_order_and_refuses_two_meanings_of_one_name():
  made = join(fixed.cutout(), fixed.standard())
  assert [s.steps[0].op for s in made.stages] == ["FinalCutout", "PaddedCrop"]
  with pytest.raises(ValueError, match="'FinalCutout' twice"):
    join(fixed.cutout(), fixed.cutout(side=0.25))
  assert join() == fixed.none()
  assert join(fixed.none(), fixed.standard()) == fixed.standard()


def row(*values):
  return (values,)


TABLE = spaces.slack_cifar()
MISTAKES = {
  "unknown op": (Steps((Step("Twirl"),)), "unknown op 'Twirl'"),
  "probability": (Steps((Step("Rotate", 1.5),)), "Rotate takes .* got 1.5"),
  "nan": (Steps((Step("Rotate", float("nan")),)), "got nan"),
  "no steps": (Steps(()), "at least one step"),
  "weights": (SubPolicies(((Step("Rotate"),),), (0.5,)), "sum to 1, got 0.5"),
  "count": (SubPolicies(((Step("Rotate"),),), (0.5, 0.5)), "1 in number, got 2"),
  "slot sum": (
    Slots(("Rotate", "Invert"), row(0.5, 0.4), row(1, 1), row(0, 0), row(1, 1)),
    "slot 0 must sum to 1, got 0.9",
  ),
  "shape": (Slots(("Rotate",), row(1.0), row(1, 1), row(0), row(1)), "keep takes 1 rows of 1"),
  "sigma": (
    Slots(("Rotate",), row(1.0), row(1), row(0), row(1), 0, -1.0),
    "at least 0, got 0 and -1.0",
  ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_named(mistake):
  stage, message = MISTAKES[mistake]
  with pytest.raises(ValueError, match=message):
    check_fixed(Fixed(TABLE, (stage,)))


def test_other_mistakes_are_named():
  with pytest.raises(ValueError, match="n=0 and m=5"):
    fixed.randaugment(n=0)
  with pytest.raises(ValueError, match="m=31"):
    fixed.randaugment(m=31)
  with pytest.raises(ValueError, match="unknown op 'Nowhere'"):
    check_fixed(Fixed(TABLE, (), last=("Nowhere",)))
