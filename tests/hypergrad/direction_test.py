"""An optimizer as it is, and a derivative in which gradients turn but do not grow."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from autoaug_jax import trees
from autoaug_jax.hypergrad import by_direction, implicit, mixed, neumann, turning, unrolled

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


def test_turning_is_central_differences_of_a_gradient_at_the_length_of_here(mlp, differences):
  gradient_of = jax.grad(mlp.inner)
  length = trees.norm(gradient_of(mlp.theta, mlp.phi))
  w = jax.tree.map(lambda leaf: jnp.cos(leaf + 1), mlp.theta)

  def value(phi):
    gradient = gradient_of(mlp.theta, phi)
    return trees.vdot(gradient, w) * length / trees.norm(gradient)

  got = turning()(mlp.inner, mlp.theta, mlp.phi, w)
  chex.assert_trees_all_close(got, differences(value, mlp.phi), rtol=1e-6, atol=1e-8)


def test_a_gradient_of_zero_turns_into_no_nan(x64):
  def inner(theta, phi):
    return jnp.vdot(theta, theta) / 2 + jnp.vdot(theta, phi) * jnp.sum(theta)

  got = turning()(inner, jnp.zeros(2), jnp.ones(2), jnp.asarray([1.0, 2.0]))
  np.testing.assert_array_equal(got, 0)


SGD = optax.sgd(0.01)
LENGTHS = {
  "a step ahead": (unrolled(SGD), unrolled(by_direction(SGD))),
  "a series": tuple(implicit(neumann(1e-3, 2), cross=cross) for cross in (mixed, turning())),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_a_policy_that_only_makes_gradients_longer_gains_nothing(mlp, name):
  """inner = exp(phi) loss: a longer step lowers outer, which the plain estimator rewards."""

  def inner(theta, phi):
    return jnp.exp(phi) * mlp.inner(theta, mlp.phi)

  def outer(theta, phi):
    return mlp.inner(theta, mlp.phi)

  at = (inner, outer, mlp.theta, jnp.zeros(()), SGD.init(mlp.theta))
  plain, ours = (estimator(*at)[1] for estimator in LENGTHS[name])
  assert plain < -1e-4
  np.testing.assert_allclose(ours, 0, atol=1e-15)
