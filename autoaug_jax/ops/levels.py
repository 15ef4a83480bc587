"""An image has two faces: float in [0, 1], and uint8 with 256 levels as Pillow has it.

Every op takes either and returns the same. Helpers here carry an image into the units in which an
op is written, and back.
"""

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.types import Array


def is_uint8(image: Array) -> bool:
  return image.dtype == jnp.uint8


def checked(image: Array, *, op: str, rgb: bool = False) -> Array:
  """The image as a JAX array; ValueError unless it is [H, W, C], uint8 or float in [0, 1]."""
  shape = tuple(image.shape)
  if len(shape) != 3 or 0 in shape:
    raise ValueError(f"{op} takes one image [height, width, channels], got shape {shape}")
  if not is_uint8(image) and not jnp.issubdtype(image.dtype, jnp.floating):
    raise ValueError(f"{op} takes uint8 or float pixels, got {image.dtype}")
  if rgb and shape[-1] not in (1, 3):
    raise ValueError(f"{op} needs RGB or greyscale images (3 or 1 channels), got {shape[-1]}")
  check_pixels(image, op=op)
  return jnp.asarray(image)


def check_pixels(image: Array, *, op: str) -> None:
  """Raises ValueError for float pixels outside [0, 1]; under jit there are no values to look at."""
  if is_uint8(image) or isinstance(image, jax.core.Tracer):
    return
  values = np.asarray(image)
  low, high = values.min(), values.max()
  if not (low >= 0 and high <= 1):  # also true where either is NaN
    raise ValueError(f"{op} takes finite float pixels in [0, 1], got values in [{low}, {high}]")


def as_float(image: Array) -> Array:
  """uint8 levels as float32 in [0, 1]; a float image as it is."""
  return image.astype(jnp.float32) / 255.0 if is_uint8(image) else image


def as_levels(image: Array) -> Array:
  """Levels 0..255: int32 of a uint8 image, float of a float image."""
  return image.astype(jnp.int32) if is_uint8(image) else image * 255.0


def like(image: Array, result: Array) -> Array:
  """`result` in [0, 1], clipped and, for a uint8 `image`, rounded to its levels."""
  result = jnp.clip(result, 0.0, 1.0)
  return nearest_level(result).astype(jnp.uint8) if is_uint8(image) else result


def nearest_level(x: Array) -> Array:
  """x in [0, 1] as a whole level, a float. Halves go up as in Pillow, in spite of rounding."""
  return jnp.floor(x * 255.0 + (0.5 + 1e-4))


def number(image: Array, value: Array | float) -> Array:
  """An op's argument as a scalar in the precision in which `image` is computed."""
  return jnp.asarray(value, dtype=jnp.float32 if is_uint8(image) else image.dtype)
