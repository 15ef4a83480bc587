"""timm's SolarizeAdd, which no paper's space has."""

import jax.numpy as jnp

from autoaug_jax.types import Array

MIDDLE = 128


def added_below_middle(image: Array, amount: Array) -> Array:
  """image [H, W, C] with levels below 128 raised by `amount` levels, at most to white."""
  if image.dtype == jnp.uint8:
    levels = image.astype(jnp.int32)
    raised = jnp.clip(levels + amount.astype(jnp.int32), 0, 255)
    return jnp.where(levels < MIDDLE, raised, levels).astype(jnp.uint8)
  # Half a level lower, so that float rounding of a pixel on the grid cannot change its side.
  raised = jnp.clip(image + amount.astype(image.dtype) / 255.0, 0.0, 1.0)
  return jnp.where(image < (MIDDLE - 0.5) / 255.0, raised, image)
