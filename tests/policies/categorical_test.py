"""SLACK's policy: what it draws, in which order it applies it, and its score."""

import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from autoaug_jax.ops import Draws, spaces
from autoaug_jax.ops.space import Op, find, select
from autoaug_jax.policies import base, categorical, interpret
from autoaug_jax.policies.categorical import CategoricalPhi, Composite, categorical_uniform
from autoaug_jax.policies.sequence import arranged, members
from autoaug_jax.types import Batch

SPACE = spaces.slack_cifar()
SMALL = select(SPACE, ["Rotate", "Invert", "Cutout"])
DOUBLE = select(SPACE, ["Rotate", "Invert", "Solarize"])  # without Cutout, whose box is float32
LOGITS = np.array([[0.4, -0.3, 0.1], [-0.6, 0.2, 0.9]])
BOUND = np.array([0.75, 0.4, 1.0])


def small_phi(dtype=np.float32):
  return CategoricalPhi(jnp.asarray(LOGITS, dtype), jnp.asarray(BOUND, dtype))


def pictures(count, size=16):
  return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def batch_of(images):
  count = len(images)
  return Batch(images, np.zeros(count, np.int32), np.ones(count, np.float32), np.arange(count))


def draw_many(policy, phi, count, seed=0):
  keys = jax.random.split(jax.random.key(seed), count)
  return jax.device_get(jax.jit(jax.vmap(policy.sample, in_axes=(0, None)))(keys, phi))


def test_it_starts_uniform_with_bounds_of_three_quarters():
  phi = categorical_uniform(SPACE, 3).init(jax.random.key(0))
  chex.assert_shape((phi.logits, phi.bound), ((3, 17), (17,)))
  np.testing.assert_allclose(categorical.probabilities(phi), 1 / 17, rtol=1e-6)
  np.testing.assert_array_equal(np.asarray(phi.bound), np.float32(0.75))


def test_ops_are_drawn_by_the_softmax_of_their_slot():
  count = 6000
  draws = draw_many(categorical_uniform(SMALL, 2), small_phi(), count)
  for slot in range(2):
    seen = np.bincount(draws.op[:, slot], minlength=3)
    share = np.exp(LOGITS[slot]) / np.exp(LOGITS[slot]).sum()
    assert scipy.stats.chisquare(seen, count * share).pvalue > 1e-3


def test_magnitudes_have_the_density_that_is_scored():
  draws = draw_many(categorical_uniform(SMALL, 2), small_phi(), 6000)
  rng = np.random.default_rng(1)
  for op, bound in enumerate(BOUND):
    magnitude = draws.magnitude[draws.op == op]
    reference = rng.uniform(0, bound, 20000) + rng.normal(0, 0.1, 20000)
    assert scipy.stats.ks_2samp(magnitude, reference).pvalue > 1e-3


@pytest.mark.parametrize("shared", [False, True], ids=["independent", "shared"])
def test_noise(shared):
  """With a bound of (nearly) 0 a magnitude is its noise."""
  phi = small_phi()._replace(bound=jnp.full(3, 1e-6))
  policy = categorical_uniform(SMALL, 2, shared_noise=shared)
  first, second = draw_many(policy, phi, 4000).magnitude.T
  correlation = np.corrcoef(first, second)[0, 1]
  assert correlation > 0.999 if shared else abs(correlation) < 4 / np.sqrt(4000)


def hand_score(draw, *, sigma=0.1):
  """grad log p(tau) by hand: onehot - softmax, and phi(x) / (sigma (Phi(x) - Phi(y))) - 1 / mu."""
  logits, bound = np.zeros_like(LOGITS), np.zeros_like(BOUND)
  for slot, (op, m) in enumerate(zip(draw.op, draw.magnitude, strict=True)):
    share = np.exp(LOGITS[slot]) / np.exp(LOGITS[slot]).sum()
    logits[slot] += np.eye(3)[op] - share
    x, y = (BOUND[op] - m) / sigma, -m / sigma
    mass = scipy.stats.norm.cdf(x) - scipy.stats.norm.cdf(y)
    bound[op] += scipy.stats.norm.pdf(x) / (sigma * mass) - 1 / BOUND[op]
  return logits, bound


@pytest.mark.usefixtures("x64")
def test_log_prob_and_its_gradient():
  policy = categorical_uniform(SMALL, 2)
  draw = Composite(jnp.array([1, 0]), jnp.array([0.3, 0.71]))
  value, gradient = jax.value_and_grad(policy.log_prob)(small_phi(np.float64), draw)
  share = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
  expected = np.log(share[0, 1]) + np.log(share[1, 0])
  for bound, m in ((0.4, 0.3), (0.75, 0.71)):
    upper, lower = scipy.stats.norm.cdf([(bound - m) / 0.1, -m / 0.1])
    expected += np.log((upper - lower) / bound)
  assert float(value) == pytest.approx(expected, abs=1e-12)
  np.testing.assert_allclose(gradient.logits, hand_score(draw)[0], atol=1e-12)
  np.testing.assert_allclose(gradient.bound, hand_score(draw)[1], atol=1e-9)
  one_sided = categorical_uniform(SMALL, 2, one_sided=True).log_prob(small_phi(np.float64), draw)
  lost = [np.log1p(-scipy.stats.norm.cdf(-3) / scipy.stats.norm.cdf(1)), 0.0]
  assert float(one_sided) + sum(lost) == pytest.approx(float(value), abs=1e-9)


@pytest.mark.usefixtures("x64")
def test_the_expected_score_is_the_gradient_by_enumeration():
  """Every pair of ops, magnitudes on a grid on which the trapezoidal rule is exact to rounding."""
  policy, phi = categorical_uniform(SMALL, 2), small_phi(np.float64)
  grid = np.linspace(-1.0, 2.0, 121)
  step = grid[1] - grid[0]
  pairs = np.array(list(itertools.product(range(3), repeat=2)))
  one, two = (g.ravel() for g in np.meshgrid(grid, grid, indexing="ij"))
  loss_of_op = np.array([0.7, -1.1, 0.4])

  def loss(op, m):
    by_op = jnp.asarray(loss_of_op)
    return by_op[op[0]] * m[0] - by_op[op[1]] * m[1] ** 2 + 0.3 * m[0] * m[1]

  @jax.jit
  def expected_score(op):
    def at(m):
      draw = Composite(op, m)
      log_prob, score = jax.value_and_grad(policy.log_prob)(phi, draw)
      weight = jnp.exp(log_prob) * step**2 * loss(op, m)
      return jax.tree.map(lambda leaf: weight * leaf, score)

    each = jax.vmap(at)(jnp.stack([jnp.asarray(one), jnp.asarray(two)], axis=1))
    return jax.tree.map(lambda leaf: leaf.sum(axis=0), each)

  total = [expected_score(jnp.asarray(pair)) for pair in pairs]
  total = jax.tree.map(lambda *leaves: sum(leaves), *total)

  def truth(phi):
    """E m = mu / 2, E m^2 = mu^2 / 3 + sigma^2, slots independent."""
    p = jax.nn.softmax(phi.logits)
    mean, square = phi.bound / 2, phi.bound**2 / 3 + 0.01
    first = jnp.sum(p[0] * jnp.asarray(loss_of_op) * mean)
    second = jnp.sum(p[1] * jnp.asarray(loss_of_op) * square)
    return first - second + 0.3 * jnp.sum(p[0] * mean) * jnp.sum(p[1] * mean)

  chex.assert_trees_all_close(total, jax.grad(truth)(phi), atol=1e-10)


@pytest.mark.usefixtures("x64")
def test_one_step_through_the_weight_is_slacks_closed_form():
  """Supplement B.1: -eta / N_a sum_tau <grad val(ahead), grad train(tau)> grad log p(tau)."""
  policy, phi, rate, draws = categorical_uniform(DOUBLE, 2, flip=0.0), small_phi(np.float64), 0.2, 3
  augment = base.shared(policy).augment
  images = jnp.asarray(pictures(4, 8) / 255.0)
  batch = batch_of(images)._replace(weight=jnp.ones(4))
  target = jnp.asarray([0.3, 0.5, 0.1, 0.9])
  theta = jnp.asarray(np.random.default_rng(3).normal(size=8 * 8 * 3) / 10)
  keys = jax.random.split(jax.random.key(7), draws)

  def losses(theta, images):
    return (images.reshape(4, -1) @ theta - target) ** 2

  def outer(phi):
    def train(theta):
      outs = [augment(key, phi, batch) for key in keys]
      return sum(jnp.mean(out.weight * losses(theta, out.image)) for out in outs) / draws

    ahead = theta - rate * jax.grad(train)(theta)
    return jnp.mean(losses(ahead, images)), ahead

  gradient, ahead = jax.grad(outer, has_aux=True)(phi)
  flat = np.asarray(images).reshape(4, -1)
  v = flat.T @ (flat @ np.asarray(ahead) - np.asarray(target)) * 2 / 4
  expected = [np.zeros_like(LOGITS), np.zeros_like(BOUND)]
  for key in keys:
    draw = jax.device_get(policy.sample(jax.random.fold_in(key, 0), phi))
    x = np.asarray(augment(key, phi, batch).image).reshape(4, -1)
    g = x.T @ (x @ np.asarray(theta) - np.asarray(target)) * 2 / 4
    for total, score in zip(expected, hand_score(draw), strict=True):
      total += -rate / draws * (v @ g) * score
  np.testing.assert_allclose(gradient.logits, expected[0], rtol=1e-9, atol=1e-12)
  np.testing.assert_allclose(gradient.bound, expected[1], rtol=1e-8, atol=1e-10)


def test_no_gradient_passes_through_the_draw():
  space = select(SPACE, ["Rotate"])
  augment = base.per_image(categorical_uniform(space, 2, flip=0.0)).augment
  images = pictures(3, 8).astype(np.float32) / 255

  def value(phi):
    return jnp.sum(augment(jax.random.key(0), phi, batch_of(images)).image)

  phi = CategoricalPhi(jnp.zeros((2, 1)), jnp.ones(1))
  gradient = jax.jit(jax.grad(value))(phi)
  assert not any(np.asarray(leaf).any() for leaf in gradient)


def mark(name, value):
  """An op that writes `name`'s number after what is there: images show who ran when."""
  return Op(name, lambda key, image, strength: image * 0.1 + value * 0.1)


MARKS = (mark("One", 0.1), mark("RandomResizedCrop", 0.2), mark("Cutout", 0.3), mark("Two", 0.4))


@pytest.mark.parametrize(
  ("drawn", "applied"),
  [
    ((0, 3, 0), (0, 3, 0)),
    ((0, 1, 3), (1, 0, 3)),
    ((2, 0, 3), (0, 3, 2)),
    ((2, 1, 0), (1, 0, 2)),
    ((1, 0, 1), (1, 0)),
    ((2, 0, 2), (0, 2)),
    ((2, 1, 2), (1, 2)),
  ],
  ids=str,
)
def test_crops_run_first_and_cutouts_last_once_each(drawn, applied):
  policy = categorical_uniform(MARKS, 3, flip=0.0)
  draw = Composite(jnp.array(drawn), jnp.full(3, 0.5))
  image = policy.apply(jax.random.key(0), draw, jnp.zeros((4, 4, 1)))
  expected = 0.0
  for op in applied:
    expected = expected * 0.1 + (0.1, 0.2, 0.3, 0.4)[op] * 0.1
  np.testing.assert_allclose(image, expected, atol=1e-6)


def test_of_several_the_first_crop_and_the_last_cutout_keep_their_magnitude():
  table = (*MARKS, spaces.IDENTITY)
  draws = Draws(jnp.array([2, 1, 1, 2]), jnp.array([0.1, 0.2, 0.3, 0.4]), jnp.ones(4))
  first, last = (
    jnp.asarray(members(table, names)) for names in (["RandomResizedCrop"], ["Cutout"])
  )
  out = arranged(draws, first=first, last=last, nothing=4)
  kept = [
    (int(o), round(float(m), 1)) for o, m in zip(out.op, out.magnitude, strict=True) if o != 4
  ]
  assert kept == [(1, 0.2), (2, 0.4)]


def test_flips_and_directions_are_each_images_own():
  space = select(SPACE, ["TranslateX"])
  augment = jax.jit(base.shared(categorical_uniform(space, 1, sigma=1e-3)).augment)
  ramp = np.broadcast_to(np.arange(1, 17, dtype=np.uint8)[None, :, None] * 10, (16, 16, 3))
  images = np.stack([ramp] * 400)
  phi = CategoricalPhi(jnp.zeros((1, 1)), jnp.ones(1))
  out = np.asarray(augment(jax.random.key(4), phi, batch_of(images)).image)
  flipped = out[:, 0, 7, 0].astype(int) > out[:, 0, 8, 0].astype(int)
  empty_left = out[:, 0, 0, 0] == 0
  left = empty_left ^ flipped
  for coin in (flipped, left):
    assert abs(coin.mean() - 0.5) < 4 * 0.5 / 20
  assert len(np.unique(out.reshape(400, -1), axis=0)) == 4


@pytest.mark.parametrize("face", [np.uint8, np.float32], ids=["uint8", "float"])
def test_the_batched_apply_is_the_apply(face):
  names = ["ShearX", "Rotate", "Equalize", "Solarize", "Color", "Hue", "Cutout", "RandomCrop"]
  space = select(spaces.slack_domainnet(), ["RandomResizedCrop", *names])
  policy = categorical_uniform(space, 3)
  images = pictures(24)
  images = images if face == np.uint8 else images.astype(np.float32) / 255
  keys = jax.random.split(jax.random.key(2), 24)
  draws = jax.vmap(policy.sample, in_axes=(0, None))(keys, policy.init(keys[0]))
  fast = jax.jit(policy.apply_batch)(keys, draws, images)
  slow = jax.jit(lambda *args: jax.lax.map(lambda one: policy.apply(*one), args))(
    keys, draws, jnp.asarray(images)
  )
  assert fast.dtype == face
  assert (np.asarray(fast) != images).any(axis=(1, 2, 3)).mean() > 0.9
  if face == np.uint8:
    np.testing.assert_array_equal(np.asarray(fast), np.asarray(slow))
  else:
    np.testing.assert_allclose(fast, slow, atol=1e-5)


def test_the_frozen_policy_has_the_same_distribution():
  phi, count = small_phi(), 6000
  fixed = categorical.as_fixed(phi, SMALL)
  policy = interpret.policy(fixed)
  keys = jax.random.split(jax.random.key(8), count)
  frozen = jax.device_get(jax.vmap(policy.sample, in_axes=(0, None))(keys, ()))
  live = categorical_uniform(SMALL, 2)

  draws = draw_many(live, phi, count, seed=9)
  # Cutout is moved to the back; count how often each op was drawn in all.
  names = [op.name for op in fixed.space]
  for op, name in enumerate(("Rotate", "Invert")):
    ours = np.sum(frozen.op == names.index(name), axis=1)
    theirs = np.sum(draws.op == op, axis=1)
    table = [np.bincount(x, minlength=3) for x in (ours, theirs)]
    assert scipy.stats.chi2_contingency(table).pvalue > 1e-3
    live_m = np.clip(draws.magnitude[draws.op == op], 0, 1)
    frozen_m = frozen.magnitude[frozen.op == names.index(name)]
    assert scipy.stats.ks_2samp(live_m, frozen_m).pvalue > 1e-3
  cutouts = frozen.op == names.index("Cutout")
  assert (cutouts.sum(axis=1) <= 1).all()
  assert cutouts[:, :-1].sum() == 0
  any_cutout = (draws.op == 2).any(axis=1).mean()
  assert abs(cutouts.any(axis=1).mean() - any_cutout) < 4 * 0.7 / np.sqrt(count)
  flips = (frozen.op == names.index("FlipX")).sum(axis=1)
  assert abs(flips.mean() - 0.5) < 4 * 0.5 / np.sqrt(count)


def test_anchor_and_bounds():
  phi, other = small_phi(), small_phi()._replace(logits=jnp.zeros((2, 3)))
  share = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
  expected = (share * np.log(share * 3)).sum()
  assert categorical.anchored(phi, other) == pytest.approx(expected, rel=1e-5)
  moved = phi._replace(bound=jnp.array([0.02, 0.5, 1.3]))
  np.testing.assert_allclose(categorical.kept_in_range(moved).bound, [0.1, 0.5, 1.0])


@pytest.mark.parametrize(
  ("options", "message"),
  [({"k": 0}, "k=0"), ({"bound": 1.5}, "1.5"), ({"sigma": 0.0}, "0.0"), ({"flip": -1}, "-1")],
  ids=["k", "bound", "sigma", "flip"],
)
def test_mistakes_are_named(options, message):
  with pytest.raises(ValueError, match=message):
    categorical_uniform(SMALL, **{"k": 1, **options})
  with pytest.raises(ValueError, match="at least one op"):
    categorical_uniform((), 1)


def test_phi_of_another_space_is_refused():
  with pytest.raises(ValueError, match=r"logits \[k, 17\]"):
    categorical.as_fixed(small_phi(), SPACE)


def test_names_of_the_space_are_those_of_the_rules():
  """The rules of order go by name: the papers' spaces must have these."""
  find(spaces.slack_cifar(), *categorical.LAST)
  find(spaces.slack_imagenet(), *categorical.FIRST)
