"""The implicit function theorem: phi moves the point at which the inner gradient vanishes."""

from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
import optax

from autoaug_jax import trees
from autoaug_jax.devices import mean_over
from autoaug_jax.hypergrad.base import Hypergradient, Inner
from autoaug_jax.hypergrad.products import Product, hessian, mixed
from autoaug_jax.hypergrad.solves import Solve
from autoaug_jax.types import Array, Loss, Params, Phi


class Implicit(NamedTuple):
  """An implicit gradient and how well its linear system was solved."""

  value: Array  # [], the outer loss
  gradient: Phi
  residual: Array  # [], |v - H q| / |v|


def implicit(
  solve: Solve,
  *,
  product: Product = hessian,
  damping: float = 0.0,
  remat: bool = False,
  axis_name: str | None = None,
) -> Hypergradient:
  """grad_phi outer - (d^2 inner / d phi d theta) q, with q = solve(H, v) about H^{-1} v.

  v = grad_theta outer and H = d^2 inner / d theta^2 + damping I, all at the same theta (MADAO's
  equations 4 and 5, AutoDO's 5). Weight decay belongs into inner, or H lacks it. `product` is what
  stands for the second derivative: `hessian`, or `gauss_newton(outputs, loss)`.

  9 forward passes and 6 a product with `hessian`, the forward pass of inner being shared by all, as
  long as its activations fit; with `remat` each product computes its own: 9 and 8 a product, in
  the memory of one. Prefer it to an unroll where phi is updated seldom and theta has nearly
  converged.
  """
  checked = implicit_checked(
    solve, product=product, damping=damping, remat=remat, axis_name=axis_name
  )

  def estimator(
    inner: Inner, outer: Loss, theta: Params, phi: Phi, opt_state: optax.OptState
  ) -> tuple[Array, Phi]:
    solved = checked(inner, outer, theta, phi, opt_state)
    return solved.value, solved.gradient

  return estimator


class Checked(Protocol):
  """Takes what a Hypergradient takes."""

  def __call__(
    self, inner: Inner, outer: Loss, theta: Params, phi: Phi, opt_state: optax.OptState
  ) -> Implicit: ...


def implicit_checked(
  solve: Solve,
  *,
  product: Product = hessian,
  damping: float = 0.0,
  remat: bool = False,
  axis_name: str | None = None,
) -> Checked:
  """`implicit`, and the residual of its solve at the price of one more product.

  A residual near 1 says that q is mostly v, as in a short Neumann series; above 1 that the solve
  has made things worse: alpha is too large for H, or H is indefinite. Warn, lower alpha, or damp.
  """
  mean = mean_over(axis_name)

  def estimator(
    inner: Inner, outer: Loss, theta: Params, phi: Phi, opt_state: optax.OptState
  ) -> Implicit:
    del opt_state

    def at(p: Params) -> Params:
      return trees.after(theta, p) if remat else theta

    def matvec(p: Params) -> Params:
      return trees.add(mean(product(inner, at(p), phi, p)), p, damping)

    value, (v, direct) = mean(jax.value_and_grad(outer, argnums=(0, 1))(theta, phi))
    q = solve(matvec, v)
    indirect = mean(mixed(inner, at(q), phi, q))
    left = trees.norm(trees.add(v, matvec(q), -1.0))
    size = trees.norm(v)
    residual = left / jnp.where(size > 0, size, 1)
    return Implicit(value, trees.add(direct, indirect, -1.0), residual)

  return estimator
