"""MADAO's policy by scores: its distribution, and its expected gradient by enumeration."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from autoaug_jax.ops import Op
from autoaug_jax.policies import base
from autoaug_jax.policies.gumbel import GumbelPhi
from autoaug_jax.policies.scored import Scored, scored
from autoaug_jax.types import Batch

SELECTION = np.array([[0.4, -0.3], [-0.6, 0.9]])
CHANCE = np.array([[0.5, -0.7], [-1.0, 0.3]])
MAGNITUDE = np.array([[0.3, -0.8], [1.1, 0.2]])


def plus(name, value):
  """An op that adds its number: the sum in an image tells which ones were run."""
  return Op(name, lambda key, image, strength: image + value * strength)


SPACE = (plus("One", 0.1), plus("Two", 0.3))


def phi_of(dtype=np.float32):
  return GumbelPhi(*(jnp.asarray(part, dtype) for part in (SELECTION, CHANCE, MAGNITUDE)))


def sigmoid(x):
  return 1 / (1 + np.exp(-x))


def test_ops_and_coins_have_their_probabilities():
  count, policy = 6000, scored(SPACE, 2)
  keys = jax.random.split(jax.random.key(0), count)
  draws = jax.device_get(jax.jit(jax.vmap(policy.sample, in_axes=(0, None)))(keys, phi_of()))
  share = np.exp(SELECTION) / np.exp(SELECTION).sum(axis=1, keepdims=True)
  for stage in range(2):
    seen = np.bincount(2 * draws.op[:, stage] + draws.coin[:, stage], minlength=4)
    p = sigmoid(CHANCE[stage])
    expected = np.stack([share[stage] * (1 - p), share[stage] * p], axis=1).ravel()
    assert scipy.stats.chisquare(seen, count * expected).pvalue > 1e-3
    np.testing.assert_allclose(
      draws.magnitude[:, stage], sigmoid(MAGNITUDE[stage])[draws.op[:, stage]], rtol=1e-5
    )


@pytest.mark.usefixtures("x64")
def test_the_expected_gradient_is_that_of_the_expectation():
  """All 16 draws: the score of what is not differentiated, the derivative of what is."""
  policy, phi = scored(SPACE, 2), phi_of(np.float64)
  image = jnp.full((2, 2, 1), 0.2)

  def loss(phi, op, coin):
    level = jax.nn.sigmoid(phi.magnitude)[jnp.arange(2), op]
    draw = Scored(op, coin, level)
    out = policy.apply(jax.random.key(0), draw, image)
    log_prob = policy.log_prob(phi, draw)
    weight = jnp.exp(log_prob - jax.lax.stop_gradient(log_prob))
    return weight * jnp.mean(out) ** 2, jnp.exp(log_prob)

  def truth(phi):
    total = 0.0
    share, p = jax.nn.softmax(phi.selection), jax.nn.sigmoid(phi.chance)
    level = jax.nn.sigmoid(phi.magnitude)
    for ops in itertools.product(range(2), repeat=2):
      for coins in itertools.product((0, 1), repeat=2):
        chance, pixel = 1.0, 0.2
        for stage, (op, coin) in enumerate(zip(ops, coins, strict=True)):
          chance *= share[stage, op] * (p[stage, op] if coin else 1 - p[stage, op])
          pixel += coin * (0.1, 0.3)[op] * level[stage, op]
        total += chance * pixel**2
    return total

  slopes = jax.tree.map(jnp.zeros_like, phi)
  gradient = jax.jit(jax.grad(loss, has_aux=True))
  for ops in itertools.product(range(2), repeat=2):
    for coins in itertools.product((False, True), repeat=2):
      one, chance = gradient(phi, jnp.asarray(ops, jnp.int32), jnp.asarray(coins))
      slopes = jax.tree.map(lambda s, g, c=chance: s + c * g, slopes, one)
  for found, wanted in zip(slopes, jax.grad(truth)(phi), strict=True):
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def test_the_score_is_on_the_weight():
  images = np.zeros((4, 2, 2, 1), np.float32)
  batch = Batch(images, np.zeros(4, np.int32), np.full(4, 0.5, np.float32), np.arange(4))

  def weights(phi):
    return jnp.sum(base.per_image(scored(SPACE, 2)).augment(jax.random.key(0), phi, batch).weight)

  value, slopes = jax.jit(jax.value_and_grad(weights))(phi_of())
  assert float(value) == pytest.approx(2)
  assert np.abs(slopes.selection).min() > 0
  np.testing.assert_array_equal(np.asarray(slopes.magnitude), 0)
