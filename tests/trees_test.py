"""Trees keep their dtypes; `after` makes the compiler compute again and changes no number."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax import trees


def test_leaves_keep_their_dtypes_and_dots_are_wide():
  x = {"a": jnp.full((300,), 1.0, jnp.bfloat16), "b": jnp.array([2.0, 3.0])}
  total = trees.vdot(x, x)
  # bfloat16 cannot count beyond 256.
  assert total.dtype == jnp.float32
  assert total == 313
  for y in (trees.add(x, x, 0.5), trees.scaled(total, x), trees.clipped(x, 1.0)):
    assert jax.tree.map(lambda leaf: leaf.dtype, y) == {"a": jnp.bfloat16, "b": jnp.float32}
  assert trees.vdot({}, {}) == 0


def test_norm_has_a_derivative_at_zero(x64):
  np.testing.assert_array_equal(jax.grad(trees.norm)(jnp.zeros(3)), 0)
  np.testing.assert_allclose(jax.grad(trees.norm)(jnp.array([3.0, 4.0])), [0.6, 0.8])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_norm_shows_what_is_not_finite(bad):
  assert not np.isfinite(trees.norm({"a": jnp.ones(3), "b": jnp.array([0.0, bad])}))


def test_zero_cotangents_are_those_of_vjp():
  state = {"count": jnp.array(3), "key": jax.random.key(0), "mu": jnp.ones(2)}
  zeros = trees.zero_cotangents(state)
  assert zeros["count"].dtype == zeros["key"].dtype == jax.dtypes.float0
  (back,) = jax.vjp(lambda s: s, state)[1](zeros)
  np.testing.assert_array_equal(back["mu"], 0)


@pytest.mark.parametrize("gate", [0.0, -3.0, np.inf])
def test_after_changes_no_number(gate):
  x = {"a": jnp.array([1.0, -0.0, np.inf]), "b": jnp.array(2.0, jnp.bfloat16)}
  later = trees.after(x, {"a": jnp.array([gate, 1.0, 2.0]), "b": jnp.array(gate)})
  for got, kept in zip(jax.tree.leaves(later), jax.tree.leaves(x), strict=True):
    np.testing.assert_array_equal(np.asarray(got, float), np.asarray(kept, float))


def test_after_is_not_merged():
  def twice(x, again):
    first = jnp.sum(jnp.sin(x))
    return first + jnp.sum(jnp.sin(again(x, first)))

  def sines(again):
    compiled = jax.jit(lambda x: twice(x, again)).lower(jnp.ones(1000)).compile()
    return compiled.cost_analysis()["transcendentals"]

  assert sines(lambda x, first: x) == 1000
  assert sines(trees.after) == 2000
