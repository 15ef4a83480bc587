"""What each image of a batch gets, and what follows from that: keys and strengths."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.ops.levels import check_pixels
from autoaug_jax.ops.space import Space, check_magnitude, strength
from autoaug_jax.types import Array, Key


class Draws(NamedTuple):
  """What each image of a batch gets, in order of application."""

  op: Array  # int32 [B, K], indices into a space
  magnitude: Array  # float [B, K] in [0, 1]
  sign: Array  # float [B, K], +-1; ops that are not signed ignore it


def check_batch(images: Array, draws: Draws, space: Space) -> None:
  """Raises ValueError unless images are [B, H, W, C] and draws [B, K] within `space`."""
  shape = tuple(images.shape)
  if len(shape) != 4 or 0 in shape:
    raise ValueError(f"images are [batch, height, width, channels], got shape {shape}")
  if not space:
    raise ValueError("a space takes at least one op, got none")
  for name, array in draws._asdict().items():
    if array.ndim != 2 or array.shape[0] != shape[0] or array.shape != draws.op.shape:
      raise ValueError(f"draws.{name} is [{shape[0]}, ops each], got shape {tuple(array.shape)}")
  check_pixels(images, op="augment")
  check_magnitude(draws.magnitude)
  if not isinstance(draws.op, jax.core.Tracer) and draws.op.size:
    ops = np.asarray(draws.op)
    low, high = ops.min(), ops.max()
    if low < 0 or high >= len(space):
      raise ValueError(f"draws.op lies in 0..{len(space) - 1} for this space, got {low}..{high}")


def keys_of(key: Key, count: int, draws: int) -> Array:
  """Keys [count, draws]: `key` (or each image's) folded with the image's and the op's number."""
  if key.ndim == 0:
    key = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(count))
  fold = jax.vmap(jax.random.fold_in, in_axes=(None, 0))
  return jax.vmap(fold, in_axes=(0, None))(key, jnp.arange(draws))


def strengths_of(space: Space, draws: Draws) -> Array:
  """The strengths [B, K] that magnitudes and signs stand for, each in its op's range."""
  value = jnp.zeros_like(draws.magnitude)
  for index, op in enumerate(space):
    value = jnp.where(draws.op == index, strength(op, draws.magnitude, sign=draws.sign), value)
  return value
