"""A space is a table: a tuple of ops, rows of a name, a function and a range of strengths."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.ops.kinds import KINDS, OpFn
from autoaug_jax.ops.levels import as_float, checked, is_uint8, like, number
from autoaug_jax.types import Array, Key


class Op(NamedTuple):
  """One row: magnitude 0..1 becomes a strength low..high, with either sign where `signed`.

  `fn` is (key, image [H, W, C], strength) -> image, any function of float pixels; the rows of
  `spaces` use `kinds`, which the fused executor knows and which take uint8 pixels too.
  """

  name: str
  fn: OpFn
  low: float = 0.0
  high: float = 1.0
  signed: bool = False


Space: TypeAlias = tuple[Op, ...]


def make_space(ops: Iterable[Op]) -> Space:
  """Checks that there are ops, that their names differ, and that their ranges are finite."""
  space = tuple(ops)
  if not space:
    raise ValueError("a space takes at least one op, got none")
  seen = set()
  for op in space:
    if op.name in seen:
      raise ValueError(
        f"the names in a space must differ, got {op.name!r} twice: call one of them otherwise"
      )
    if not (np.isfinite(op.low) and np.isfinite(op.high)):
      raise ValueError(f"{op.name} takes a finite range, got {op.low} to {op.high}")
    seen.add(op.name)
  return space


def find(space: Space, name: str) -> int:
  """The index of the op called `name`."""
  names = [op.name for op in space]
  if name not in names:
    raise ValueError(f"unknown op {name!r}; this space has {', '.join(names)}")
  return names.index(name)


def select(space: Space, names: Iterable[str]) -> Space:
  """The ops called `names`, in that order."""
  return make_space(space[find(space, name)] for name in names)


def narrow(space: Space, bounds: Mapping[str, tuple[float, float]]) -> Space:
  """The same ops with other ranges of strength: {"Rotate": (0, 15)} turns by at most 15 degrees."""
  ops = list(space)
  for name, (low, high) in bounds.items():
    index = find(space, name)
    ops[index] = ops[index]._replace(low=float(low), high=float(high))
  return make_space(ops)


def strength(op: Op, magnitude: Array, *, sign: Array | float = 1.0) -> Array:
  """The strength that a magnitude in [0, 1] and a sign of +-1 stand for, in the same dtype."""
  value = op.low + magnitude * (op.high - op.low)
  return value * jnp.asarray(sign, magnitude.dtype) if op.signed else value


def apply(
  key: Key, op: Op, image: Array, magnitude: Array | float, *, sign: Array | float = 1.0
) -> Array:
  """One op on one image [H, W, C], uint8 or float, at a magnitude in [0, 1]."""
  image = checked(image, op=op.name)
  check_magnitude(magnitude)
  return run(key, op, image, strength(op, number(image, magnitude), sign=sign))


def run(key: Key, op: Op, image: Array, value: Array) -> Array:
  """`op.fn` at a strength, on either face: functions that are not of our kinds see floats."""
  if is_uint8(image) and not isinstance(op.fn, KINDS):
    return like(image, op.fn(key, as_float(image), value))
  return op.fn(key, image, value)


def check_magnitude(magnitude: Array | float) -> None:
  """Raises ValueError outside [0, 1]; under jit there are no values to look at."""
  if isinstance(magnitude, jax.core.Tracer):
    return
  values = np.asarray(magnitude)
  low, high = values.min(initial=0), values.max(initial=1)
  if not (low >= 0 and high <= 1):
    raise ValueError(f"a magnitude lies in [0, 1], got {low if not low >= 0 else high}")


def check_channels(space: Space, channels: int) -> None:
  """Raises ValueError, naming the op, if one of `space` cannot take so many channels."""
  if channels in (1, 3):
    return
  image = jax.ShapeDtypeStruct((8, 8, channels), jnp.float32)
  for op in space:
    jax.eval_shape(lambda x, op=op: op.fn(jax.random.key(0), x, jnp.float32(op.high)), image)
