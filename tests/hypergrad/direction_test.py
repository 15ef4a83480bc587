"""An optimizer as it is, and a derivative in which gradients turn but do not grow."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from autoaug_jax import trees
from autoaug_jax.hypergrad import by_direction, unrolled

MOMENTUM = optax.chain(optax.add_decayed_weights(0.01), optax.sgd(0.3, momentum=0.9))


@pytest.mark.parametrize("length", [1.0, 1e-12, 1e12, 0.0])
def test_steps_are_the_same_to_the_bit(length):
  theta = {"a": jnp.arange(6.0) / 7, "b": jnp.ones((2, 3))}
  gradient = jax.tree.map(lambda t: jnp.float32(length) * jnp.cos(t), theta)
  state = MOMENTUM.init(theta)
  ours, theirs = (o.update(gradient, state, theta) for o in (by_direction(MOMENTUM), MOMENTUM))
  chex.assert_trees_all_equal(ours, theirs)


def test_the_derivative_is_the_projection_off_the_gradient(x64):
  g = jnp.asarray([3.0, -4.0, 12.0])

  def step(g):
    optimizer = by_direction(optax.sgd(0.5))
    return optimizer.update(g, optimizer.init(g), g)[0]

  unit = np.asarray(g) / 13
  wanted = -0.5 * (np.eye(3) - np.outer(unit, unit))
  np.testing.assert_allclose(jax.jacobian(step)(g), wanted, atol=1e-12)
  np.testing.assert_allclose(jax.jacobian(step)(0 * g), -0.5 * np.eye(3), atol=1e-12)


@pytest.mark.parametrize("form", ["mixed", "grad"])
def test_estimators_are_central_differences_at_the_length_of_here(mlp, differences, form):
  state = MOMENTUM.init(mlp.theta)
  length = trees.norm(jax.grad(mlp.inner)(mlp.theta, mlp.phi))

  def value(phi):
    gradient = jax.grad(mlp.inner)(mlp.theta, phi)
    gradient = trees.scaled(length / trees.norm(gradient), gradient)
    updates, _ = MOMENTUM.update(gradient, state, mlp.theta)
    return mlp.outer(optax.apply_updates(mlp.theta, updates), phi)

  estimator = unrolled(by_direction(MOMENTUM), form=form)
  got = estimator(mlp.inner, mlp.outer, mlp.theta, mlp.phi, state)
  chex.assert_trees_all_close(got[0], value(mlp.phi), rtol=1e-12)
  chex.assert_trees_all_close(got[1], differences(value, mlp.phi), rtol=1e-6, atol=1e-8)


def test_a_policy_that_only_makes_gradients_longer_gains_nothing(mlp):
  """inner = exp(phi) loss: a longer step lowers outer, which the plain estimator rewards."""
  optimizer = optax.sgd(0.01)
  state = optimizer.init(mlp.theta)

  def inner(theta, phi):
    return jnp.exp(phi) * mlp.inner(theta, mlp.phi)

  def outer(theta, phi):
    return mlp.inner(theta, mlp.phi)

  phi = jnp.zeros(())
  plain, ours = (
    unrolled(o)(inner, outer, mlp.theta, phi, state)[1]
    for o in (optimizer, by_direction(optimizer))
  )
  assert plain < -1e-4
  np.testing.assert_allclose(ours, 0, atol=1e-15)
