"""MADAO's policy: what it draws, its gradients by integrals and differences, its two faces."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from autoaug_jax.ops import Draws, Op, augment, select, spaces
from autoaug_jax.policies import base, interpret
from autoaug_jax.policies.gumbel import (
  STARTS,
  GumbelPhi,
  gumbel,
  gumbel_as_fixed,
  gumbel_numbers,
  in_floats,
  randaugment_start,
)
from autoaug_jax.types import Batch

SPACE = spaces.madao()
SMALL = select(SPACE, ["Rotate", "Invert", "Brightness"])
SELECTION = np.array([[0.4, -0.3, 0.1], [-0.6, 0.2, 0.9]])
CHANCE = np.array([[0.5, -0.7, 1.2], [-1.0, 0.3, 0.0]])
MAGNITUDE = np.array([[0.3, -0.8], [1.1, 0.2]])


def small_phi(dtype=np.float32):
  return GumbelPhi(*(jnp.asarray(part, dtype) for part in (SELECTION, CHANCE, MAGNITUDE)))


def softmax(x):
  return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def sigmoid(x):
  return 1 / (1 + np.exp(-x))


def pictures(count, size=8):
  return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def batch_of(images):
  count = len(images)
  return Batch(images, np.zeros(count, np.int32), np.ones(count, np.float32), np.arange(count))


def draw_many(policy, phi, count, seed=0):
  keys = jax.random.split(jax.random.key(seed), count)
  return jax.device_get(jax.jit(jax.vmap(policy.sample, in_axes=(0, None)))(keys, phi))


def plus(name, value):
  """An op that adds its number: the sum in an image tells which ones were run."""
  return Op(name, lambda key, image, strength: image + value * strength)


@pytest.mark.parametrize(("start", "value"), [("wacv", 0.5), ("arxiv", 0.62246)])
def test_it_starts_with_78_numbers(start, value):
  phi = gumbel(SPACE, 2, start=STARTS[start]).init(jax.random.key(0))
  assert sum(leaf.size for leaf in phi) == 78
  numbers = gumbel_numbers(phi, SPACE)
  np.testing.assert_allclose(numbers["selection"], 1 / 14, rtol=1e-6)
  np.testing.assert_allclose(numbers["probability"], value, rtol=1e-4)
  none = [op.name in ("Invert", "AutoContrast", "Equalize") for op in SPACE]
  expected = np.broadcast_to(np.where(none, 0.0, value), (2, 14))
  np.testing.assert_allclose(numbers["magnitude"], expected, rtol=1e-4)


def test_ops_are_drawn_by_the_softmax_and_bring_their_own_numbers():
  count, policy = 6000, gumbel(SMALL, 2)
  draws = draw_many(policy, small_phi(), count)
  np.testing.assert_array_equal(draws.factor, 1)
  magnitude = sigmoid(np.insert(MAGNITUDE, 1, np.inf, axis=1))  # Invert has none: 1
  for stage in range(2):
    op = draws.op[:, stage]
    seen = np.bincount(op, minlength=3)
    assert scipy.stats.chisquare(seen, count * softmax(SELECTION)[stage]).pvalue > 1e-3
    np.testing.assert_allclose(draws.chance[:, stage], CHANCE[stage][op], rtol=1e-6)
    np.testing.assert_allclose(draws.magnitude[:, stage], magnitude[stage][op], rtol=1e-6)


@pytest.mark.usefixtures("x64")
def test_the_factor_has_the_gradient_of_the_relaxed_sample():
  """d u_i / u_i = (onehot - u) / temperature, u worked out from what drew the op."""
  phi, key = small_phi(np.float64), jax.random.key(5)
  for temperature in (0.05, 0.7):
    policy = gumbel(SMALL, 2, temperature=temperature)
    noise = np.asarray(jax.random.gumbel(key, (2, 3), np.float64))
    u = softmax((np.log(softmax(SELECTION)) + noise) / temperature)
    op = np.asarray(policy.sample(key, phi).op)
    np.testing.assert_array_equal(op, u.argmax(axis=1))
    slopes = jax.jacobian(lambda phi, p=policy: p.sample(key, phi).factor)(phi).selection
    for stage in range(2):
      expected = (np.eye(3)[op[stage]] - u[stage]) / temperature
      np.testing.assert_allclose(slopes[stage, stage], expected, rtol=1e-9, atol=1e-12)
      np.testing.assert_array_equal(np.asarray(slopes[stage, 1 - stage]), 0)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("centered", [False, True], ids=["paper", "centered"])
def test_the_expected_gradient_of_selection_by_integration(centered):
  """Two ops, one stage, chance 1: the expectation over the noise is a one-dimensional integral.

  With d = g_1 - g_2 logistic and s = l_1 - l_2, u = sigmoid((s + d) / T). The estimate of the
  gradient in l_1 of E[sum of pixels] is E[s_i (onehot_i1 - u) / T], with 1 - u where d > -s and s_i
  the sum of O_i(x), or of O_i(x) - x.
  """
  temperature, count, image = 0.5, 40000, np.full((2, 2, 1), 0.25)
  space = (plus("One", 0.125), plus("Two", 0.5))
  policy = gumbel(space, 1, temperature=temperature, centered=centered)
  phi = GumbelPhi(jnp.array([[0.3, -0.2]]), jnp.full((1, 2), 40.0), jnp.full((1, 2), 40.0))

  def total(phi, key):
    sampling, applying = jax.random.split(key)
    return jnp.sum(policy.apply(applying, policy.sample(sampling, phi), jnp.asarray(image)))

  each = jax.jit(jax.vmap(jax.grad(total), in_axes=(None, 0)))
  slopes = np.asarray(each(phi, jax.random.split(jax.random.key(1), count)).selection)[:, 0, 0]
  d = np.linspace(-40, 40, 400001)
  u = sigmoid((0.5 + d) / temperature)
  one, two = (0.5, 2.0) if centered else (1.5, 3.0)
  value = np.where(d > -0.5, one * (1 - u), -two * u) / temperature
  expected = np.trapezoid(value * scipy.stats.logistic.pdf(d), d)
  error = slopes.std() / np.sqrt(count)
  assert abs(expected) > 10 * error  # the test can tell it from 0
  assert abs(slopes.mean() - expected) < 4 * error


@pytest.mark.usefixtures("x64")
def test_the_expected_gradient_of_a_chance_by_integration():
  """d b / d logit = b (1 - b) / T at b = sigmoid((logit + logistic noise) / T)."""
  temperature, count, image, logit = 0.5, 40000, np.full((2, 2, 1), 0.25), 0.4
  policy = gumbel((plus("One", 0.5),), 1, coin_temperature=temperature)
  phi = GumbelPhi(jnp.zeros((1, 1)), jnp.full((1, 1), logit), jnp.full((1, 1), 40.0))

  def total(phi, key):
    sampling, applying = jax.random.split(key)
    return jnp.sum(policy.apply(applying, policy.sample(sampling, phi), jnp.asarray(image)) ** 2)

  each = jax.jit(jax.vmap(jax.value_and_grad(total), in_axes=(None, 0)))
  values, slopes = each(phi, jax.random.split(jax.random.key(2), count))
  d = np.linspace(-40, 40, 400001)
  b = sigmoid((logit + d) / temperature)
  density = scipy.stats.logistic.pdf(d)
  pixel = 0.25 + 0.5 * b
  for seen, integrand in (
    (values, 4 * pixel**2),
    (slopes.chance[:, 0, 0], 8 * pixel * 0.5 * b * (1 - b) / temperature),
  ):
    expected = np.trapezoid(integrand * density, d)
    error = np.std(seen) / np.sqrt(count)
    assert abs(np.mean(seen) - expected) < 4 * error < 0.1 * expected


@pytest.mark.usefixtures("x64")
def test_gradients_in_magnitudes_chances_and_images_by_central_differences():
  """With fixed draws everything but the selection's factor is an ordinary function."""
  space = select(SPACE, ["ShearX", "Rotate", "Brightness"])  # these do not round on their way
  policy = gumbel(space, 2)
  rng = np.random.default_rng(3)
  phi = GumbelPhi(*(jnp.asarray(rng.normal(0, 0.3, (2, len(space)))) for _ in range(3)))
  images = jnp.asarray(rng.uniform(0.2, 0.6, (6, 7, 7, 3)))
  probe = jnp.asarray(rng.normal(size=images.shape))
  batch = batch_of(images)._replace(weight=jnp.ones(6))

  @jax.jit
  def value(numbers, images):
    at = phi._replace(chance=numbers[0], magnitude=numbers[1])
    out = base.per_image(policy).augment(jax.random.key(3), at, batch._replace(image=images))
    return jnp.sum(probe * out.image)

  at = ((phi.chance, phi.magnitude), images)
  slopes = jax.jit(jax.grad(value, argnums=(0, 1)))(*at)
  step = 1e-6
  for seed in range(4):
    direction = jax.tree.map(
      lambda leaf, s=seed: jnp.asarray(np.random.default_rng(s).normal(size=leaf.shape)), at
    )
    ahead, behind = (
      value(*jax.tree.map(lambda a, d, h=h: a + h * d, at, direction)) for h in (step, -step)
    )
    expected = (ahead - behind) / (2 * step)
    seen = sum(
      jnp.vdot(a, b)
      for a, b in zip(jax.tree.leaves(slopes), jax.tree.leaves(direction), strict=True)
    )
    assert float(seen) == pytest.approx(float(expected), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", ["Solarize", "Posterize", "Sharpness", "Contrast"])
def test_magnitudes_of_discrete_ops_have_a_gradient(name):
  """Straight through: the derivative is that of something smooth, not 0."""
  policy = gumbel(select(SPACE, [name]), 1)
  images = jnp.asarray(pictures(4).astype(np.float32) / 255)

  def value(phi):
    out = base.per_image(policy).augment(jax.random.key(0), phi, batch_of(images))
    return jnp.sum(out.image**2)

  phi = GumbelPhi(jnp.zeros((1, 1)), jnp.full((1, 1), 5.0), jnp.zeros((1, 1)))
  assert abs(float(jax.jit(jax.grad(value))(phi).magnitude[0, 0])) > 0.1


def test_the_image_is_the_blend_of_the_op_that_was_drawn():
  """By hand from the draw: one op a stage, b between it and the image."""
  policy = gumbel(SMALL, 2, coin_temperature=1.0)
  images, phi = jnp.asarray(pictures(5).astype(np.float32) / 255), small_phi()
  keys = jax.random.split(jax.random.key(1), 5)
  draws = jax.vmap(policy.sample, in_axes=(0, None))(keys, phi)
  out = jax.jit(policy.apply_batch)(keys, draws, images)
  resolving = jax.vmap(jax.random.split)(keys)[:, 0]
  turning, tossing = jnp.moveaxis(jax.vmap(jax.random.split)(resolving), 1, 0)
  signs = jax.vmap(lambda k: jnp.where(jax.random.bernoulli(k, 0.5, (2,)), 1.0, -1.0))(turning)
  noise = jax.vmap(lambda k: jax.random.logistic(k, (2,)))(tossing)
  b = sigmoid(np.asarray(draws.chance + noise))
  expected = images
  for stage in range(2):
    column = slice(stage, stage + 1)
    one = Draws(draws.op[:, column], draws.magnitude[:, column], signs[:, column])
    ran = augment(jax.random.key(0), expected, one, space=SMALL)
    share = b[:, stage, None, None, None].astype(np.float32)
    expected = share * ran + (1 - share) * expected
  np.testing.assert_allclose(out, expected, atol=1e-6)
  assert ((b > 0.05) & (b < 0.95)).any()
  single = jax.jit(policy.apply)(keys[2], jax.tree.map(lambda leaf: leaf[2], draws), images[2])
  np.testing.assert_allclose(single, out[2], atol=1e-6)


def test_uint8_images_see_the_same_ops_with_hard_coins():
  """At a coin temperature of nearly 0 the two faces differ by rounding only."""
  names = ["ShearX", "TranslateY", "Invert", "Solarize", "Posterize", "Color", "AutoContrast"]
  policy = gumbel(select(SPACE, names), 2, coin_temperature=1e-4)
  images, phi = pictures(64, 16), policy.init(jax.random.key(0))
  augmenter = base.per_image(policy)
  key = jax.random.key(11)
  hard = jax.jit(augmenter.augment)(key, phi, batch_of(images)).image
  soft = jax.jit(in_floats(augmenter).augment)(key, phi, batch_of(images)).image
  assert hard.dtype == np.uint8
  assert soft.dtype == np.float32
  apart = np.abs(np.asarray(hard, np.float64) - 255 * np.asarray(soft, np.float64))
  # Rounding before a threshold, an equalisation or a stretch can move a pixel far: few images.
  median = np.median(apart.reshape(64, -1), axis=1)
  assert (median <= 1.0).mean() > 0.9
  moved = (np.asarray(hard) != images).any(axis=(1, 2, 3))
  assert 0.5 < moved.mean() < 0.95  # 1 - 1/4 of them, less what changes nothing


def test_groups_share_ops_but_not_coins_and_directions():
  space = select(SPACE, ["TranslateX", "Invert", "Solarize"])
  augment = jax.jit(base.grouped(gumbel(space, 1), 2).augment)
  ramp = np.broadcast_to(np.arange(16, dtype=np.uint8)[None, :, None] * 10, (16, 16, 3))
  images, seen = np.stack([ramp] * 40), set()
  for seed in range(12):
    phi = GumbelPhi(jnp.zeros((1, 3)), jnp.zeros((1, 3)), jnp.zeros((1, 2)))
    out = np.asarray(augment(jax.random.key(seed), phi, batch_of(images)).image)
    for group in range(2):
      kinds = {image.tobytes() for image in out[group::2]}
      seen.add(len(kinds))
      assert len(kinds) <= 3  # as it is, and one op's two directions
  assert seen >= {2, 3}


def test_the_frozen_policy_has_the_same_distribution():
  phi, count = small_phi(), 6000
  live = gumbel(SMALL, 2)
  fixed = gumbel_as_fixed(phi, SMALL)
  frozen = interpret.policy(fixed)
  keys = jax.random.split(jax.random.key(8), count)
  drawn = jax.device_get(jax.vmap(frozen.sample, in_axes=(0, None))(keys, ()))
  # The live policy's ops as they show: each adds its own number, times its magnitude.
  chosen = draw_many(live, phi, count, seed=9)
  coin = np.random.default_rng(0).uniform(size=(count, 2)) < sigmoid(chosen.chance)
  nothing = 3  # interpret adds Identity to the three
  for stage in range(2):
    theirs = np.where(coin[:, stage], chosen.op[:, stage], nothing)
    table = [np.bincount(x, minlength=4) for x in (drawn.op[:, stage], theirs)]
    assert scipy.stats.chi2_contingency(table).pvalue > 1e-3
    for op, magnitude in ((0, MAGNITUDE[stage, 0]), (2, MAGNITUDE[stage, 1])):
      own = drawn.magnitude[drawn.op[:, stage] == op, stage]
      np.testing.assert_allclose(own, sigmoid(magnitude), rtol=1e-5)


def test_images_of_both_policies_are_alike():
  """The uint8 face against its frozen form, by what happened to a grey image."""
  space = select(SPACE, ["Invert", "Brightness", "Solarize"])
  phi, count = GumbelPhi(*(jnp.asarray(x) for x in (SELECTION, CHANCE, MAGNITUDE))), 6000
  phi = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), phi)
  images = np.full((count, 4, 4, 1), 200, np.uint8)
  live = jax.jit(base.per_image(gumbel(space, 2)).augment)
  frozen = jax.jit(interpret.augmenter(gumbel_as_fixed(phi, space)).augment)
  levels = [
    np.asarray(augment(jax.random.key(seed), p, batch_of(images)).image)[:, 1, 1, 0]
    for seed, augment, p in ((1, live, phi), (2, frozen, ()))
  ]
  kinds = np.unique(np.concatenate(levels))
  assert len(kinds) > 6
  table = np.array([[np.sum(level == kind) for kind in kinds] for level in levels])
  table = table[:, table.sum(axis=0) >= 10]
  assert scipy.stats.chi2_contingency(table).pvalue > 1e-3


def test_only_the_selected_op_is_run():
  """Forwards and backwards: an op that is never selected may be anything, even not a number."""
  broken = Op("Broken", lambda key, image, strength: image * (strength / 0.0))
  space = (*select(SPACE, ["Brightness"]), broken)
  policy = gumbel(space, 2)
  phi = GumbelPhi(jnp.tile(jnp.array([30.0, -30.0]), (2, 1)), jnp.zeros((2, 2)), jnp.zeros((2, 2)))
  images = jnp.asarray(pictures(8).astype(np.float32) / 255)

  def value(phi):
    return jnp.sum(base.per_image(policy).augment(jax.random.key(0), phi, batch_of(images)).image)

  total, slopes = jax.jit(jax.value_and_grad(value))(phi)
  chex.assert_tree_all_finite((total, slopes))
  assert np.abs(slopes.magnitude[:, 0]).max() > 0


@pytest.mark.parametrize(
  ("options", "message"),
  [({"k": 0}, "k=0"), ({"temperature": 0.0}, "0.0"), ({"coin_temperature": -1.0}, "-1.0")],
  ids=["k", "temperature", "coin_temperature"],
)
def test_mistakes_are_named(options, message):
  with pytest.raises(ValueError, match=message):
    gumbel(SMALL, **{"k": 1, **options})
  with pytest.raises(ValueError, match="at least one op"):
    gumbel((), 1)


def test_phi_of_another_space_is_refused():
  with pytest.raises(ValueError, match=r"\[k, 14\]"):
    gumbel_as_fixed(small_phi(), SPACE)


def test_randaugment_is_a_start():
  phi = gumbel(SMALL, 2, start=randaugment_start(12)).init(jax.random.key(0))
  numbers = gumbel_numbers(phi, SMALL)
  np.testing.assert_array_equal(np.asarray(numbers["probability"]), 1)
  np.testing.assert_allclose(numbers["magnitude"], [[0.4, 0.0, 0.4]] * 2, rtol=1e-5)
  with pytest.raises(ValueError, match="between 0 and 30, not 30"):
    randaugment_start(30)
