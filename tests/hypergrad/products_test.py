"""Products against the whole matrices, written out by jax.hessian and jax.jacobian in float64."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from autoaug_jax.hypergrad import gauss_newton, hessian
from autoaug_jax.hypergrad.products import central_difference, mixed


def test_hessian_and_mixed_are_rows_of_the_whole(mlp):
  theta, unravel = ravel_pytree(mlp.theta)
  phi, unravel_phi = ravel_pytree(mlp.phi)
  p = jnp.sin(theta + 1)

  def flat(theta, phi):
    return mlp.inner(unravel(theta), unravel_phi(phi))

  @jax.jit
  def both(p):
    at = (mlp.inner, mlp.theta, mlp.phi, unravel(p))
    whole = jax.hessian(flat)(theta, phi) @ p
    cross = p @ jax.jacfwd(jax.grad(flat), argnums=1)(theta, phi)
    return (hessian(*at), mixed(*at), central_difference(1e-4)(*at)), (whole, cross)

  (second, exact, approximate), (whole, cross) = both(p)
  chex.assert_trees_all_close(second, unravel(whole), rtol=1e-9, atol=1e-12)
  chex.assert_trees_all_close(exact, unravel_phi(cross), rtol=1e-9, atol=1e-12)
  # O(epsilon^2) of truncation.
  chex.assert_trees_all_close(approximate, exact, rtol=1e-5, atol=1e-7)


def test_gauss_newton_of_cross_entropy(x64):
  """Against J' (diag(p) - p p') J with the Jacobian written out."""
  rng = np.random.default_rng(0)
  x, y = jnp.asarray(rng.normal(size=(12, 4))), jax.nn.one_hot(jnp.arange(12) % 3, 3)
  theta = {"a": jnp.asarray(rng.normal(size=(4, 2))), "b": jnp.asarray(rng.normal(size=(2, 3)))}

  def outputs(theta, phi):
    return jnp.tanh(x @ theta["a"]) @ theta["b"]

  def loss(logits, phi):
    return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(logits), axis=-1))

  p = jax.tree.map(jnp.sin, theta)
  jacobian = jax.jacrev(outputs)(theta, None)
  rows = np.concatenate([np.reshape(jacobian[k], (12, 3, -1)) for k in "ab"], axis=-1)
  prob = np.asarray(jax.nn.softmax(outputs(theta, None)))
  middle = np.einsum("bi,ij->bij", prob, np.eye(3)) - np.einsum("bi,bj->bij", prob, prob)
  matrix = np.einsum("bip,bij,bjq->pq", rows, middle, rows) / 12
  expected = matrix @ np.concatenate([np.ravel(p["a"]), np.ravel(p["b"])])
  got = gauss_newton(outputs, loss)(None, theta, None, p)
  flat = np.concatenate([np.ravel(got["a"]), np.ravel(got["b"])])
  np.testing.assert_allclose(flat, expected, rtol=1e-10, atol=1e-12)


def test_says_what_it_accepts():
  with pytest.raises(ValueError, match="positive, not 0"):
    central_difference(0)
