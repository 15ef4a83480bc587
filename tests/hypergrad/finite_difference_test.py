"""DARTS's difference against the exact product."""

import chex
import jax
import jax.numpy as jnp
import optax
import pytest

from autoaug_jax.hypergrad import finite_difference, unrolled


def test_tends_to_the_unroll_as_epsilon_squared(mlp):
  optimizer = optax.sgd(0.3, momentum=0.9)
  args = (mlp.theta, mlp.phi, optimizer.init(mlp.theta))

  def inner(theta, phi):
    return mlp.inner(theta, phi)

  @jax.jit
  def estimates(*args):
    wide, narrow = (finite_difference(optimizer, epsilon=epsilon) for epsilon in (0.1, 0.05))
    return [f(inner, mlp.outer, *args)[1] for f in (unrolled(optimizer), wide, narrow)]

  exact, *approximate = estimates(*args)
  errors = []
  for got in approximate:
    errors.append(optax.tree.norm(jax.tree.map(jnp.subtract, got, exact)))
  assert errors[1] < 1e-2 * optax.tree.norm(exact)
  chex.assert_trees_all_close(errors[0] / errors[1], 4.0, rtol=0.05)


def test_no_direction_is_no_error(mlp):
  optimizer = optax.sgd(0.3)

  @jax.jit
  def estimate(*at):
    return finite_difference(optimizer)(
      lambda t, p: mlp.inner(t, p), lambda t, p: jnp.sum(p["shift"]), *at
    )

  _, gradient = estimate(mlp.theta, mlp.phi, optimizer.init(mlp.theta))
  expected = {"shift": jnp.ones(3), "log_weight": jnp.zeros(6)}
  chex.assert_trees_all_close(gradient, expected, atol=1e-12)


def test_says_what_it_accepts():
  with pytest.raises(ValueError, match="positive, not 0"):
    finite_difference(optax.sgd(0.1), epsilon=0)
