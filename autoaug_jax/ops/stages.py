"""A differentiable stage: every float image of a batch through the op that it drew."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

from autoaug_jax.ops.each import each
from autoaug_jax.ops.geometry import Fill, compose, stack_matrix, warp_bilinear
from autoaug_jax.ops.kinds import OpFn, Warp
from autoaug_jax.ops.space import Space
from autoaug_jax.types import Array, Key

Carry: TypeAlias = Any  # an image [H, W, C], or (image, the matrix still to be applied)
Branch: TypeAlias = Callable[[Key, Carry, Array], Carry]  # (key, carry, strength) -> carry
Stage: TypeAlias = Callable[[Array, Array, Carry, Array], Carry]  # the same, batched, op first


def plain_branches(space: Space) -> list[Branch]:
  """The ops one by one, on images."""
  return [functools.partial(_call, op.fn) for op in space]


def _call(fn: OpFn, key: Key, image: Array, value: Array) -> Array:
  return fn(key, image, value)


def merging_branches(space: Space) -> list[Branch]:
  """The ops on (image, matrix): warps multiply matrices, other ops expect a settled image.

  One interpolation instead of several, and no cotangent of an image between two warps.
  """
  return [_merging(op.fn) for op in space]


def _merging(fn: OpFn) -> Branch:
  return functools.partial(_merge, fn) if isinstance(fn, Warp) else functools.partial(_beside, fn)


def _merge(fn: Warp, key: Key, carry: Carry, value: Array) -> Carry:
  image, matrix = carry
  entries = fn.matrix(key, fn.value(value), image.shape[:2])
  return image, compose(matrix, stack_matrix(entries, image))


def _beside(fn: OpFn, key: Key, carry: Carry, value: Array) -> Carry:
  return fn(key, carry[0], value), carry[1]


def settling_branches(fill: Fill) -> list[Branch]:
  """0 leaves (image, matrix) as it is, 1 applies the matrix to the image."""

  def settle(key: Key, carry: Carry, value: Array) -> Carry:
    image, matrix = carry
    still = jnp.all(matrix == _identity_like(matrix))
    image = lax.cond(still, lambda x, m: x, lambda x, m: warp_bilinear(x, m, fill), image, matrix)
    return image, _identity_like(matrix)

  return [lambda key, carry, value: carry, settle]


def _identity_like(matrix: Array) -> Array:
  return jnp.eye(2, 3, dtype=matrix.dtype)


def warp_convention(space: Space) -> Warp:
  """The one bilinear Warp convention of a space; ValueError if there is none or more."""
  warps = {(op.fn.interpolation, op.fn.fill): op.fn for op in space if isinstance(op.fn, Warp)}
  if len(warps) != 1 or next(iter(warps))[0] != "bilinear":
    raise ValueError(
      f"merge_warps takes a space whose warps are bilinear with one fill, got {sorted(warps)}"
    )
  return next(iter(warps.values()))


def make_stage(branches: Sequence[Branch]) -> Stage:
  """(ops [B], keys [B], carry of B, strengths [B]) -> carry of B; reverse-mode differentiable.

  Backwards it runs the drawn branch again from its inputs. Plain autodiff of `lax.switch` would
  keep the residuals of every branch for every image: 2.5 to 5 times slower.
  """

  def forward_one(op: Array, key: Key, carry: Carry, value: Array) -> Carry:
    return lax.switch(op, branches, key, carry, value)

  def backward_one(op: Array, key: Key, carry: Carry, value: Array, out: Carry) -> Carry:
    def pull(branch: Branch) -> Callable[..., Carry]:
      return lambda key, carry, value, out: jax.vjp(lambda c, v: branch(key, c, v), carry, value)[
        1
      ](out)

    return lax.switch(op, [pull(b) for b in branches], key, carry, value, out)

  @jax.custom_vjp
  def stage(ops: Array, keys: Array, carry: Carry, values: Array) -> Carry:
    return each(forward_one, ops, keys, carry, values)

  def forward(ops: Array, keys: Array, carry: Carry, values: Array) -> tuple[Carry, Carry]:
    return stage(ops, keys, carry, values), (ops, keys, carry, values)

  def backward(saved: Carry, out: Carry) -> tuple:
    carry, values = each(backward_one, *saved, out)
    return None, None, carry, values

  stage.defvjp(forward, backward)
  return stage
