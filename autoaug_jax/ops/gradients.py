"""Straight-through rules: the value of a step function with the gradient of something smooth."""

import jax.numpy as jnp
from jax import lax

from autoaug_jax.types import Array

# Added before truncation: k/30 * 30 is not k in float32, and int() of the papers' codes means k.
_SLACK = 1e-4


def straight_through(hard: Array, soft: Array) -> Array:
  """The exact value of `hard` with the gradient of `soft`."""
  return lax.stop_gradient(hard) + (soft - lax.stop_gradient(soft))


def round_through(x: Array) -> Array:
  """Rounds halves up, as Pillow does; the gradient is that of the identity."""
  return straight_through(jnp.floor(x + 0.5), x)


def truncate_through(x: Array) -> Array:
  """`int(x)`, forgiving 1e-4 of rounding error; the gradient is that of the identity."""
  return straight_through(jnp.trunc(x + _SLACK * jnp.sign(x)), x)
