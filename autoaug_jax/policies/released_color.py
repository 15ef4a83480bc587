"""Online bilevel's colour ops as its released code has them."""

import functools
from collections.abc import Callable

import jax.numpy as jnp

from autoaug_jax.ops import Op, Space, Tone, brightness, hue_of, kinds, make_space
from autoaug_jax.types import Array


def added_contrast(image: Array, amount: Array) -> Array:
  """image [H, W, C] plus `amount`, which that code calls contrast."""
  return _on_floats(image, lambda x: x + jnp.asarray(amount, x.dtype))


def hsv_saturation(image: Array, factor: Array) -> Array:
  """[H, W, 3] with the S of HSV times `factor`; black and grey stay."""

  def change(x: Array) -> Array:
    value = jnp.max(x, axis=-1, keepdims=True)
    chroma = value - jnp.min(x, axis=-1, keepdims=True)
    saturation = chroma / jnp.maximum(value, 1e-6)
    now = jnp.clip(saturation * jnp.asarray(factor, x.dtype), 0.0, 1.0)
    ratio = jnp.where(chroma > 1e-6, now / jnp.maximum(saturation, 1e-6), jnp.ones_like(now))
    return value - (value - x) * ratio

  return _on_rgb(image, change)


def scaled_hue(image: Array, factor: Array) -> Array:
  """[H, W, 3] with its hue, a number in [0, 1) that is 0 at red, times `factor`.

  It does not wrap around: a hue over 1 is 1, red again.
  """

  def change(x: Array) -> Array:
    value = jnp.max(x, axis=-1, keepdims=True)
    chroma = value - jnp.min(x, axis=-1, keepdims=True)
    hue = jnp.mod(hue_of(x, chroma, least=1e-6), 1.0)
    hue = jnp.clip(hue * jnp.asarray(factor, x.dtype), 0.0, 1.0)
    sector = 6 * hue + jnp.asarray([5.0, 3.0, 1.0], x.dtype)[None, None]
    place = jnp.mod(sector, 6.0)
    return value - chroma * jnp.clip(jnp.minimum(place, 4 - place), 0.0, 1.0)

  return _on_rgb(image, change)


@functools.cache
def released_color() -> Space:
  """The four, with its ranges: factors 1 +- 1, an amount of +-1, hue times 1 +- 0.5.

  The mistake that it makes with some saturated reds is left out.
  """
  return make_space(
    [
      Op("AddedContrast", Tone(added_contrast, kinds.itself), 0.0, 1.0, True),
      Op("HsvSaturation", Tone(hsv_saturation, kinds.one_plus), 0.0, 1.0, True),
      Op("Brightness", Tone(brightness, kinds.one_plus), 0.0, 1.0, True),
      Op("ScaledHue", Tone(scaled_hue, kinds.one_plus), 0.0, 0.5, True),
    ]
  )


def _on_rgb(image: Array, change: Callable[[Array], Array]) -> Array:
  """Grey images stay."""
  if image.shape[-1] not in (1, 3):
    raise ValueError(f"colours take 3 channels or 1, got {image.shape[-1]}")
  return image if image.shape[-1] == 1 else _on_floats(image, change)


def _on_floats(image: Array, change: Callable[[Array], Array]) -> Array:
  """`change` on pixels in [0, 1], clipped; on uint8 rounded to levels."""
  if image.dtype != jnp.uint8:
    return jnp.clip(change(image), 0.0, 1.0)
  changed = jnp.clip(change(image.astype(jnp.float32) / 255.0), 0.0, 1.0)
  return jnp.floor(changed * 255.0 + 0.5).astype(jnp.uint8)
