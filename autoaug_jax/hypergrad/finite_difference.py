"""DARTS's estimator: the one-step unroll with its mixed product taken as a difference."""

import optax

from autoaug_jax.hypergrad.base import Hypergradient, estimate
from autoaug_jax.hypergrad.joint import joint
from autoaug_jax.hypergrad.products import central_difference


def finite_difference(
  optimizer: optax.GradientTransformation,
  *,
  epsilon: float = 0.01,
  axis_name: str | None = None,
) -> Hypergradient:
  """`unrolled(optimizer)` with (grad_phi inner at theta + h - at theta - h) / 2 as mixed product.

  |h| = epsilon = 0.01 is DARTS's (equation 8 and its footnote), along the direction that the exact
  product takes. 10 forward passes in the memory of a training step: the cheap cousin, for networks
  that the exact product does not fit. In deep networks in float32 it can be wrong by more than its
  size; compare with `unrolled` before relying on it.
  """
  product = central_difference(epsilon)
  return estimate(joint(optimizer, product=product, axis_name=axis_name))
