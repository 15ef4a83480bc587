"""Ops that look at the distribution of each channel's values."""

import jax
import jax.numpy as jnp
from jax import lax

from autoaug_jax.ops.gradients import straight_through
from autoaug_jax.ops.levels import checked, is_uint8
from autoaug_jax.types import Array


def autocontrast(image: Array) -> Array:
  """Stretches each channel of [H, W, C] to the full range; a constant channel stays.

  The gradient in the image is straight through (the identity).
  """
  image = checked(image, op="autocontrast")
  low = jnp.min(image, axis=(0, 1), keepdims=True)
  high = jnp.max(image, axis=(0, 1), keepdims=True)
  if is_uint8(image):
    levels, low, high = (x.astype(jnp.int32) for x in (image, low, high))
    stretched = stretch_levels(levels, low, stretch_scale(low, high))
    return jnp.where(high > low, stretched, levels).astype(jnp.uint8)
  spread = jnp.where(high > low, high - low, 1.0)
  return straight_through(jnp.where(high > low, (image - low) / spread, image), image)


def equalize(image: Array) -> Array:
  """Makes each channel's values [H, W, C] as equally frequent as Pillow's rule does.

  The gradient in the image is straight through (the identity).
  """
  image = checked(image, op="equalize")
  if is_uint8(image):
    return _equalize_levels(image.astype(jnp.int32)).astype(jnp.uint8)
  levels = _equalize_levels(jnp.floor(image * 255.0 + 0.5).astype(jnp.int32))
  return straight_through(levels.astype(image.dtype) / 255.0, image)


def stretch_scale(low: Array, high: Array) -> Array:
  """255 / (high - low) of int32 levels, 255 where they are equal."""
  return 255.0 / jnp.maximum(high - low, 1).astype(jnp.float32)


def stretch_levels(levels: Array, low: Array, scale: Array) -> Array:
  """floor((levels - low) * scale), as an exact integer division would give it.

  A quotient of levels is an integer or at least 1/255 away from one, so a slack of 1e-3 makes
  float32 exact. (Pillow's own float64 lands one level below on 0.4% of such integers.)
  """
  return jnp.floor((levels - low).astype(jnp.float32) * scale + 1e-3).astype(jnp.int32)


def equalize_tables(histograms: Array) -> Array:
  """Pillow's look-up tables [C, 256] for histograms [C, 256], both int32.

  In float32, which is exact here: counts stay below 2^24, and a quotient that is not an integer is
  at least 1/step away from one, which the slack of half of that respects.
  """
  counts = histograms.astype(jnp.float32)
  before = _running_sum(counts) - counts  # how many values are darker
  but_last = jnp.max(jnp.where(histograms > 0, before, 0.0), axis=1, keepdims=True)
  step = jnp.floor((but_last + 0.5) / 255.0)
  quotient = jnp.floor((before + jnp.floor(step / 2.0) + 0.5) / jnp.maximum(step, 1.0))
  levels = jnp.arange(256, dtype=jnp.float32)[None, :]
  return jnp.where(step > 0, jnp.minimum(quotient, 255.0), levels).astype(jnp.int32)


def _running_sum(counts: Array) -> Array:
  """cumsum along [C, 256] by two products with triangles, 3 times as fast here as jnp.cumsum."""
  triangle = jnp.triu(jnp.ones((16, 16), counts.dtype))
  exact = lax.Precision.HIGHEST
  within = jnp.dot(counts.reshape(-1, 16), triangle, precision=exact)
  totals = within[:, -1].reshape(-1, 16)
  before = jnp.dot(totals, triangle, precision=exact) - totals
  return (within + before.reshape(-1, 1)).reshape(counts.shape)


def _equalize_levels(levels: Array) -> Array:
  channels = jnp.moveaxis(levels, -1, 0)
  counts = jax.vmap(lambda channel: jnp.zeros(256, jnp.int32).at[channel].add(1))(channels)
  tables = equalize_tables(counts)
  return jnp.moveaxis(jax.vmap(lambda table, c: table[c])(tables, channels), 0, -1)
