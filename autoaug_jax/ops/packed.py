"""Kernels on packed pixels: up to four uint8 channels of a pixel in one uint32, images [H, W].

One gather moves a whole pixel, Invert and Posterize are one bit operation, and blends run on int32
lanes without shuffles. Each kernel is (image [H, W], row, channels) -> image, `row` being the int32
numbers [6] that the op's strength came to (see `plan`). Bytes above `channels` hold anything.
"""

import jax.numpy as jnp
from jax import lax

from autoaug_jax.ops import color, geometry, histogram
from autoaug_jax.types import Array

_ODD = 0x00FF00FF  # the bytes of channels 0 and 2; of 1 and 3 after a shift


def pack(image: Array) -> Array:
  """uint8 [H, W, C] -> uint32 [ceil(C / 4), H, W]."""
  height, width, channels = image.shape
  planes = -(-channels // 4)
  padded = jnp.pad(image, ((0, 0), (0, 0), (0, 4 * planes - channels)))
  words = lax.bitcast_convert_type(padded.reshape(height, width, planes, 4), jnp.uint32)
  return words.transpose(2, 0, 1) if planes > 1 else words.reshape(1, height, width)


def unpack(planes: Array, channels: int) -> Array:
  """uint32 [ceil(C / 4), H, W] -> uint8 [H, W, C]."""
  count, height, width = planes.shape
  words = planes.transpose(1, 2, 0) if count > 1 else planes.reshape(height, width, 1)
  pixels = lax.bitcast_convert_type(words, jnp.uint8)
  return pixels.reshape(height, width, 4 * count)[:, :, :channels]


def warp(image: Array, row: Array, fill: Array | str) -> Array:
  """The nearest warp by 16.16 coefficients; `fill` is a packed colour, "edge" or "reflect"."""
  rows, columns = geometry.fixed_lookup(row, image.shape)
  return geometry.look_up(image, rows, columns, fill)


def bits(image: Array, row: Array) -> Array:
  """Inverts every value >= row[0] (0..256), then keeps the bits of the mask row[1]."""
  lift = (256 - row[0]).astype(jnp.uint32) * jnp.uint32(0x00010001)

  def inverted(pair: Array) -> Array:
    above = (pair + lift) & jnp.uint32(0x01000100)
    return pair ^ (above - (above >> 8))

  odd = jnp.uint32(_ODD)
  flipped = inverted(image & odd) | (inverted((image >> 8) & odd) << 8)
  return flipped & (row[1].astype(jnp.uint32) * jnp.uint32(0x01010101))


def brightness(image: Array, row: Array, channels: int) -> Array:
  """Values times the float32 whose bits are row[0], truncated."""
  factor = lax.bitcast_convert_type(row[0], jnp.float32)

  def scaled(values: Array) -> Array:
    return jnp.clip((values.astype(jnp.float32) * factor).astype(jnp.int32), 0, 255)

  return _join([scaled(v) for v in _split(image, channels)])


def tint(image: Array, row: Array, channels: int) -> Array:
  """The blend with the grey image by the fixed-point factor row[0]."""
  values = _split(image, channels)
  grey = _grey(values)
  return _join([color.blend_levels(grey, v, row[0]) for v in values])


def contrast(image: Array, row: Array, channels: int) -> Array:
  """The blend with the mean grey by the fixed-point factor row[0]."""
  values = _split(image, channels)
  mean = color.mean_level(_grey(values))
  return _join([color.blend_levels(mean, v, row[0]) for v in values])


def sharpness(image: Array, row: Array, channels: int) -> Array:
  """The blend with the smoothed image by the fixed-point factor row[0]."""
  height, width = image.shape
  if height < 3 or width < 3:
    return image
  smooth = _smooth(image)
  values = zip(_split(smooth, channels), _split(image, channels), strict=True)
  blended = _join([color.blend_levels(s, v, row[0]) for s, v in values])
  rows = jnp.arange(height, dtype=jnp.int32)[:, None]
  columns = jnp.arange(width, dtype=jnp.int32)[None, :]
  inside = (rows > 0) & (rows < height - 1) & (columns > 0) & (columns < width - 1)
  return jnp.where(inside, blended, image)


def autocontrast(image: Array, channels: int) -> Array:
  """Each channel stretched to 0..255; one that is constant stays."""
  low, high = (extreme.astype(jnp.int32) for extreme in _extremes(image))
  varies = high > low
  first = jnp.where(varies, low, 0)
  scale = jnp.where(varies, histogram.stretch_scale(low, high), 1.0)
  values = enumerate(_split(image, channels))
  return _join([histogram.stretch_levels(v, first[c], scale[c]) for c, v in values])


def equalize(image: Array, channels: int) -> Array:
  """Each channel through its table.

  Loops over channels are boundaries: without them XLA works the table out anew for every pixel.
  """
  shifts = 8 * jnp.arange(channels, dtype=jnp.uint32)

  def level(shift: Array) -> Array:
    return ((image >> shift) & 0xFF).astype(jnp.int32)

  def count(shift: Array) -> Array:
    return jnp.zeros(256, jnp.int32).at[level(shift)].add(1, mode="promise_in_bounds")

  def look_up(done: Array, item: tuple[Array, Array]) -> tuple[Array, None]:
    table, shift = item
    return done | table.at[level(shift)].get(mode="promise_in_bounds"), None

  tables = histogram.equalize_tables(lax.map(count, shifts)).astype(jnp.uint32) << shifts[:, None]
  return lax.scan(look_up, jnp.zeros_like(image), (tables, shifts))[0]


def erase(image: Array, row: Array, fill: Array) -> Array:
  """The box row[:4] painted with a packed colour."""
  rows = jnp.arange(image.shape[0], dtype=jnp.int32)[:, None]
  columns = jnp.arange(image.shape[1], dtype=jnp.int32)[None, :]
  inside = (rows >= row[0]) & (rows < row[2]) & (columns >= row[1]) & (columns < row[3])
  return jnp.where(inside, fill, image)


def _split(image: Array, channels: int) -> list[Array]:
  """int32 levels of each channel."""
  shifts = (image >> (8 * c) if c else image for c in range(channels))
  return [(word & 0xFF).astype(jnp.int32) for word in shifts]


def _join(values: list[Array]) -> Array:
  word = values[0].astype(jnp.uint32)
  for c, channel in enumerate(values[1:], start=1):
    word |= channel.astype(jnp.uint32) << (8 * c)
  return word


def _grey(values: list[Array]) -> Array:
  return values[0] if len(values) != 3 else color.grey_levels(*values)


def _smooth(image: Array) -> Array:
  """Pillow's 3x3 smoothing of every channel, two channels a word; wrong at the border.

  The nine neighbours are slices of one flat padded array: slicing rows and columns is far slower.
  """
  height, width = image.shape
  odd = jnp.uint32(_ODD)
  flat = jnp.pad(image.reshape(-1), width + 1)

  def neighbour(pair: Array, dy: int, dx: int) -> Array:
    start = (dy + 1) * width + dx + 1
    return lax.slice(pair, (start,), (start + height * width,))

  def smoothed(pair: Array) -> tuple[Array, Array]:
    total = sum(
      (neighbour(pair, dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)),
      start=neighbour(pair, 0, 0) << 2,
    )
    low = (total & 0xFFFF).astype(jnp.int32)
    high = (total >> 16).astype(jnp.int32)
    return color.smooth_levels(low), color.smooth_levels(high)

  (zero, two), (one, three) = smoothed(flat & odd), smoothed((flat >> 8) & odd)
  return _join([zero, one, two, three]).reshape(height, width)


def _extremes(image: Array) -> tuple[Array, Array]:
  """(min, max), uint8 [4]. Bytes column by column first: reducing channels at once is 3x slower."""
  values = lax.bitcast_convert_type(image, jnp.uint8).reshape(image.shape[0], -1)
  low, high = jnp.min(values, axis=0), jnp.max(values, axis=0)
  return jnp.min(low.reshape(-1, 4), axis=0), jnp.max(high.reshape(-1, 4), axis=0)
