"""Crops and resizing. A resize filters by Pillow's weights, one axis after the other.

Pillow stores the picture between its two passes, clipped to white and black; so do we, and in its
order, else hard edges of a bicubic filter would differ by many levels.
"""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp

from autoaug_jax.ops import pix
from autoaug_jax.ops.double import Number, single
from autoaug_jax.ops.erasing import Size, draw_corner, draw_shape
from autoaug_jax.ops.geometry import Fill, Matrix, MatrixRule, transform
from autoaug_jax.ops.levels import as_float, checked, is_uint8, like, nearest_level, number
from autoaug_jax.types import Array, Key

Filter: TypeAlias = Callable[[Array], Array]  # the weight of a distance >= 0 in pixels


def _triangle(distance: Array) -> Array:
  """The bilinear filter, of reach 1."""
  return jnp.maximum(1.0 - distance, 0.0)


def _cubic(distance: Array) -> Array:
  """Keys' cubic with a = -1/2."""
  near = (1.5 * distance - 2.5) * distance * distance + 1.0
  far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
  return jnp.where(distance < 1.0, near, jnp.where(distance < 2.0, far, 0.0))


BILINEAR: Filter = _triangle
BICUBIC: Filter = _cubic


def random_crop(key: Key, image: Array, padding: Array | float, *, fill: Fill = 0.0) -> Array:
  """Pads [H, W, C] by `padding` (rounded) pixels and cuts the old size out anywhere."""
  image = checked(image, op="random_crop")
  return transform(image, crop_matrix(key), padding, interpolation="nearest", fill=fill)


def crop_matrix(key: Key) -> MatrixRule:
  """The rule (padding, size) -> matrix of a random crop: a shift by whole pixels."""

  def rule(padding: Number, size: Size) -> Matrix:
    reach = jnp.floor(single(padding) + 0.5)
    place = jax.random.uniform(key, (2,), reach.dtype)
    shift = jnp.minimum(jnp.floor(place * (2.0 * reach + 1.0)), 2.0 * reach) - reach
    return (1.0, 0.0, shift[0], 0.0, 1.0, shift[1])

  return rule


def center_crop(image: Array, size: Size) -> Array:
  """The middle (height, width) of [H, W, C]."""
  image = checked(image, op="center_crop")
  _check_size("center_crop", size)
  if size[0] > image.shape[0] or size[1] > image.shape[1]:
    raise ValueError(f"center_crop takes a size within {image.shape[:2]}, got {size}")
  return pix.center_crop(image, *size)


def resize(image: Array, size: Size, *, method: Filter = BICUBIC) -> Array:
  """[H, W, C] as [*size, C], antialiased where it shrinks."""
  image = checked(image, op="resize")
  _check_size("resize", size)
  height, width = image.shape[:2]
  whole = jnp.asarray([0, 0, height, width], jnp.float32)
  return resized_crop(image, whole, size, method=method)


def resized_crop(image: Array, box: Array, size: Size, *, method: Filter = BICUBIC) -> Array:
  """The box (top, left, bottom, right) of [H, W, C], real numbers, resized to [*size, C]."""
  image = checked(image, op="resized_crop")
  pixels = as_float(image)
  box = box.astype(pixels.dtype)
  across = _weights(size[1], image.shape[1], box[1], box[3] - box[1], method)
  down = _weights(size[0], image.shape[0], box[0], box[2] - box[0], method)

  def filtered(equation: str, pixels: Array, weights: Array) -> Array:
    result = jnp.einsum(equation, pixels, weights, precision=jax.lax.Precision.HIGHEST)
    result = jnp.clip(result, 0.0, 1.0)
    return nearest_level(result) / 255.0 if is_uint8(image) else result

  rows, columns = ("hwc,ow->hoc", across), ("hwc,oh->owc", down)
  height, width = image.shape[:2]
  # Pillow's rule: columns first where they get shorter and leave less to do than rows would.
  columns_first = size[0] < height and height * size[1] > width * size[0]
  for equation, weights in (columns, rows) if columns_first else (rows, columns):
    pixels = filtered(equation, pixels, weights)
  return like(image, pixels)


def random_resized_crop(
  key: Key,
  image: Array,
  area: Array | float | tuple[Array | float, Array | float],
  *,
  aspect: tuple[float, float] = (3 / 4, 4 / 3),
  method: Filter = BICUBIC,
  size: Size | None = None,
) -> Array:
  """Cuts a share `area` (or one drawn from a range) out of [H, W, C] and resizes it to `size`.

  That is its own size unless given. The aspect is log-uniform; if ten boxes do not fit, the largest
  middle box of an allowed aspect is taken. Area 1 of a square image is the image.
  """
  image = checked(image, op="random_resized_crop")
  low, high = area if isinstance(area, tuple) else (area, area)
  shape = image.shape[:2]
  tall, wide, found = draw_shape(key, shape, (low, high), aspect)
  top, left = draw_corner(key, shape, tall, wide)
  drawn = jnp.stack([top, left, top + tall, left + wide])
  box = jnp.where(found, drawn, jnp.asarray(_fallback(shape, aspect), jnp.int32))
  return resized_crop(image, box.astype(number(image, 0.0).dtype), size or shape, method=method)


def _fallback(size: Size, aspect: tuple[float, float]) -> tuple[int, int, int, int]:
  height, width = size
  tall, wide = height, width
  if width < aspect[0] * height:
    tall = round(width / aspect[0])
  elif width > aspect[1] * height:
    wide = round(height * aspect[1])
  top, left = (height - tall) // 2, (width - wide) // 2
  return top, left, top + tall, left + wide


def _weights(count: int, length: int, start: Array, extent: Array, method: Filter) -> Array:
  """[count, length]: how much each input pixel counts for each output pixel."""
  scale = extent / float(count)
  stretch = jnp.maximum(scale, 1.0)
  centre = start + (jnp.arange(count, dtype=start.dtype) + 0.5) * scale
  place = jnp.arange(length, dtype=start.dtype) + 0.5
  weights = method(jnp.abs(place[None, :] - centre[:, None]) / stretch)
  return weights / jnp.sum(weights, axis=1, keepdims=True)


def _check_size(op: str, size: Size) -> None:
  if len(size) != 2 or min(size) < 1:
    raise ValueError(f"{op} takes a size (height, width) of at least (1, 1), got {size}")
