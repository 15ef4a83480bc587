"""Which ops images of other than three channels have."""

import jax
import jax.numpy as jnp

from autoaug_jax.ops.color import grayscale, hue, saturation
from autoaug_jax.ops.kinds import Erase, Keyed, Plain, Tone, Warp
from autoaug_jax.ops.space import Op, Space, make_space

# What leaves a grey image as it is.
COLOURS = (saturation, hue, grayscale)


def fitting(space: Space, channels: int) -> tuple[Space, tuple[str, ...]]:
  """The ops of `space` for images of so many channels, and the names of those that are for RGB.

  Of one channel, what is about colours goes; of two, four or more whatever says so by a ValueError,
  as a user's own op may too.
  """
  left_out = tuple(op.name for op in space if channels != 3 and not _has(op, channels))
  kept = [op for op in space if op.name not in left_out]
  if left_out and not kept:
    raise ValueError(
      f"images of {channels} channels leave nothing of a space of {', '.join(left_out)}"
    )
  return (make_space(kept) if left_out else space), left_out


def _has(op: Op, channels: int) -> bool:
  if channels == 1:
    return not (isinstance(op.fn, Plain | Tone | Keyed) and op.fn.op in COLOURS)
  if isinstance(op.fn, Warp | Erase):
    return True  # a fill of another number of channels is a mistake to be told of
  image = jax.ShapeDtypeStruct((8, 8, channels), jnp.float32)
  try:
    jax.eval_shape(lambda x: op.fn(jax.random.key(0), x, jnp.float32(op.high)), image)
  except ValueError:
    return False
  return True
