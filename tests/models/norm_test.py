"""Batch normalisation: gradients, shared statistics, and what stays out of the gradient."""

import chex
import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.models.norm import BatchNorm

X = np.random.default_rng(0).normal(3.0, 2.0, (8, 3, 2, 5))


def variables(dtype=jnp.float32):
  scale, bias = jnp.linspace(0.5, 2.0, 5, dtype=dtype), jnp.linspace(-1.0, 1.0, 5, dtype=dtype)
  stats = {"mean": jnp.zeros(5, dtype), "var": jnp.ones(5, dtype)}
  return {"params": {"scale": scale, "bias": bias}, "batch_stats": stats}


def test_second_derivative_agrees_with_differences(x64):
  weights = jnp.asarray(np.random.default_rng(1).normal(size=X.shape))
  direction = jnp.asarray(np.random.default_rng(2).normal(size=X.shape))

  def loss(x):
    y, _ = BatchNorm().apply(variables(jnp.float64), x, True, mutable=["batch_stats"])
    return jnp.sum(weights * jnp.sin(y))

  grad = jax.jit(jax.grad(loss))
  product = jax.jvp(grad, (jnp.asarray(X),), (direction,))[1]
  difference = (grad(X + 1e-5 * direction) - grad(X - 1e-5 * direction)) / 2e-5
  # Central differences at 1e-5 err by 1e-10 of the third derivative, and 1e-11 by rounding.
  chex.assert_trees_all_close(product, difference, rtol=1e-6, atol=1e-8)


def test_statistics_over_a_mapped_axis_are_those_of_the_whole_batch(x64):
  def apply(norm, x):
    return norm.apply(variables(jnp.float64), x, True, mutable=["batch_stats"])

  whole, stats = apply(BatchNorm(), jnp.asarray(X))
  shards = jnp.asarray(X).reshape(4, 2, 3, 2, 5)
  parts, shared = jax.vmap(lambda x: apply(BatchNorm("devices"), x), axis_name="devices")(shards)
  chex.assert_trees_all_close(parts.reshape(X.shape), whole, rtol=1e-12)
  for i in range(4):
    part = jax.tree.map(lambda leaf, i=i: leaf[i], shared)
    chex.assert_trees_all_close(part, stats, rtol=1e-12)


def test_no_gradient_reaches_the_running_statistics():
  def total(x):
    _, updated = BatchNorm().apply(variables(), x, True, mutable=["batch_stats"])
    return sum(jnp.sum(leaf) for leaf in jax.tree.leaves(updated))

  gradient = jax.grad(total)(jnp.asarray(X, jnp.float32))
  chex.assert_trees_all_equal(gradient, jnp.zeros_like(gradient))


def test_a_large_mean_does_not_spoil_the_variance():
  # E x^2 - (E x)^2 would cancel: 1e6 has a spacing of 0.06 in float32, the variance here is 0.04.
  x = 1000.0 + 0.2 * jnp.sign(jnp.asarray(X, jnp.float32) - 3.0)
  y, _ = BatchNorm().apply(variables(), x, True, mutable=["batch_stats"])
  wide = np.asarray(x, np.float64)
  expected = (wide - wide.mean((0, 1, 2))) / np.sqrt(wide.var((0, 1, 2)) + 1e-5)
  expected = expected * np.linspace(0.5, 2.0, 5) + np.linspace(-1.0, 1.0, 5)
  # The mean near 1000 is rounded to 6e-5, against a deviation of 0.2.
  chex.assert_trees_all_close(y, expected.astype(np.float32), atol=2e-3)


def test_bfloat16_is_normalised_by_float32_statistics():
  x = jnp.asarray(X, jnp.bfloat16)
  y, updated = BatchNorm().apply(variables(), x, True, mutable=["batch_stats"])
  exact, expected = BatchNorm().apply(
    variables(), x.astype(jnp.float32), True, mutable=["batch_stats"]
  )
  assert y.dtype == jnp.bfloat16
  chex.assert_trees_all_equal(updated, expected)
  chex.assert_trees_all_equal(y, exact.astype(jnp.bfloat16))
