"""Steps whose length does not depend on phi: no augmentation gains by making them longer."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from autoaug_jax import trees
from autoaug_jax.types import Params


def by_direction(optimizer: optax.GradientTransformation) -> optax.GradientTransformation:
  """`optimizer`, bit for bit, whose derivative takes the length of a gradient for granted.

  A gradient g goes in as |g| times its direction, and |g| counts as a constant: d g is what of it
  is orthogonal to g. For the estimators that differentiate steps (`joint`, `unrolled`). A step
  ahead is mostly too short for the outer loss, which a longer one would lower further, and whatever
  makes training images harder makes gradients longer: so an estimator that sees lengths rewards
  hard images as such. Ours; neither Online bilevel's paper nor its code does this.
  """

  def update(updates: Params, state: Any, params: Params = None) -> tuple[Params, Any]:
    length = trees.norm(updates)
    zero = length == 0
    one = jax.lax.stop_gradient(length) / jnp.where(zero, 1, length)  # x / x is 1 to the bit
    return optimizer.update(trees.scaled(jnp.where(zero, 1, one), updates), state, params)

  return optax.GradientTransformation(optimizer.init, update)
