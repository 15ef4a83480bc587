"""Ops on colours. Factors, thresholds and bits mean what they mean in Pillow.

The uint8 face is Pillow's arithmetic. The float face is the same without the last truncation, so it
lies at most one level above; where Pillow rounds on the way, so does it, with the gradient passed
straight through.
"""

import jax.numpy as jnp
from jax import lax

from autoaug_jax.ops import pix
from autoaug_jax.ops.gradients import round_through, straight_through
from autoaug_jax.ops.hsv import hue_of
from autoaug_jax.ops.levels import as_float, as_levels, checked, is_uint8, like, number
from autoaug_jax.types import Array

# Fixed point of `blend_levels`: 18 bits leave room for factors up to 31 in int32.
BLEND_BITS = 18
_MAX_FACTOR = 31.0
# Half an unit of the factor times 255: an exact integer that its rounding put just below counts.
_BLEND_SLACK = 128
# Pillow's grey: (19595 R + 38470 G + 7471 B + 2^15) / 2^16.
_LUMA = (19595, 38470, 7471)


def brightness(image: Array, factor: Array | float) -> Array:
  """image [H, W, C] times `factor`: 0 is black, 1 the image."""
  image = checked(image, op="brightness")
  factor = number(image, factor)
  if is_uint8(image):
    return jnp.clip(image.astype(jnp.float32) * factor, 0.0, 255.0).astype(jnp.uint8)
  return jnp.clip(image * factor, 0.0, 1.0)


def saturation(image: Array, factor: Array | float) -> Array:
  """Blend [H, W, 1 or 3] with its grey image: 0 is grey, 1 the image (Pillow's Color)."""
  image = checked(image, op="saturation", rgb=True)
  return _blend(_grey(image), image, factor)


def contrast(image: Array, factor: Array | float) -> Array:
  """Blend [H, W, 1 or 3] with the mean of its grey image: 0 is flat, 1 the image."""
  image = checked(image, op="contrast", rgb=True)
  grey = _grey(image)
  mean = mean_level(grey) if is_uint8(image) else round_through(jnp.mean(grey))
  return _blend(mean, image, factor)


def sharpness(image: Array, factor: Array | float) -> Array:
  """Blend [H, W, C] with its smoothed image: 0 is smooth, 1 the image; the border stays."""
  image = checked(image, op="sharpness")
  return _blend(_smooth(as_levels(image)), image, factor)


def hue(image: Array, turns: Array | float) -> Array:
  """Rotates the hue of [H, W, 1 or 3] by `turns` of the colour circle; grey stays grey."""
  image = checked(image, op="hue", rgb=True)
  if image.shape[-1] == 1:
    return image
  x = as_float(image)
  value = jnp.max(x, axis=-1, keepdims=True)
  chroma = value - jnp.min(x, axis=-1, keepdims=True)
  saturation = jnp.where(value > 0, chroma / jnp.where(value > 0, value, 1), 0)
  turned = hue_of(x, chroma) + number(image, turns)
  return like(image, pix.hsv_to_rgb(jnp.concatenate([turned, saturation, value], axis=-1)))


def grayscale(image: Array) -> Array:
  """The grey image of [H, W, 1 or 3], in as many channels."""
  image = checked(image, op="grayscale", rgb=True)
  if image.shape[-1] == 1:
    return image
  if is_uint8(image):
    return jnp.broadcast_to(_grey(image), image.shape).astype(jnp.uint8)
  return pix.rgb_to_grayscale(image, keep_dims=True)


def gamma(image: Array, exponent: Array | float) -> Array:
  """image ** exponent; gradients stay finite at black."""
  image = checked(image, op="gamma")
  x = as_float(image)
  raised = jnp.maximum(x, 1e-6) ** number(image, exponent)
  return like(image, jnp.where(x > 0, raised, raised - lax.stop_gradient(raised)))


def blur(image: Array, sigma: Array | float, *, kernel_size: int = 7) -> Array:
  """Gaussian blur of [H, W, C] with deviation `sigma` in pixels; 0 is the image."""
  image = checked(image, op="blur")
  sigma = number(image, sigma)
  x = as_float(image)
  reach = kernel_size // 2
  padded = jnp.pad(x, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
  soft = pix.gaussian_blur(padded, jnp.maximum(sigma, 0.05), kernel_size, padding="VALID")
  return like(image, jnp.where(sigma > 0, soft, x))


def invert(image: Array) -> Array:
  """White minus image [H, W, C]."""
  image = checked(image, op="invert")
  return 255 - image if is_uint8(image) else 1.0 - image


def solarize(image: Array, threshold: Array | float) -> Array:
  """Inverts every value of at least `threshold`, in levels 0..256; 256 is the image.

  The gradient in the image is the true one (1 below the threshold, -1 above); in the threshold it
  is straight through: 1 for each output value per 255 levels (MADAO, Section 4.1).
  """
  image = checked(image, op="solarize")
  threshold = number(image, threshold)
  if is_uint8(image):
    return jnp.where(image.astype(jnp.float32) < threshold, image, 255 - image)
  # Half a level lower, so that float rounding of a pixel on the grid cannot change its side.
  edge = lax.stop_gradient(jnp.ceil(threshold) - 0.5) / 255.0
  return straight_through(
    jnp.clip(pix.solarize(image, edge), 0.0, 1.0),
    pix.solarize(image, edge) + threshold / 255.0,
  )


def posterize(image: Array, bits: Array | float) -> Array:
  """Keeps the `bits` highest bits of each value, rounded to 0..8; 8 is the image.

  The gradient is straight through: 1 in the image, and in `bits` 1 per 8 bits (MADAO, Section 4.1).
  """
  image = checked(image, op="posterize")
  bits = number(image, bits)
  dropped = dropped_bits(bits)
  if is_uint8(image):
    return ((image.astype(jnp.int32) >> dropped) << dropped).astype(jnp.uint8)
  levels = jnp.floor(image * 255.0 + 0.5).astype(jnp.int32)
  kept = ((levels >> dropped) << dropped).astype(image.dtype) / 255.0
  return straight_through(jnp.where(dropped == 0, image, kept), image + bits / 8.0)


def dropped_bits(bits: Array) -> Array:
  """How many low bits go when `bits`, rounded to 0..8, are kept."""
  return 8 - jnp.clip(jnp.floor(bits + 0.5), 0, 8).astype(jnp.int32)


def blend_factor(factor: Array) -> Array:
  """A factor of float dtype as the fixed-point integer that `blend_levels` takes."""
  scaled = jnp.clip(factor, -_MAX_FACTOR, _MAX_FACTOR) * float(1 << BLEND_BITS)
  return jnp.floor(scaled + 0.5).astype(jnp.int32)


def blend_levels(low: Array, image: Array, factor: Array) -> Array:
  """low + factor * (image - low) on int32 levels 0..255, `factor` in fixed point, truncated.

  Integers, because float products and sums may or may not be contracted to one rounding, and two
  compilations of one op would then differ. Against Pillow's float32: 0.05% of values, one level.
  """
  mixed = (low << BLEND_BITS) + factor * (image - low) + _BLEND_SLACK
  return jnp.clip(mixed >> BLEND_BITS, 0, 255)


def grey_levels(red: Array, green: Array, blue: Array) -> Array:
  """Pillow's grey of int32 levels."""
  return (_LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue + 0x8000) >> 16


def mean_level(levels: Array) -> Array:
  """The mean of int32 levels, halves rounded up; exact up to 2^31 / 510 pixels."""
  return (2 * jnp.sum(levels, dtype=levels.dtype) + levels.size) // (2 * levels.size)


def smooth_levels(total: Array) -> Array:
  """The rounded 13th part of an int32 sum of levels (at most 13 * 255)."""
  # 2^20 / 13 = 80659.7: exact for every sum that can occur, and halves cannot.
  return (total * 80660 + (1 << 19)) >> 20


def _blend(low: Array, image: Array, factor: Array | float) -> Array:
  factor = number(image, factor)
  if is_uint8(image):
    return blend_levels(low, as_levels(image), blend_factor(factor)).astype(jnp.uint8)
  low = low / 255.0
  return jnp.clip(low + factor * (image - low), 0.0, 1.0)


def _grey(image: Array) -> Array:
  """Pillow's grey levels [H, W, 1], rounded (straight through in the float face)."""
  levels = as_levels(image)
  if image.shape[-1] == 1:
    return levels
  channels = [levels[..., c : c + 1] for c in range(3)]
  if is_uint8(image):
    return grey_levels(*channels)
  red, green, blue = (w * x for w, x in zip(_LUMA, channels, strict=True))
  return round_through((red + green + blue) / 65536.0)


def _smooth(levels: Array) -> Array:
  """(1 1 1; 1 5 1; 1 1 1) / 13, rounded; border pixels and images without an inside as they are."""
  height, width, _ = levels.shape
  if height < 3 or width < 3:
    return levels
  rows = levels[:-2] + levels[1:-1] + levels[2:]
  total = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] + 4 * levels[1:-1, 1:-1]
  exact = jnp.issubdtype(levels.dtype, jnp.integer)
  inside = smooth_levels(total) if exact else round_through(total / 13.0)
  return levels.at[1:-1, 1:-1].set(inside)
