"""Several warps of an image as one."""

import functools
from collections.abc import Sequence
from typing import cast

import jax
import jax.numpy as jnp

from autoaug_jax.ops import Op, Warp, affine, strength
from autoaug_jax.types import Array, Key


def merged_warp(
  key: Key, image: Array, magnitudes: Array, *, ops: Sequence[Op], summed: bool
) -> Array:
  """Warps [H, W, C] once by `ops` (rows of bilinear Warps) at signed magnitudes [ops].

  Their matrices are multiplied, the first warp first, or their differences from the identity added.
  Differentiable in the magnitudes.
  """
  warps = [cast(Warp, op.fn) for op in ops]
  parts = []
  for i, (op, warp) in enumerate(zip(ops, warps, strict=True)):
    value = warp.value(signed_strength(op, magnitudes[i]))
    entries = warp.matrix(jax.random.fold_in(key, i), value, image.shape[:2])
    rows = jnp.stack([jnp.asarray(entry, magnitudes.dtype) for entry in entries]).reshape(2, 3)
    parts.append(jnp.concatenate([rows, jnp.asarray([[0, 0, 1]], rows.dtype)]))
  still = jnp.eye(3, dtype=magnitudes.dtype)
  if summed:
    matrix = still + functools.reduce(jnp.add, [part - still for part in parts])
  else:
    # On accelerators products are rounded more unless one asks, and these are coordinates.
    matrix = functools.reduce(functools.partial(jnp.matmul, precision="highest"), parts)
  return affine(image, matrix[:2], interpolation="bilinear", fill=warps[0].fill)


def signed_strength(op: Op, magnitude: Array) -> Array:
  """The strength at a magnitude that brings its own sign; its slope at 0 is that from the right."""
  sign = jax.lax.stop_gradient(jnp.where(magnitude < 0, -1, 1)).astype(magnitude.dtype)
  return strength(op, sign * magnitude, sign=sign)
