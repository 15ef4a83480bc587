"""AutoDO's policy: its draws, its one warp, its gradients by differences and by enumeration."""

import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.ndimage
import scipy.stats

from autoaug_jax.ops import select, spaces
from autoaug_jax.policies import Gaussian, per_example, per_image
from autoaug_jax.policies.gaussian import (
  LIMIT,
  GaussianPhi,
  gaussian,
  gaussian_as_fixed,
  gaussian_chances,
  gaussian_deviations,
  relaxed_bernoulli,
)
from autoaug_jax.types import Batch

SPACE = spaces.autodo()
KEY = jax.random.key(0)
DRAW = np.array([0.5, -0.3, 0.2, 0.4, -0.6, 0.3, -0.4])


def image_of(height=12, width=10, seed=0, dtype=np.float64):
  return np.random.default_rng(seed).uniform(0.1, 0.9, (height, width, 2)).astype(dtype)


def sigmoid(x):
  return 1 / (1 + np.exp(-x))


def looked_up(draw, height, width):
  """The 3 x 3 matrix of (x, y, 1), pixel centres at halves, from the ops' definitions."""
  degrees, tx, ty, sx, sy, kx, ky = draw * np.array([30, 0.45, 0.45, 0.3, 0.3, 0.5, 0.5])
  angle = np.radians(degrees)
  middle = np.array([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1.0]])
  back = np.linalg.inv(middle)
  cosine, sine = np.cos(angle), np.sin(angle)
  turn = middle @ np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]) @ back
  moves = np.array([[1, 0, tx * width], [0, 1, 0], [0, 0, 1]])
  moves = moves @ np.array([[1, 0, 0], [0, 1, ty * height], [0, 0, 1]])
  shears = np.array([[1, sx, 0], [0, 1, 0], [0, 0, 1]]) @ np.array(
    [[1, 0, 0], [sy, 1, 0], [0, 0, 1]]
  )
  scales = middle @ np.diag([1 / (1 + kx), 1 / (1 + ky), 1]) @ back
  return turn @ moves @ shears @ scales


def warped(image, matrix):
  """scipy's bilinear warp with the border continued."""
  half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
  centred = np.linalg.inv(half) @ matrix @ half
  swap = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])
  rows_first = swap @ centred @ swap
  planes = [
    scipy.ndimage.affine_transform(
      image[..., c], rows_first[:2, :2], rows_first[:2, 2], order=1, mode="nearest"
    )
    for c in range(image.shape[-1])
  ]
  return np.stack(planes, -1)


def test_all_ops_are_one_warp(x64):
  image = image_of()
  got = gaussian(SPACE).apply(KEY, jnp.asarray(DRAW), jnp.asarray(image))
  np.testing.assert_allclose(got, warped(image, looked_up(DRAW, 12, 10)), atol=1e-9)


def test_ops_that_are_off_change_nothing():
  image = jnp.asarray(image_of(dtype=np.float32))
  got = gaussian(SPACE).apply(KEY, jnp.zeros(7), image)
  np.testing.assert_array_equal(got, image)


def test_geometry_is_right_at_32_pixels(x64):
  """A translation of 1 is 0.45 of the side, 14.4 pixels, and a rotation keeps the middle in place:

  the released code moves by 3.6 pixels and turns about pixel (4, 4).
  """
  policy = gaussian(SPACE)
  ramp = np.broadcast_to(np.arange(32.0)[None, :, None] / 64, (32, 32, 1))
  moved = policy.apply(KEY, jnp.zeros(7).at[1].set(1.0), jnp.asarray(ramp))
  np.testing.assert_allclose((moved - ramp)[:, :17] * 64, 14.4, atol=1e-9)
  spot = np.zeros((32, 32, 1))
  spot[15:17, 15:17] = 1
  turned = policy.apply(KEY, jnp.zeros(7).at[0].set(1.0), jnp.asarray(spot))
  np.testing.assert_allclose(turned[15:17, 15:17], turned[15, 15, 0])  # still symmetric


def test_uint8_comes_out_as_the_same_floats():
  image = (image_of() * 255).astype(np.uint8)
  policy, draw = gaussian(SPACE), jnp.asarray(DRAW, jnp.float32)
  got = policy.apply(KEY, draw, jnp.asarray(image))
  chex.assert_type(got, jnp.float32)
  expected = policy.apply(KEY, draw, jnp.asarray(image / np.float32(255)))
  np.testing.assert_allclose(got, expected, atol=1e-6)


def test_gradients_are_those_of_differences(x64):
  policy, image = gaussian(SPACE), jnp.asarray(image_of())
  weight = np.random.default_rng(1).normal(size=image.shape)

  @jax.jit
  def value(logits):
    phi = GaussianPhi(jnp.full(7, 30.0), logits)  # all ops are on
    return jnp.sum(weight * policy.apply(KEY, policy.sample(KEY, phi), image))

  at = jnp.linspace(-0.5, 0.5, 7)
  got = jax.grad(value)(at)
  for i, step in enumerate(1e-6 * np.eye(7)):
    expected = (value(at + step) - value(at - step)) / 2e-6
    np.testing.assert_allclose(got[i], expected, rtol=1e-5, atol=1e-5)


def test_draws_have_the_chances_and_deviations_of_phi():
  phi = GaussianPhi(jnp.linspace(-2.0, 2.0, 7), jnp.linspace(-1.0, 0.0, 7))
  sample = jax.jit(jax.vmap(gaussian(SPACE).sample, (0, None)))
  draws = sample(jax.random.split(KEY, 4000), phi)
  draws = np.asarray(draws)
  for i in range(7):
    on = draws[:, i] != 0
    chance, spread = sigmoid(-2 + 4 * i / 6), sigmoid(-1 + i / 6)
    assert scipy.stats.binomtest(int(on.sum()), 4000, chance).pvalue > 1e-4
    assert scipy.stats.kstest(draws[on, i], scipy.stats.norm(0, spread).cdf).pvalue > 1e-4


def test_the_start_is_the_papers():
  phi = gaussian(SPACE).init(KEY)
  np.testing.assert_allclose(gaussian_chances(phi), 0.25, rtol=1e-6)
  np.testing.assert_allclose(gaussian_deviations(phi), 0.5)
  # As printed: M / 10 sqrt(1/2) with M = 5.
  np.testing.assert_allclose(gaussian_deviations(phi, variance=True), 0.353553, rtol=1e-5)
  released = gaussian(SPACE, probability=0.2).init(KEY)
  np.testing.assert_allclose(released.probability, np.log(1 / 4), rtol=1e-6)


def test_magnitudes_stay_where_there_is_an_image():
  phi = GaussianPhi(jnp.full(7, 30.0), jnp.full(7, 30.0))
  keys = jax.random.split(KEY, 500)
  for limit, most in ((LIMIT, LIMIT), (0.0, 5.0)):
    policy = gaussian(SPACE, limit=limit)
    draws = np.abs(jax.jit(jax.vmap(policy.sample, (0, None)))(keys, phi))
    assert LIMIT <= np.float64(draws.max()) + 1e-6 <= most + 1e-5
    assert (draws.max() > LIMIT + 1e-6) == (limit == 0)


def test_the_straight_through_gradient_is_that_of_the_relaxed_draw(x64):
  """Its mean is E[s (1 - s)], s = sigmoid(l + g), by quadrature; the value is a fair coin."""
  logit = 0.7
  keys = jax.random.split(KEY, 20_000)
  switch = jax.vmap(lambda k: jax.value_and_grad(relaxed_bernoulli, 1)(k, jnp.asarray(logit), 1.0))
  values, slopes = map(np.asarray, switch(keys))
  assert set(np.unique(values)) == {0.0, 1.0}
  assert scipy.stats.binomtest(int(values.sum()), 20_000, sigmoid(logit)).pvalue > 1e-4

  def integrand(g):
    s = sigmoid(logit + g)
    return s * (1 - s) * scipy.stats.logistic.pdf(g)

  expected = scipy.integrate.quad(integrand, -30, 30)[0]
  assert abs(slopes.mean() - expected) < 4 * slopes.std() / np.sqrt(20_000)


def test_the_straight_through_gradient_points_where_enumeration_does(x64):
  """Over all 2^7 switch positions, for a loss that bends and has pairs of ops."""
  rng = np.random.default_rng(2)
  line, pairs = rng.normal(size=7), 0.2 * rng.normal(size=(7, 7))
  logits = jnp.asarray(rng.normal(size=7))

  def loss(on):
    return on @ line + jnp.tanh(on @ pairs @ on)

  positions = jnp.asarray(list(itertools.product((0.0, 1.0), repeat=7)))

  def exact(logits):
    chance = jax.nn.sigmoid(logits)[None]
    likely = jnp.prod(jnp.where(positions > 0, chance, 1 - chance), 1)
    return likely @ jax.vmap(loss)(positions)

  right = np.asarray(jax.jit(jax.grad(exact))(logits))
  keys = jax.random.split(KEY, 4000)
  through = jax.jit(
    jax.vmap(lambda k: jax.grad(lambda l: loss(relaxed_bernoulli(k, l, 1.0)))(logits))
  )
  got = np.asarray(through(keys)).mean(0)
  assert got @ right / np.linalg.norm(got) / np.linalg.norm(right) > 0.95


def test_rows_outside_of_the_batch_have_no_gradient():
  augmenter = per_example(gaussian(SPACE), 6)
  image = jnp.asarray(image_of(8, 8, dtype=np.float32))[None].repeat(2, 0)
  batch = Batch(image, jnp.zeros(2, jnp.int32), jnp.ones(2), jnp.array([4, 1], jnp.int32))
  phi = augmenter.init(KEY)._replace(probability=jnp.full((6, 7), 2.0))
  chex.assert_shape(phi.magnitude, (6, 7))
  energy = jax.jit(jax.grad(lambda phi: jnp.sum(augmenter.augment(KEY, phi, batch).image ** 2)))
  slope = energy(phi)
  for leaf in slope:
    np.testing.assert_array_equal(
      np.any(leaf != 0, axis=1), [False, True, False, False, True, False]
    )


def test_examples_may_share_one_row():
  augmenter = per_image(gaussian(SPACE))
  image = jnp.asarray(image_of(8, 8, dtype=np.float32))[None].repeat(3, 0)
  batch = Batch(image, jnp.zeros(3, jnp.int32), jnp.ones(3), jnp.arange(3, dtype=jnp.int32))
  phi = augmenter.init(KEY)._replace(probability=jnp.full(7, 5.0))
  chex.assert_shape(phi, (7,))
  out = augmenter.augment(KEY, phi, batch).image
  assert not np.allclose(out[0], out[1])  # a draw for each image all the same


def test_as_data_one_row_is_itself():
  phi = GaussianPhi(jnp.linspace(-1.0, 1.0, 7), jnp.linspace(-2.0, 0.5, 7))
  (stage,) = gaussian_as_fixed(phi, SPACE).stages
  assert isinstance(stage, Gaussian)
  assert stage.ops == tuple(op.name for op in SPACE)
  np.testing.assert_allclose(stage.probability, sigmoid(np.linspace(-1, 1, 7)), rtol=1e-6)
  np.testing.assert_allclose(stage.deviation, sigmoid(np.linspace(-2, 0.5, 7)), rtol=1e-6)
  assert stage.mean == (0.0,) * 7
  assert stage.limit == LIMIT


def test_as_data_many_rows_are_their_mixture():
  rng = np.random.default_rng(3)
  phi = GaussianPhi(*(jnp.asarray(rng.normal(size=(5, 7)), jnp.float32) for _ in range(2)))
  rows = np.array([True, False, True, True, False])
  (stage,) = gaussian_as_fixed(phi, SPACE, rows=rows).stages
  chance, spread = (sigmoid(np.asarray(leaf, np.float64))[rows] for leaf in phi)
  np.testing.assert_allclose(stage.probability, chance.mean(0), rtol=1e-5)
  # The mean square of magnitudes that are not 0.
  expected = np.sqrt((chance * spread**2).sum(0) / chance.sum(0))
  np.testing.assert_allclose(stage.deviation, expected, rtol=1e-5)
  with pytest.raises(ValueError, match=r"phi takes logits \[2\]"):
    gaussian_as_fixed(phi, select(SPACE, ["Rotate", "ShearX"]))


@pytest.mark.parametrize(
  ("space", "options", "message"),
  [
    ((), {}, "at least one op"),
    (spaces.slack_cifar(), {}, "got ShearX"),
    (spaces.madao(), {}, "got Invert"),
    (SPACE, {"probability": 1.0}, "got 1.0"),
    (SPACE, {"level": 0}, "got 0"),
    (SPACE, {"temperature": 0.0}, "got 0.0"),
    (SPACE, {"limit": 2.5}, "got 2.5"),
  ],
  ids=["empty", "nearest", "no warp", "probability", "level", "temperature", "limit"],
)
def test_mistakes_are_named(space, options, message):
  with pytest.raises(ValueError, match=message):
    gaussian(space, **options)
