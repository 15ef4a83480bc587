"""Second derivatives of the inner loss times a vector. No matrix is ever formed.

Costs are in forward passes of the network (a gradient is 3: one forward, two in the backward pass).
"""

from collections.abc import Callable
from typing import TypeAlias

import jax

from autoaug_jax import trees
from autoaug_jax.hypergrad.base import Inner
from autoaug_jax.types import Array, Params, Phi

# (inner, theta, phi, p) -> curvature times p, a pytree like theta
Product: TypeAlias = Callable[[Inner, Params, Phi, Params], Params]
# (inner, theta, phi, w) -> (d/d phi)(d/d theta) inner . w, a pytree like phi
Mixed: TypeAlias = Callable[[Inner, Params, Phi, Params], Phi]


def mixed(inner: Inner, theta: Params, phi: Phi, w: Params) -> Phi:
  """(d^2 inner / d phi d theta) w, exactly: jax.jvp of the gradient in phi, along w in theta.

  6 forward passes where phi moves the images, 4 of them where the inner gradient at the same theta
  is in the same program. Only 3 (2) where phi moves no more than the weights of the losses: the
  network is then differentiated forwards alone.
  """
  return jax.jvp(lambda t: jax.grad(inner, argnums=1)(t, phi), (theta,), (w,))[1]


def central_difference(epsilon: float) -> Mixed:
  """`mixed` from two gradients in phi, at theta +- epsilon w / |w| (DARTS, its equation 8).

  4 forward passes in the memory of a gradient; wrong by O(epsilon^2) and by rounding / epsilon.
  """
  if epsilon <= 0:
    raise ValueError(f"epsilon must be positive, not {epsilon}")

  def product(inner: Inner, theta: Params, phi: Phi, w: Params) -> Phi:
    length = trees.norm(w)
    step = epsilon / jax.numpy.where(length > 0, length, 1)
    above = jax.grad(inner, argnums=1)(trees.add(theta, w, step), phi)
    below = jax.grad(inner, argnums=1)(trees.add(theta, w, -step), phi)
    return trees.scaled(0.5 / step, trees.add(above, below, -1.0))

  return product


def hessian(inner: Inner, theta: Params, phi: Phi, p: Params) -> Params:
  """(d^2 inner / d theta^2) p: jax.jvp of jax.grad.

  8 forward passes, or 6 beside another product at the same theta in the same program.
  """
  return jax.jvp(lambda t: jax.grad(inner)(t, phi), (theta,), (p,))[1]


def gauss_newton(
  outputs: Callable[[Params, Phi], Array], loss: Callable[[Array, Phi], Array]
) -> Product:
  """J' (d^2 loss / d outputs^2) J p with J = d outputs / d theta, for inner = loss(outputs).

  With logits [B, classes] and the mean cross-entropy as the loss it is the Fisher matrix of the
  network: never negative, so that Neumann series and conjugate gradients converge where the Hessian
  of a network would let them diverge. 5 forward passes, or 4 beside another at the same theta.
  """

  def product(inner: Inner, theta: Params, phi: Phi, p: Params) -> Params:
    del inner
    out, tangent = jax.jvp(lambda t: outputs(t, phi), (theta,), (p,))
    _, curved = jax.jvp(lambda o: jax.grad(loss)(o, phi), (out,), (tangent,))
    return jax.vjp(lambda t: outputs(t, phi), theta)[1](curved)[0]

  return product
