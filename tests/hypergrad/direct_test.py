"""`direct` is the partial derivative and nothing else."""

import chex
import jax.numpy as jnp

from autoaug_jax.hypergrad import direct


def test_is_the_partial_derivative(mlp):
  value, gradient = direct()(mlp.inner, mlp.outer, mlp.theta, mlp.phi, None)
  chex.assert_trees_all_close(value, mlp.outer(mlp.theta, mlp.phi))
  expected = {"shift": 0.2 * mlp.phi["shift"], "log_weight": jnp.zeros(6)}
  chex.assert_trees_all_close(gradient, expected, rtol=1e-12)
