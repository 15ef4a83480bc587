"""Linear algebra on pytrees that keeps the dtype of every leaf."""

from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.types import Array

Tree = TypeVar("Tree")


def add(x: Tree, y: Tree, scale: Array | float = 1.0) -> Tree:
  """x + scale y."""
  return jax.tree.map(lambda a, b: a + jnp.asarray(scale, b.dtype) * b, x, y)


def scaled(scale: Array | float, x: Tree) -> Tree:
  """scale x."""
  return jax.tree.map(lambda a: jnp.asarray(scale, a.dtype) * a, x)


def vdot(x: Any, y: Any) -> Array:
  """<x, y>, summed in float32 or wider whatever the dtype of the leaves."""

  def leaf(a: Array, b: Array) -> Array:
    narrow = jnp.finfo(a.dtype).bits < 32
    a, b = (c.astype(jnp.float32) if narrow else c for c in (a, b))
    return jnp.vdot(a, b, precision=jax.lax.Precision.HIGHEST)

  dots = jax.tree.leaves(jax.tree.map(leaf, x, y)) or [jnp.zeros(())]
  widest = max((dot.dtype for dot in dots), key=lambda dtype: dtype.itemsize)
  return jnp.sum(jnp.stack([dot.astype(widest) for dot in dots]))


def norm(x: Any) -> Array:
  """|x|, NaN where x holds one, whose derivative at x = 0 is 0 and not NaN."""
  square = vdot(x, x)
  zero = square == 0  # not `square > 0`, which is false for NaN too
  return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, square)))


def clipped(x: Tree, limit: float) -> Tree:
  """x, shortened to |x| = limit where it is longer."""
  length = norm(x)
  # The larger of the two keeps the divisor off zero, where a plain limit / |x| has no derivative.
  return scaled(limit / jnp.maximum(length, limit), x)


def zero_cotangents(x: Tree) -> Tree:
  """Zeros as jax.vjp expects them: float0 where there is no derivative (counters, keys)."""

  def leaf(a: Array) -> Any:
    if jnp.issubdtype(a.dtype, jnp.inexact):
      return jnp.zeros_like(a)
    return np.zeros(a.shape, jax.dtypes.float0)

  return jax.tree.map(leaf, x)


def after(x: Tree, earlier: Tree) -> Tree:
  """x, unchanged, but each leaf is not known to the compiler before its twin in `earlier` is.

  What is computed from it can neither be merged with the same computation on x nor run before
  `earlier`: the compiler is made to compute again rather than to remember. XLA's CPU compiler drops
  jax.lax.optimization_barrier, which would say this, before it merges equal computations. One twin
  a leaf, because a gate made of all of them would be compiled into every leaf's kernel.
  """

  def leaf(a: Array, b: Array) -> Array:
    # NaN in, NaN out: the gate is open for every number, so no number is changed.
    return jnp.where(jnp.isnan(jnp.ravel(b)[0]), jnp.asarray(jnp.nan, a.dtype), a) if a.size else a

  return jax.tree.map(leaf, x, earlier)
