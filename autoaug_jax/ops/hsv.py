"""Hues of pixels."""

import jax.numpy as jnp

from autoaug_jax.types import Array


def hue_of(x: Array, chroma: Array, *, least: float = 0.0) -> Array:
  """[H, W, 1] in turns from -1/6 to 5/6 of float [H, W, 3]; 0 for grey, where chroma is `least`.

  By the order of channels, not by which equals the largest, as dm-pix asks: where a compiler works
  pixels out twice, with other roundings, none may, and the hue is off by a third of a turn. An
  order that is wrong between near neighbours gives a hue that is nearly right.
  """
  red, green, blue = (x[..., c : c + 1] for c in range(3))
  grey = chroma <= least
  sixth = 1 / (6 * jnp.where(grey, 1, chroma))
  turns = jnp.where(
    (red >= green) & (red >= blue),
    sixth * (green - blue),
    jnp.where(green >= blue, sixth * (blue - red) + 1 / 3, sixth * (red - green) + 2 / 3),
  )
  return jnp.where(grey, 0, turns)
