"""Stages whose magnitudes have a sign: moments, NumPy's network, and warps that are one."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from autoaug_jax.ops import affine, apply, find, narrow, rotate, spaces
from autoaug_jax.policies import (
  Fixed,
  Gaussian,
  Network,
  Step,
  Steps,
  augmenter,
  check_fixed,
  interpret,
)
from autoaug_jax.types import Batch
from tests.ops import cases

COUNT = 8000
AUTODO = spaces.autodo()
NAMES = ("Rotate", "TranslateX", "ScaleY")


def sampled(made, count=COUNT, seed=3):
  keys = jax.random.split(jax.random.key(seed), count)
  return jax.device_get(
    jax.jit(jax.vmap(interpret.policy(made).sample, in_axes=(0, None)))(keys, ())
  )


def batch_of(images):
  count = len(images)
  return Batch(images, np.zeros(count, np.int32), np.ones(count, np.float32), np.arange(count))


def gaussian(**changes):
  stage = Gaussian(NAMES, (1.0, 0.25, 1.0), (0.0, 0.5, -0.3), (0.2, 0.0, 2.0))
  return Fixed(AUTODO, (stage._replace(**changes),))


def test_gaussian_magnitudes_are_mean_plus_deviation_times_a_normal():
  draws = sampled(gaussian())
  table = (*(op.name for op in AUTODO), "Identity")
  names = np.array(table)[draws.op]
  assert (names[:, 0] == "Rotate").all()
  assert set(names[:, 1]) == {"TranslateX", "Identity"}
  assert abs(np.mean(names[:, 1] == "TranslateX") - 0.25) < 4 * np.sqrt(0.25 * 0.75 / COUNT)
  assert (draws.magnitude >= 0).all()
  signed = draws.magnitude * draws.sign
  for column, (mean, deviation) in ((0, (0.0, 0.2)), (2, (-0.3, 2.0))):
    law = scipy.stats.norm(mean, deviation)
    assert scipy.stats.kstest(signed[:, column], law.cdf).pvalue > 1e-3
  np.testing.assert_allclose(signed[:, 1], 0.5)
  assert draws.magnitude.max() > 4  # nothing is clipped
  assert abs(np.corrcoef(signed[:, 0], signed[:, 2])[0, 1]) < 0.05


def test_a_limit_clips_both_sides():
  signed = (lambda d: d.magnitude * d.sign)(sampled(gaussian(limit=0.6)))
  low, high = scipy.stats.norm(-0.3, 2.0).cdf([-0.6, 0.6])
  for value, share in ((-0.6, low), (0.6, 1 - high)):
    seen = np.mean(signed[:, 2] == np.float32(value))
    assert abs(seen - share) < 4 * np.sqrt(share * (1 - share) / COUNT)
  assert np.abs(signed).max() <= np.float32(0.6)


def test_shuffled_gaussians_come_in_every_order_with_their_own_numbers():
  draws = sampled(gaussian(shuffled=True, probability=(1.0,) * 3, deviation=(0.0,) * 3))
  orders, seen = np.unique(draws.op, axis=0, return_counts=True)
  assert len(orders) == 6
  assert scipy.stats.chisquare(seen).pvalue > 1e-3
  mean = np.zeros(len(AUTODO))
  mean[[find(AUTODO, name) for name in NAMES]] = (0.0, 0.5, -0.3)
  np.testing.assert_allclose(draws.magnitude * draws.sign, mean[draws.op], rtol=1e-6)


@pytest.mark.parametrize("sign", [1, -1], ids=["left", "right"])
def test_a_magnitude_over_one_goes_on_with_the_range(sign):
  """Rotate by 1.5 times its 30 degrees, against the op itself; without jit, where ops look."""
  turn = Gaussian(("Rotate",), (1.0,), (sign * 1.5,), (0.0,))
  images = cases.images((16, 16))
  ours = augmenter(Fixed(AUTODO, (turn,))).augment(jax.random.key(0), (), batch_of(images)).image
  wanted = [rotate(image, sign * 45.0, fill="edge") for image in images]
  np.testing.assert_array_equal(np.asarray(ours), np.stack(wanted))


def test_signed_stages_leave_the_directions_of_others_as_they_were():
  steps = Steps((Step("Rotate"), Step("TranslateY", low=0.5)))
  alone = sampled(Fixed(AUTODO, (steps,)))
  still = Gaussian((), (), (), ())
  with pytest.raises(ValueError, match="a gaussian takes at least one op"):
    sampled(Fixed(AUTODO, (steps, still)))
  both = sampled(Fixed(AUTODO, (steps, *gaussian().stages)))
  np.testing.assert_array_equal(both.op[:, :2], alone.op)
  np.testing.assert_array_equal(both.magnitude[:, :2], alone.magnitude)
  assert abs(both.sign[:, :2].mean()) < 4 / np.sqrt(2 * COUNT)


def layers(*sizes, seed=0, scale=1.0):
  rng = np.random.default_rng(seed)
  pairs = list(itertools.pairwise(sizes))
  weights = [rng.normal(size=pair) * scale / np.sqrt(pair[0]) for pair in pairs]
  biases = [rng.normal(size=pair[1]) * 0.1 for pair in pairs]
  nested = tuple(tuple(tuple(row) for row in w.tolist()) for w in weights)
  return nested, tuple(tuple(b.tolist()) for b in biases)


def network(names, space, *, sizes=(4, 5), seed=0, scale=0.3, **fields):
  weights, biases = layers(*sizes, len(names), seed=seed, scale=scale)
  return Fixed(space, (Network(names, weights, biases, **fields),))


def by_numpy(stage, noise):
  """The outputs of a network on noise [N, inputs], and its hidden units."""
  x, hidden = noise, []
  for i, (w, b) in enumerate(zip(stage.weights, stage.biases, strict=True)):
    x = x @ np.asarray(w) + np.asarray(b)
    if i < len(stage.weights) - 1:
      x = np.maximum(x, 0)
      hidden.append(x)
  return np.tanh(x) if stage.squash == "tanh" else x, hidden


COLOR = spaces.bilevel_color()
COLORS = tuple(op.name for op in COLOR)


@pytest.mark.parametrize("squash", ["none", "tanh"])
def test_a_networks_magnitudes_have_the_moments_of_numpys(squash):
  made = network(COLORS, COLOR, squash=squash, scale=1.5)
  draws = sampled(made)
  np.testing.assert_array_equal(draws.op, np.tile(np.arange(4), (COUNT, 1)))
  ours = draws.magnitude * draws.sign
  noise = np.random.default_rng(1).uniform(-1, 1, (20000, 4))
  theirs, _ = by_numpy(made.stages[0], noise)
  for i in range(4):
    assert scipy.stats.ks_2samp(ours[:, i], theirs[:, i]).pvalue > 1e-3
  np.testing.assert_allclose(np.cov(ours.T), np.cov(theirs.T), atol=0.02 * np.var(theirs))
  assert np.abs(ours).max() <= 1 if squash == "tanh" else True


def test_dropout_leaves_out_hidden_units_and_keeps_their_mean():
  made = network(COLORS, COLOR, dropout=0.5, scale=1.0)
  stage = made.stages[0]
  draws = sampled(made)
  ours = draws.magnitude * draws.sign
  noise = np.random.default_rng(1).uniform(-1, 1, (20000, 4))
  plain, (hidden,) = by_numpy(stage, noise)
  kept = np.random.default_rng(2).integers(0, 2, hidden.shape) * 2
  theirs = (hidden * kept) @ np.asarray(stage.weights[1]) + np.asarray(stage.biases[1])
  theirs = theirs.astype(np.float32)  # where all units are left out only the bias remains
  for i in range(4):
    assert scipy.stats.ks_2samp(ours[:, i], theirs[:, i]).pvalue > 1e-3
    assert scipy.stats.ks_2samp(ours[:, i], plain[:, i]).pvalue < 1e-6


def test_a_shuffled_network_keeps_each_op_with_its_number():
  made = network(COLORS, COLOR, shuffled=True, scale=0.0)
  draws = sampled(made)
  orders, seen = np.unique(draws.op, axis=0, return_counts=True)
  assert len(orders) == 24
  assert scipy.stats.chisquare(seen).pvalue > 1e-3
  bias = np.asarray(made.stages[0].biases[-1])
  np.testing.assert_allclose(draws.magnitude * draws.sign, bias[draws.op], rtol=1e-5)


def constant(names, space, values, **fields):
  """A network that says `values` whatever the noise."""
  still = tuple((0.0,) * len(names) for _ in range(2))
  return Fixed(space, (Network(names, (still,), (tuple(values),), **fields),))


AFFINE = spaces.bilevel_affine(fill=0.3)


def test_the_six_numbers_are_one_affine_warp():
  """theta is added to the identity in coordinates -1..1, corners at the centres of pixels."""
  theta = np.array([[0.2, -0.3, 0.4], [0.1, -0.25, -0.6]])
  made = constant(tuple(op.name for op in AFFINE), AFFINE, theta.ravel(), summed=True)
  images = cases.images((12, 18))[:3].astype(np.float32) / 255
  ours = augmenter(made).augment(jax.random.key(0), (), batch_of(images)).image
  matrix = np.eye(2, 3) + theta
  rows, columns = np.mgrid[0:12, 0:18]
  unit = np.stack([2 * columns / 17 - 1, 2 * rows / 11 - 1, np.ones((12, 18))], -1) @ matrix.T
  x, y = (unit[..., 0] + 1) * 17 / 2, (unit[..., 1] + 1) * 11 / 2
  for image, out in zip(images, np.asarray(ours), strict=True):
    padded = np.pad(image, ((20, 20), (20, 20), (0, 0)), constant_values=0.3)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    wide, high = (x - left)[..., None], (y - top)[..., None]
    left, top = np.clip(left + 20, 0, 56), np.clip(top + 20, 0, 50)
    upper = padded[top, left] * (1 - wide) + padded[top, left + 1] * wide
    lower = padded[top + 1, left] * (1 - wide) + padded[top + 1, left + 1] * wide
    np.testing.assert_allclose(out, upper * (1 - high) + lower * high, atol=2e-5)


def test_warps_that_are_not_summed_multiply_the_first_first():
  space = narrow(spaces.autodo(fill=0.0), {"Rotate": (0, 90), "TranslateX": (0, 0.5)})
  made = constant(("Rotate", "TranslateX"), space, (1.0, 0.5))
  image = cases.images((16, 16))[:1]
  ours = augmenter(made).augment(jax.random.key(0), (), batch_of(image)).image
  # Whole pixels and a right angle: nothing is lost between two warps.
  turned = apply(jax.random.key(0), space[find(space, "Rotate")], image[0], 1.0)
  wanted = apply(jax.random.key(0), space[find(space, "TranslateX")], turned, 0.5)
  other = apply(jax.random.key(0), space[find(space, "TranslateX")], image[0], 0.5)
  other = apply(jax.random.key(0), space[find(space, "Rotate")], other, 1.0)
  assert np.abs(np.asarray(ours[0], int) - np.asarray(wanted, int)).max() <= 1
  assert np.abs(np.asarray(ours[0], int) - np.asarray(other, int)).max() > 50


def test_a_network_warps_in_its_place_and_colours_after_it():
  space = (*AFFINE, *COLOR, spaces.FLIP_X)
  names = ("AffineX1", "Brightness")
  shift = constant(names, space, (1.0, -0.5)).stages[0]
  flip = Steps((Step("FlipX"),))
  image = cases.images((8, 8))[:1]
  flipped, matrix = image[0][:, ::-1], np.array([[1, 0, 3.5], [0, 1, 0]], np.float32)

  def by_hand(pixels):
    return np.floor(np.asarray(affine(pixels, matrix, fill=0.3), float) * 0.5)

  for stages, wanted in (
    ((flip, shift), by_hand(flipped)),
    ((shift, flip), by_hand(image[0])[:, ::-1]),
  ):
    ours = augmenter(Fixed(space, stages)).augment(jax.random.key(0), (), batch_of(image)).image
    np.testing.assert_allclose(np.asarray(ours[0], float), wanted, atol=1)


@pytest.mark.parametrize("kind", ["warps", "colours", "both"])
def test_the_batched_apply_is_the_apply(kind):
  names = tuple(op.name for op in AFFINE), COLORS
  chosen = {"warps": names[0], "colours": names[1], "both": names[0] + names[1]}[kind]
  made = network(chosen, (*AFFINE, *COLOR), shuffled=True, summed=True)
  policy = interpret.policy(made)
  images = jnp.asarray(cases.images((16, 16)))
  keys = jax.random.split(jax.random.key(6), len(images))
  draws = jax.vmap(policy.sample, in_axes=(0, None))(keys, ())
  fast = policy.apply_batch(keys, draws, images)
  slow = jax.jit(lambda *args: jax.lax.map(lambda one: policy.apply(*one), args))(
    keys, draws, images
  )
  difference = np.abs(np.asarray(fast, int) - np.asarray(slow, int))
  assert difference.max() <= (0 if kind == "colours" else 1)
  assert difference.mean() < 1e-3
  assert (np.asarray(fast) != np.asarray(images)).mean() > 0.3


ONE = ((0.5,), (0.1,))
MISTAKES = {
  "numbers": (Gaussian(("Rotate",), (1.0,), (0.0, 0.0), (0.0,)), "mean of a gaussian takes 1 num"),
  "chance": (Gaussian(("Rotate",), (1.5,), (0.0,), (0.0,)), "in \\[0, 1\\], got 1.5"),
  "mean": (Gaussian(("Rotate",), (1.0,), (float("nan"),), (0.0,)), "finite numbers, got nan"),
  "deviation": (Gaussian(("Rotate",), (1.0,), (0.0,), (-1.0,)), "at least 0, got -1.0"),
  "limit": (Gaussian(("Rotate",), (1.0,), (0.0,), (1.0,), limit=-2.0), "at least 0, got -2.0"),
  "direction": (Gaussian(("Invert",), (1.0,), (0.0,), (1.0,)), "and Invert has none"),
  "unknown": (Gaussian(("Twirl",), (1.0,), (0.0,), (1.0,)), "unknown op 'Twirl'"),
  "layers": (Network(("Rotate",), (), ()), "at least one layer"),
  "biases": (Network(("Rotate",), ((ONE[0],),), ()), "got 1 and 0"),
  "shape": (Network(("Rotate",), (ONE, ONE), ((0.0,), (0.0,))), r"weights\[1\] of a network"),
  "outputs": (Network(("Rotate", "ShearX"), (ONE,), ((0.0,),)), "each of its 1 outputs: 2"),
  "infinite": (Network(("Rotate",), (ONE,), ((np.inf,),)), "layer 0 of a network takes finite"),
  "squash": (Network(("Rotate",), (ONE,), ((0.0,),), "sine"), "one of none, tanh, got 'sine'"),
  "dropout": (Network(("Rotate",), (ONE,), ((0.0,),), dropout=1.0), "below 1, got 1.0"),
  "one way": (Network(("Invert",), (ONE,), ((0.0,),)), "and Invert has none"),
  "nearest": (Network(("Rotate",), (ONE,), ((0.0,),)), "bilinear all, and with one fill"),
  "order": (
    Network(("Color", "Rotate"), (((0.5, 0.5),),), ((0.0, 0.0),)),
    "come before its other ops",
  ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_named(mistake):
  stage, message = MISTAKES[mistake]
  with pytest.raises(ValueError, match=message) as caught:
    check_fixed(Fixed(spaces.slack_cifar(), (stage,)))
  assert "\n" not in str(caught.value)


def test_a_network_that_warps_takes_no_op_out_of_turn():
  made = network(("AffineXX",), AFFINE)._replace(last=("AffineX1",))
  with pytest.raises(ValueError, match=r"takes no ops in .* out of turn"):
    check_fixed(made)
