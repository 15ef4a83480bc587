"""No look-ahead: phi as far as the outer loss itself contains it."""

import jax
import optax

from autoaug_jax.devices import mean_over
from autoaug_jax.hypergrad.base import Hypergradient, Inner
from autoaug_jax.types import Array, Loss, Params, Phi


def direct(*, axis_name: str | None = None) -> Hypergradient:
  """d outer / d phi at fixed theta, 3 forward passes at most; inner is not looked at.

  For outer losses that apply phi themselves: transformation networks trained on the training loss
  (Online bilevel's STN row), penalties, adversarial policies.
  """
  mean = mean_over(axis_name)

  def estimator(
    inner: Inner, outer: Loss, theta: Params, phi: Phi, opt_state: optax.OptState
  ) -> tuple[Array, Phi]:
    del inner, opt_state
    return mean(jax.value_and_grad(outer, argnums=1)(theta, phi))

  return estimator
