"""Training and searching in one move, where the look-ahead step is the training step."""

from typing import Any

import jax
import optax

from autoaug_jax import trees
from autoaug_jax.devices import mean_over
from autoaug_jax.hypergrad.base import Inner, Joint, Moved
from autoaug_jax.hypergrad.products import Mixed, mixed
from autoaug_jax.types import Loss, Params, Phi


def joint(
  optimizer: optax.GradientTransformation,
  *,
  product: Mixed = mixed,
  has_aux: bool = False,
  remat: bool = False,
  axis_name: str | None = None,
) -> Joint:
  """One step of `optimizer` and the gradient of the outer loss through it: Online bilevel's step.

  With G = grad_theta inner, v = grad_theta outer at the new theta, and w = (d step / d G)' v, the
  gradient in phi is (d^2 inner / d phi d theta) w plus the direct one of outer. For plain SGD of
  rate eta, w is -eta v; any other optimizer's step is differentiated as it stands.

  10 forward passes, 3.3 training steps: 3 for G, 3 for v, and 4 more for the mixed product, whose
  forward pass and backward pass to the images are those of G. With `remat` these are computed
  again: 12, in less memory. Prefer it to a training step and an estimate in turn wherever every
  step searches. Under `has_aux` inner returns (loss, aux), and what aux holds (new BatchNorm
  statistics, say) comes back as it is: nothing is differentiated through it.
  """
  mean = mean_over(axis_name)

  def move(inner: Inner, outer: Loss, theta: Params, phi: Phi, opt_state: optax.OptState) -> Moved:
    loss = inner if has_aux else lambda *at: (inner(*at), None)
    (before, aux), gradient = jax.value_and_grad(loss, has_aux=True)(theta, phi)
    before, gradient = mean((before, gradient))
    ahead, pull, state = jax.vjp(
      lambda g: apply_gradient(optimizer, g, opt_state, theta), gradient, has_aux=True
    )
    value, (v, direct) = mean(jax.value_and_grad(outer, argnums=(0, 1))(ahead, phi))
    (w,) = pull(v)
    start = trees.after(theta, w) if remat else theta
    indirect = mean(product(lambda *at: loss(*at)[0], start, phi, w))
    total = trees.add(direct, indirect)
    return Moved(ahead, state, value, total, before, trees.vdot(gradient, w), aux)

  return move


def apply_gradient(
  optimizer: optax.GradientTransformation, gradient: Params, state: optax.OptState, theta: Params
) -> tuple[Params, Any]:
  """One step: (the new theta, the new optimizer state)."""
  updates, state = optimizer.update(gradient, state, theta)
  return optax.apply_updates(theta, updates), state
