"""Ops that paint over a box. A box is (top, left, bottom, right), int32, ends exclusive."""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp

from autoaug_jax.ops.levels import checked, is_uint8
from autoaug_jax.types import Array, Key

Size: TypeAlias = tuple[int, ...]  # height and width, as image.shape[:2] gives them
BoxRule: TypeAlias = Callable[[Key, Array, Size], Array]  # (key, side, size) -> box [4]
Colour: TypeAlias = float | tuple[float, ...]  # in [0, 1], one value or one a channel


def cutout(
  key: Key, image: Array, side: Array | float, *, box: BoxRule | None = None, fill: Colour = 0.0
) -> Array:
  """Paints a square of `side` pixels (truncated) somewhere on [H, W, C]; side 0 is the image."""
  image = checked(image, op="cutout")
  rule = box or clipped_box
  return erase(image, rule(key, jnp.asarray(side, jnp.float32), image.shape[:2]), fill=fill)


def random_erasing(
  key: Key,
  image: Array,
  *,
  probability: float = 0.5,
  area: tuple[float, float] = (0.02, 0.33),
  aspect: tuple[float, float] = (0.3, 3.3),
  fill: Colour = 0.0,
) -> Array:
  """Paints a box of random area and aspect on [H, W, C] (Zhong et al. 2020; AutoDO, Section 4)."""
  image = checked(image, op="random_erasing")
  height, width = image.shape[:2]
  happens, place = jax.random.split(key)
  tall, wide, ok = draw_shape(place, (height, width), area, aspect)
  ok &= (tall < height) & (wide < width) & jax.random.bernoulli(happens, probability)
  top, left = draw_corner(place, (height, width), tall, wide)
  box = jnp.stack([top, left, top + tall, left + wide])
  return erase(image, jnp.where(ok, box, 0), fill=fill)


def erase(image: Array, box: Array, *, fill: Colour = 0.0) -> Array:
  """Paints `box` of [H, W, C] in the colour `fill`."""
  image = checked(image, op="erase")
  rows = jnp.arange(image.shape[0], dtype=jnp.int32)[:, None, None]
  columns = jnp.arange(image.shape[1], dtype=jnp.int32)[None, :, None]
  inside = (rows >= box[0]) & (rows < box[2]) & (columns >= box[1]) & (columns < box[3])
  return jnp.where(inside, colour_of(image, fill), image)


def clipped_box(key: Key, side: Array, size: Size) -> Array:
  """A whole-pixel centre anywhere; what sticks out is cut off (TrivialAugment's trainer)."""
  side = _whole(side)
  low = _uniform_pixel(key, size) - side // 2
  return _box(jnp.maximum(low, 0), jnp.minimum(low + side, jnp.asarray(size, jnp.int32)))


def shifted_box(key: Key, side: Array, size: Size) -> Array:
  """A real centre; shifted inwards at the top and left, cut off at the bottom and right (SLACK)."""
  side = _whole(side)
  low = _shifted_corner(key, side, size)
  return _box(low, jnp.minimum(low + side, jnp.asarray(size, jnp.int32)))


def inclusive_box(key: Key, side: Array, size: Size) -> Array:
  """`shifted_box` as Pillow draws it, one pixel longer (AutoAugment and its ports); 0 is empty."""
  side = _whole(side)
  low = _shifted_corner(key, side, size)
  end = jnp.minimum(low + side + 1, jnp.asarray(size, jnp.int32))
  return _box(low, jnp.where(side > 0, end, low))


def colour_of(image: Array, fill: Colour) -> Array:
  """`fill` as pixels [1, 1, C or 1] of the dtype of `image`."""
  values = jnp.atleast_1d(jnp.asarray(fill, jnp.float32 if is_uint8(image) else image.dtype))
  if values.shape[0] not in (1, image.shape[-1]):
    raise ValueError(f"fill takes 1 or {image.shape[-1]} values for this image, got {fill}")
  if is_uint8(image):
    values = jnp.floor(values * 255.0 + 0.5)
  return values.astype(image.dtype)[None, None, :]


def draw_shape(
  key: Key, size: Size, area: tuple[Array | float, Array | float], aspect: tuple[float, float]
) -> tuple[Array, Array, Array]:
  """(height, width, found) of the first of ten boxes of random area and aspect that fits in `size`.

  `area` is a share of the image; the aspect is width over height, log-uniform.
  """
  height, width = size
  least, most = (jnp.asarray(share, jnp.float32) for share in area)
  shares = jax.random.uniform(jax.random.fold_in(key, 0), (10,), jnp.float32, least, most)
  logs = jnp.log(jnp.asarray(aspect, jnp.float32))
  ratios = jnp.exp(
    jax.random.uniform(jax.random.fold_in(key, 1), (10,), jnp.float32, logs[0], logs[1])
  )
  pixels = shares * float(height * width)
  wide = jnp.floor(jnp.sqrt(pixels * ratios) + 0.5).astype(jnp.int32)
  tall = jnp.floor(jnp.sqrt(pixels / ratios) + 0.5).astype(jnp.int32)
  fits = (tall > 0) & (wide > 0) & (tall <= height) & (wide <= width)
  first = jnp.argmax(fits)
  return tall[first], wide[first], fits[first]


def draw_corner(key: Key, size: Size, tall: Array, wide: Array) -> tuple[Array, Array]:
  """(top, left) of a box of that height and width, anywhere inside `size`."""
  place = jax.random.uniform(jax.random.fold_in(key, 2), (2,), jnp.float32)
  room = jnp.stack([size[0] - tall + 1, size[1] - wide + 1])
  corner = jnp.floor(place * room.astype(jnp.float32)).astype(jnp.int32)
  corner = jnp.clip(corner, 0, jnp.maximum(room - 1, 0))
  return corner[0], corner[1]


def _whole(side: Array) -> Array:
  return jnp.floor(side + 1e-4).astype(jnp.int32)


def _uniform_pixel(key: Key, size: Size) -> Array:
  return jax.random.randint(key, (2,), 0, jnp.asarray(size, jnp.int32), jnp.int32)


def _shifted_corner(key: Key, side: Array, size: Size) -> Array:
  centre = jax.random.uniform(key, (2,), jnp.float32) * jnp.asarray(size, jnp.float32)
  return jnp.maximum(centre - side.astype(jnp.float32) / 2.0, 0.0).astype(jnp.int32)


def _box(low: Array, high: Array) -> Array:
  return jnp.concatenate([low, jnp.maximum(low, high)])
