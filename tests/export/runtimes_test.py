"""Files for Pillow and Albumentations, replayed: the same draws, the same pixels, the same law."""

import os
import pickle
import random

import jax
import numpy as np
import pytest
import scipy.stats
from PIL import Image, ImageOps

from autoaug_jax import export
from autoaug_jax.ops import select, spaces
from autoaug_jax.policies import (
  Fixed,
  Gaussian,
  Network,
  Step,
  Steps,
  augmenter,
  fixed,
  interpret,
)
from autoaug_jax.types import Batch
from tests.export import replay
from tests.ops import cases

COUNT = 4000


@pytest.mark.parametrize("runtime", ["pillow", "albumentations"])
def test_the_same_draw_has_the_same_pixels(runtime):
  if runtime == "albumentations":
    albumentations()
  made = replay.loaded(replay.spec_of_all(), runtime)

  def run(name, magnitude, sign, places, image):
    step = made["Step"](name, made["strength_of"](name, magnitude, sign), places)
    return made["apply"](image, [step])

  replay.assert_parity(run)


def albumentations():
  os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
  return pytest.importorskip("albumentations")


def test_parity_would_be_missed():
  """The test of the test: a level, or a column, is found."""
  made = replay.loaded(replay.spec_of_all(), "pillow")

  def run(name, magnitude, sign, places, image, *, spoiled):
    step = made["Step"](name, made["strength_of"](name, magnitude, sign), places)
    out = made["apply"](image, [step]).copy()
    out[3, 4, 1] ^= name == spoiled
    return out

  for name in ("Color", "Equalize", "Cutout"):
    with pytest.raises(AssertionError, match=name):
      replay.assert_parity(lambda *args, name=name: run(*args, spoiled=name))
  made["OPS"]["Rotate"]["range"] = (0.0, 91.0)
  with pytest.raises(AssertionError, match="Rotate"):
    replay.assert_parity(lambda *args: run(*args, spoiled=""))


def test_whole_draws_have_the_same_pixels():
  """K ops in a row, with the last of some, as `interpret` draws and applies them."""
  names = ("Rotate", "Equalize", "Color", "Cutout", "RandomCrop", "Identity")
  policy = fixed.slack_uniform(select(spaces.slack_cifar(), names))._replace(first=("RandomCrop",))
  made, ours = replay.loaded(export.PolicySpec(policy), "pillow"), interpret.policy(policy)
  images = cases.images(replay.SIZE)
  keys = jax.random.split(jax.random.key(2), len(images))
  draws = jax.jit(jax.vmap(ours.sample, in_axes=(0, None)))(keys, ())
  wanted = np.asarray(ours.apply_batch(keys, draws, images))
  table = (*policy.space, *(() if spaces.IDENTITY in policy.space else (spaces.IDENTITY,)))
  running = jax.vmap(jax.random.split)(keys)[:, 1]
  for i, image in enumerate(images):
    steps = []
    for k, op in enumerate(np.asarray(draws.op[i])):
      row, magnitude, sign = table[op], float(draws.magnitude[i, k]), float(draws.sign[i, k])
      places = replay.places(jax.random.fold_in(running[i], k), row)
      steps.append(
        made["Step"](row.name, made["strength_of"](row.name, magnitude, sign), places)
        if row.name in made["OPS"]
        else made["NOTHING"]
      )
    np.testing.assert_array_equal(made["apply"](image, steps), wanted[i])


def numpy_draws(spec, count=COUNT, seed=0):
  made, generator = replay.loaded(spec, "pillow"), np.random.default_rng(seed)
  draws = (made["draw"](generator) for _ in range(count))
  return [[(s.op, float(s.strength)) for s in steps if s.op != "Identity"] for steps in draws]


def test_draws_follow_our_law():
  policy = replay.mixed_policy()
  theirs = numpy_draws(export.PolicySpec(policy))
  replay.assert_same_law(replay.drawn(policy, COUNT), theirs)
  for row in theirs:
    names = [name for name, _ in row]
    assert names.count("Cutout") + names.count("Invert") <= 1
    assert "Posterize" not in names
    assert "ShearX" not in names[1:]
    assert not {"Cutout", "Invert"} & set(names[:-1])


def test_draws_follow_the_policys_own_chances():
  """By hand: 14 ops alike, a crop, a flip every other time, and a box."""
  draws = numpy_draws(export.PolicySpec(fixed.trivial_augment_wide()))
  first = [row[0][0] if len(row) > 2 + ("FlipX" in dict(row)) else "Identity" for row in draws]
  _, seen = np.unique(first, return_counts=True)
  assert len(seen) == 14
  assert scipy.stats.chisquare(seen).pvalue > 1e-3
  flips = sum("FlipX" in dict(row) for row in draws)
  assert scipy.stats.binomtest(flips, COUNT, 0.5).pvalue > 1e-3
  turns = np.asarray([dict(row)["Rotate"] for row in draws if "Rotate" in dict(row)])
  levels = np.abs(turns) / 4.5
  np.testing.assert_allclose(levels, np.round(levels), atol=1e-4)
  assert (
    scipy.stats.chisquare(np.bincount(np.round(levels).astype(int), minlength=31)).pvalue > 1e-3
  )
  assert scipy.stats.binomtest(int((turns > 0).sum()), int((turns != 0).sum())).pvalue > 1e-3


def test_another_law_would_be_found():
  policy = replay.mixed_policy()
  slots = policy.stages[0]._replace(sigma=0.0)
  theirs = numpy_draws(export.PolicySpec(policy._replace(stages=(slots, *policy.stages[1:]))))
  with pytest.raises(AssertionError):
    replay.assert_same_law(replay.drawn(policy, COUNT), theirs)


def test_gaussians_are_drawn_as_ours():
  names = ("Rotate", "TranslateX", "ScaleY")
  stage = Gaussian(names, (1.0, 0.25, 0.6), (0.0, 0.5, -0.3), (0.2, 0.0, 2.0), True, 0.9)
  policy = Fixed(spaces.autodo(), (stage,))
  replay.assert_same_law(replay.drawn(policy, COUNT), numpy_draws(export.PolicySpec(policy)))


COLOR = spaces.bilevel_color()
AFFINE = spaces.bilevel_affine(fill=(0.3, 0.5, 0.7))


def network(space, *, sizes, constant=None, **fields):
  generator, names = np.random.default_rng(1), tuple(op.name for op in space)
  pairs = list(zip(sizes, (*sizes[1:], len(space)), strict=True))
  scale = 0.0 if constant is not None else 0.7
  weights = [(scale * generator.normal(size=pair)).tolist() for pair in pairs]
  biases = [(scale * generator.normal(size=pair[1])).tolist() for pair in pairs]
  biases[-1] = list(biases[-1] if constant is None else constant)
  nested = tuple(tuple(tuple(row) for row in matrix) for matrix in weights)
  return Fixed(space, (Network(names, nested, tuple(map(tuple, biases)), **fields),))


def test_networks_are_evaluated_as_ours():
  policy = network(COLOR, sizes=(3, 6), squash="tanh", dropout=0.25, shuffled=True)
  replay.assert_same_law(replay.drawn(policy, COUNT), numpy_draws(export.PolicySpec(policy)))


@pytest.mark.parametrize("summed", [True, False], ids=["summed", "multiplied"])
def test_the_warps_of_a_network_are_one(summed):
  """A network that says the same to all noise, so that nothing is drawn."""
  values = (0.2, -0.3, 0.4, 0.1, -0.25, -0.6, 0.5, -0.4)
  space = (*AFFINE, *COLOR[:2])
  policy = network(space, sizes=(2,), constant=values, summed=summed)
  images = cases.images(replay.SIZE)
  count = len(images)
  batch = Batch(images, np.zeros(count, int), np.ones(count, np.float32), np.arange(count))
  ours = np.asarray(augmenter(policy).augment(jax.random.key(0), (), batch).image)
  augment = export.to_pillow(export.PolicySpec(policy))
  theirs = np.stack([augment(image) for image in images])
  assert np.abs(theirs.astype(int) - ours).max() <= 2  # one level of the warp, and a factor of 1.5
  assert (theirs != ours).mean() < 0.05
  assert (theirs != images).mean() > 0.5


def only(*steps, space=None):
  return export.PolicySpec(Fixed(space or spaces.slack_cifar(), (Steps(steps),)))


def test_pillow_images_come_back_as_they_were():
  augment = export.to_pillow(only(Step("Equalize"), Step("Invert")))
  for image in cases.images((24, 32))[:3]:
    picture = Image.fromarray(image)
    wanted = ImageOps.invert(ImageOps.equalize(picture))
    assert augment(picture).mode == "RGB"
    np.testing.assert_array_equal(np.asarray(augment(picture)), np.asarray(wanted))
    np.testing.assert_array_equal(augment(image), np.asarray(wanted))
    grey = picture.convert("L")
    wanted = np.asarray(ImageOps.invert(ImageOps.equalize(grey)))
    assert augment(grey).mode == "L"
    np.testing.assert_array_equal(np.asarray(augment(grey)), wanted)
    np.testing.assert_array_equal(augment(np.asarray(grey)), wanted)
    np.testing.assert_array_equal(augment(wanted[..., None])[..., 0], augment(wanted))


def test_greyscale_images_have_our_pixels():
  """Ops of colour leave them, or do what they do to grey."""
  names = ("Color", "Contrast", "Sharpness", "Hue", "AutoContrast")
  space = select(spaces.slack_imagenet(), [*names, "Identity"])
  spec = only(*map(Step, names), space=space)
  made, policy = replay.loaded(spec, "pillow"), interpret.policy(spec.policy)
  images = cases.images(replay.SIZE)[..., :1]
  keys = jax.random.split(jax.random.key(1), len(images))
  draws = jax.vmap(policy.sample, in_axes=(0, None))(keys, ())
  ours = policy.apply_batch(keys, draws, images)
  for i, image in enumerate(images):
    rows = zip(spec.policy.stages[0].steps, draws.magnitude[i], draws.sign[i], strict=True)
    steps = [
      made["Step"](step.op, made["strength_of"](step.op, float(m), float(s))) for step, m, s in rows
    ]
    np.testing.assert_array_equal(made["apply"](image, steps), np.asarray(ours[i]))


def test_it_can_be_repeated():
  augment = export.to_pillow(export.PolicySpec(fixed.trivial_augment_wide()))
  image = cases.images((24, 32))[0]
  random.seed(1)
  first = [augment(image) for _ in range(5)]
  random.seed(1)
  np.testing.assert_array_equal([augment(image) for _ in range(5)], first)
  assert any((one != first[0]).any() for one in first)
  again = [augment(image, np.random.default_rng(i)) for i in (3, 3)]
  np.testing.assert_array_equal(*again)


@pytest.mark.parametrize(
  ("image", "message"),
  [
    (Image.new("RGBA", (8, 8)), "mode RGB or L, not RGBA"),
    (np.zeros((8, 8, 3), np.float32), r"uint8 \[H, W, C\] or \[H, W\], got float32 \(8, 8, 3\)"),
    (np.zeros((2, 8, 8, 3), np.uint8), r"got uint8 \(2, 8, 8, 3\)"),
    (np.zeros((8, 8, 4), np.uint8), "takes 1 or 3 channels, got 4"),
  ],
  ids=["mode", "floats", "a batch", "channels"],
)
def test_images_of_another_kind_are_refused(image, message):
  with pytest.raises(ValueError, match=message):
    export.to_pillow(only(Step("Color")))(image)


def test_albumentations_has_it_in_its_pipelines():
  library = albumentations()
  transform = export.to_albumentations(export.PolicySpec(fixed.trivial_augment_wide()))
  image = cases.images((24, 32))[0]
  outs = []
  for _ in range(2):
    pipeline = library.Compose([transform, library.HorizontalFlip(p=0.5)], seed=5)
    outs.append([pipeline(image=image, label=7) for _ in range(6)])
  for one, other in zip(*outs, strict=True):
    np.testing.assert_array_equal(one["image"], other["image"])
    assert one["label"] == 7
  assert any((one["image"] != outs[0][0]["image"]).any() for one in outs[0])
  turned = export.to_albumentations(only(Step("Invert")))(image=image)["image"]
  np.testing.assert_array_equal(turned, 255 - image)


def test_a_generated_file_can_be_imported_and_sent_to_workers(tmp_path, monkeypatch):
  albumentations()
  for runtime, name in (("pillow", "augment"), ("albumentations", "Augment")):
    module = f"policy_of_{runtime}"
    (tmp_path / f"{module}.py").write_text(
      export.to_source(export.PolicySpec(fixed.standard()), runtime, module=module)
    )
    monkeypatch.syspath_prepend(tmp_path)
    offered = getattr(__import__(module), name)
    assert pickle.loads(pickle.dumps(offered)) is offered
