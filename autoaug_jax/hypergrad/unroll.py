"""Differentiation through training steps as they are taken."""

import functools
from typing import Any

import jax
import optax

from autoaug_jax import trees
from autoaug_jax.devices import mean_over
from autoaug_jax.hypergrad.base import Hypergradient, Inner, estimate
from autoaug_jax.hypergrad.joint import apply_gradient, joint
from autoaug_jax.types import Array, Loss, Params, Phi

FORMS = ("auto", "mixed", "grad")


def unrolled(
  optimizer: optax.GradientTransformation,
  *,
  steps: int = 1,
  form: str = "auto",
  remat: bool = False,
  axis_name: str | None = None,
) -> Hypergradient:
  """The exact gradient of outer(theta_K(phi), phi) after K = `steps` steps of `optimizer`.

  theta_{k+1} = theta_k + update(grad_theta inner(theta_k, phi)); K = 1 is equation 8 of Online
  bilevel and supplement B.1 of SLACK. The optimizer's own state is used and differentiated:
  momentum, Adam's moments, schedules. With `steps` > 1 inner is called with a third argument, the
  number of the step (an int), so that each step can have its own batch.

  Form "grad" is jax.grad through all steps, 12 forward passes for K = 1. Form "mixed" walks back by
  hand, one Hessian-vector and one mixed product a step, 10 forward passes for K = 1 and the same
  numbers for any optimizer: the direction is taken through the derivative of its own step. "auto"
  is "mixed", and "grad" for an inner that cannot be differentiated forwards (a custom_vjp inside a
  custom_vjp's rule). `remat` computes forward passes again instead of keeping them, so that memory
  grows by copies of theta, not of the activations.

  Prefer K = 1 for a policy that is updated at every training step; larger K see further ahead but
  cost K times as much. At a zero gradient Adam needs `eps_root` > 0, and clipping needs
  `clip_by_norm` of this package, or the derivative of the step is NaN.
  """
  if steps < 1:
    raise ValueError(f"steps must be at least 1, not {steps}")
  if form not in FORMS:
    raise ValueError(f"form must be one of {', '.join(map(repr, FORMS))}, not {form!r}")
  by_grad = _by_grad(optimizer, steps, remat, axis_name)
  by_mixed = _by_mixed(optimizer, steps, remat, axis_name)
  if form != "auto":
    return by_grad if form == "grad" else by_mixed

  def estimator(
    inner: Inner, outer: Loss, theta: Params, phi: Phi, opt_state: optax.OptState
  ) -> tuple[Array, Phi]:
    try:
      return by_mixed(inner, outer, theta, phi, opt_state)
    except TypeError:  # what JAX raises where a forward rule is missing
      return by_grad(inner, outer, theta, phi, opt_state)

  return estimator


def _by_grad(
  optimizer: optax.GradientTransformation, steps: int, remat: bool, axis_name: str | None
) -> Hypergradient:
  mean = mean_over(axis_name)

  def estimator(
    inner: Inner, outer: Loss, theta: Params, phi: Phi, opt_state: optax.OptState
  ) -> tuple[Array, Phi]:
    def step(k: int, theta: Params, state: optax.OptState, phi: Phi) -> tuple[Params, Any]:
      gradient = mean(jax.grad(_at(inner, k, steps))(theta, phi))
      return apply_gradient(optimizer, gradient, state, theta)

    def objective(phi: Phi) -> Array:
      ahead, state = theta, opt_state
      for k in range(steps):
        move = functools.partial(step, k)
        ahead, state = (jax.checkpoint(move) if remat else move)(ahead, state, phi)
      return outer(ahead, phi)

    return mean(jax.value_and_grad(objective)(phi))

  return estimator


def _by_mixed(
  optimizer: optax.GradientTransformation, steps: int, remat: bool, axis_name: str | None
) -> Hypergradient:
  if steps == 1:
    return estimate(joint(optimizer, remat=remat, axis_name=axis_name))
  mean = mean_over(axis_name)

  def estimator(
    inner: Inner, outer: Loss, theta: Params, phi: Phi, opt_state: optax.OptState
  ) -> tuple[Array, Phi]:
    ahead, state, trail = theta, opt_state, []
    for k in range(steps):
      gradient = mean(jax.grad(_at(inner, k, steps))(ahead, phi))
      step = functools.partial(apply_gradient, optimizer)
      (following, state), pull = jax.vjp(step, gradient, state, ahead)
      trail.append((ahead, pull))
      ahead = following
    value, (v, total) = mean(jax.value_and_grad(outer, argnums=(0, 1))(ahead, phi))
    state_bar = trees.zero_cotangents(state)
    for k in reversed(range(steps)):
      here, pull = trail[k]
      w, state_bar, v = pull((v, state_bar))
      start = trees.after(here, w) if remat else here
      curved, indirect = mean(_products(_at(inner, k, steps), start, phi, w))
      v, total = trees.add(v, curved), trees.add(total, indirect)
    return value, total

  return estimator


def _products(inner: Inner, theta: Params, phi: Phi, w: Params) -> tuple[Params, Phi]:
  """The Hessian and the mixed derivative of inner, each times w, from one forward-mode product."""
  return jax.jvp(lambda t: jax.grad(inner, argnums=(0, 1))(t, phi), (theta,), (w,))[1]


def _at(inner: Inner, k: int, steps: int) -> Inner:
  return inner if steps == 1 else lambda theta, phi: inner(theta, phi, k)
