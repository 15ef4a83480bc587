"""Solves: (matvec, v) -> about H^{-1} v, for a symmetric H that is only known as p -> H p.

All loops are Python's: inside a loop of XLA a convolution's gradient is 30 times slower on CPUs.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from autoaug_jax import trees
from autoaug_jax.types import Params

Matvec: TypeAlias = Callable[[Params], Params]


class Solve(Protocol):
  """(matvec, v) -> about H^{-1} v."""

  def __call__(self, matvec: Matvec, v: Params, /) -> Params: ...


class Iteration(NamedTuple):
  """A solve made of equal steps, one product each. Called as a Solve, it takes them all."""

  start: Callable[[Params], Any]  # v -> state
  step: Callable[[Matvec, Any], Any]  # (matvec, state) -> state
  result: Callable[[Any], Params]  # state -> about H^{-1} v
  steps: int

  def __call__(self, matvec: Matvec, v: Params) -> Params:
    state = self.start(v)
    for _ in range(self.steps):
      state = self.step(matvec, state)
    return self.result(state)


def neumann(alpha: float, terms: int, *, scale: float | None = None) -> Iteration:
  """scale * sum_{j=0}^{terms} (I - alpha H)^j v: `terms` products, `terms` + 1 summands.

  With scale = alpha, the default, it tends to H^{-1} v as `terms` grows if 0 < alpha H < 2, and
  with terms = K - 1 it is what K steps of SGD of rate alpha see at a fixed point. MADAO's
  is neumann(1e-3, 5) (its section 3.2). AutoDO does not multiply by alpha: its series is
  neumann(0.01, 5, scale=1.0).
  """
  _at_least(0, "terms", terms)
  if alpha <= 0:
    raise ValueError(f"alpha must be positive, not {alpha}")

  def step(matvec: Matvec, state: Any) -> Any:
    power, total = state
    power = trees.add(power, matvec(power), -alpha)
    return power, trees.add(total, power)

  def result(state: Any) -> Params:
    return trees.scaled(alpha if scale is None else scale, state[1])

  return Iteration(lambda v: (v, v), step, result, terms)


def conjugate_gradient(steps: int) -> Iteration:
  """`steps` conjugate gradient steps from 0, one product each; exact once `steps` is H's size.

  Better than a Neumann series at equal cost where H is positive definite (add `damping`). Where it
  meets a direction of no or negative curvature it stops and returns what it has; if the very first
  direction is one, that is 0.
  """
  _at_least(1, "steps", steps)

  def start(v: Params) -> Any:
    rr = trees.vdot(v, v)
    return trees.scaled(0.0, v), v, v, rr, rr > 0

  def step(matvec: Matvec, state: Any) -> Any:
    x, r, p, rr, going = state
    curved = matvec(p)
    curvature = trees.vdot(p, curved)
    going &= (curvature > 0) & (rr > 0)
    length = jnp.where(going, rr / jnp.where(going, curvature, 1), 0)
    x, r = trees.add(x, p, length), trees.add(r, curved, -length)
    before, rr = rr, trees.vdot(r, r)
    p = trees.add(r, p, jnp.where(going, rr / jnp.where(going, before, 1), 0))
    return x, r, p, rr, going

  return Iteration(start, step, lambda state: state[0], steps)


def scaled_identity(scale: float) -> Iteration:
  """scale * v, no product: the first-order variant (MADAO-FO in MADAO's Table 5)."""
  return Iteration(lambda v: v, lambda matvec, v: v, lambda v: trees.scaled(scale, v), 0)


def dense() -> Solve:
  """H^{-1} v by forming H: exact, with as many products as theta has numbers. For tests."""

  def solve(matvec: Matvec, v: Params) -> Params:
    flat, unravel = ravel_pytree(v)
    basis = jnp.eye(flat.size, dtype=flat.dtype)
    columns = jax.lax.map(lambda e: ravel_pytree(matvec(unravel(e)))[0], basis)
    return unravel(jnp.linalg.solve(columns.T, flat))

  return solve


def _at_least(least: int, name: str, value: int) -> None:
  if value < least:
    raise ValueError(f"{name} must be at least {least}, not {value}")
