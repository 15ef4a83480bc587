"""Solves against numpy and hand-made check points, and the bugs they must not have."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.hypergrad import conjugate_gradient, dense, neumann, scaled_identity

pytestmark = pytest.mark.usefixtures("x64")
DIAGONAL = np.array([1.0, 5.0, 20.0])


def diagonal(p):
  return DIAGONAL * p


def spd(n):
  root = np.random.default_rng(0).normal(size=(n, n))
  return root @ root.T + np.eye(n)


def test_neumann_check_points():
  v = jnp.ones(3)
  # alpha sum_j (1 - alpha h)^j = (1 - (1 - alpha h)^6) / h, six summands.
  expected = (1 - (1 - 1e-3 * DIAGONAL) ** 6) / DIAGONAL
  got = neumann(1e-3, 5)(diagonal, v)
  np.testing.assert_allclose(got, expected, rtol=1e-12)
  np.testing.assert_allclose(got, [0.0060, 0.0059, 0.0057], atol=5e-5)
  # The released code adds the running power to itself; our series must not be that.
  aliased = 1e-3 * 2**5 * (1 - 1e-3 * DIAGONAL) ** 5
  np.testing.assert_allclose(aliased, [0.0318, 0.0312, 0.0289], atol=5e-5)
  assert np.all(np.abs(np.asarray(got) - aliased) > 0.02)


def test_neumann_scale_is_autodos():
  v = jnp.array([1.0, -2.0, 0.5])
  ours = neumann(0.01, 5, scale=1.0)(diagonal, v)
  np.testing.assert_allclose(ours, neumann(0.01, 5)(diagonal, v) / 0.01, rtol=1e-12)


def test_neumann_counts_its_products():
  calls = []
  neumann(0.1, 3)(lambda p: (calls.append(0), p)[1], jnp.ones(2))
  assert len(calls) == 3
  np.testing.assert_allclose(neumann(0.5, 0)(diagonal, jnp.ones(3)), 0.5)


def test_neumann_tends_to_the_solution():
  matrix = spd(4)
  v = np.arange(4.0)
  alpha = 1 / np.linalg.eigvalsh(matrix)[-1]
  got = neumann(alpha, 400)(lambda p: matrix @ p, jnp.asarray(v))
  np.testing.assert_allclose(got, np.linalg.solve(matrix, v), rtol=1e-6)


@pytest.mark.parametrize("extra", [0, 5])
def test_conjugate_gradient_is_exact_in_n_steps_and_stays_so(extra):
  matrix, v = spd(5), np.arange(5.0)
  flat = conjugate_gradient(5 + extra)(lambda p: matrix @ p, jnp.asarray(v))
  np.testing.assert_allclose(flat, np.linalg.solve(matrix, v), rtol=1e-9)


def test_conjugate_gradient_stops_at_negative_curvature_and_at_zero():
  solve = conjugate_gradient(4)
  np.testing.assert_array_equal(solve(lambda p: -p, jnp.ones(3)), 0)
  np.testing.assert_array_equal(solve(diagonal, jnp.zeros(3)), 0)
  indefinite = np.array([1.0, 2.0, -0.1])
  assert np.all(np.isfinite(solve(lambda p: indefinite * p, jnp.ones(3))))


def test_dense_and_identity_on_trees():
  matrix = spd(3)
  v = {"a": jnp.array([1.0, 2.0]), "b": jnp.array(3.0)}

  def matvec(p):
    out = matrix @ jnp.append(p["a"], p["b"])
    return {"a": out[:2], "b": out[2]}

  x = np.linalg.solve(matrix, [1.0, 2.0, 3.0])
  expected = {"a": x[:2], "b": x[2]}
  chex.assert_trees_all_close(dense()(matvec, v), expected, rtol=1e-10)
  chex.assert_trees_all_close(conjugate_gradient(3)(matvec, v), expected, rtol=1e-9)
  doubled = jax.tree.map(lambda leaf: 2 * leaf, v)
  chex.assert_trees_all_equal(scaled_identity(2.0)(matvec, v), doubled)


def test_says_what_it_accepts():
  for wrong in (lambda: neumann(0.0, 1), lambda: neumann(0.1, -1), lambda: conjugate_gradient(0)):
    with pytest.raises(ValueError, match="not"):
      wrong()
