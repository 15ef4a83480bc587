"""What an estimator is. Code that only calls estimators imports nothing else from this package."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

import optax

from autoaug_jax.types import Array, Loss, Params, Phi

# Usually a Loss; each estimator says what more it hands over or expects back.
Inner: TypeAlias = Callable[..., Any]


class Hypergradient(Protocol):
  """Estimates d outer(theta*(phi), phi) / d phi, with theta* what training on `inner` leads to."""

  def __call__(
    self, inner: Inner, outer: Loss, theta: Params, phi: Phi, opt_state: optax.OptState
  ) -> tuple[Array, Phi]:
    """-> (the outer value [], its gradient in phi, a pytree like phi)."""


class Moved(NamedTuple):
  """The outcome of one training step and of the search step that shared its gradient."""

  theta: Params
  opt_state: optax.OptState
  value: Array  # [], the outer loss at the new theta
  gradient: Phi  # of that value, in phi
  loss: Array  # [], the inner loss at the old theta
  alignment: Array  # [], <inner gradient, direction>: the running mean of it is a score's baseline
  aux: Any  # what inner returned beside its loss, this device's own; None where it returned nothing


class Joint(Protocol):
  """Trains and searches in one move."""

  def __call__(
    self, inner: Inner, outer: Loss, theta: Params, phi: Phi, opt_state: optax.OptState
  ) -> Moved: ...


def estimate(joint: Joint) -> Hypergradient:
  """The estimator inside a joint move; jit removes the training step that nobody asks for."""

  def estimator(
    inner: Inner, outer: Loss, theta: Params, phi: Phi, opt_state: optax.OptState
  ) -> tuple[Array, Phi]:
    moved = joint(inner, outer, theta, phi, opt_state)
    return moved.value, moved.gradient

  return estimator
