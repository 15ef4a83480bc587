"""Clipping that can be differentiated everywhere."""

from typing import Any

import optax

from autoaug_jax import trees
from autoaug_jax.types import Params


def clip_by_norm(limit: float) -> optax.GradientTransformation:
  """g min(1, limit / |g|) over the whole tree, as optax.clip_by_global_norm.

  Its derivative at g = 0 is the identity, where that of optax's is NaN: for chains that `unrolled`
  differentiates.
  """
  if limit <= 0:
    raise ValueError(f"clip must be positive, not {limit}")

  def update(updates: Params, state: Any, params: Params = None) -> tuple[Params, Any]:
    del params
    return trees.clipped(updates, limit), state

  return optax.GradientTransformation(lambda params: optax.EmptyState(), update)
