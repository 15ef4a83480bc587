"""The implicit gradient as several small programs, one after the other."""

from collections.abc import Callable
from typing import Any

import jax
import optax
from jax.tree_util import Partial

from autoaug_jax import trees
from autoaug_jax.devices import mean_over
from autoaug_jax.hypergrad.base import Hypergradient, Inner
from autoaug_jax.hypergrad.products import Product, hessian, mixed
from autoaug_jax.hypergrad.solves import Iteration
from autoaug_jax.types import Array, Loss, Params, Phi


def stepwise(
  solve: Iteration,
  *,
  product: Product = hessian,
  damping: float = 0.0,
  axis_name: str | None = None,
  jit: Callable[..., Any] = jax.jit,
) -> Hypergradient:
  """`implicit(solve)` for large networks: call it outside jit, it compiles its own programs.

  Three of them: v = grad_theta outer; one step of the solve, dispatched as often as there are
  steps, its state donated; and the mixed product. Peak memory is that of one Hessian-vector product
  whatever the number of steps, and compilation does not grow with it either; 9 forward passes
  and 8 a step, 2 more than where the products share a program.

  So that the programs are compiled once and not once a batch, hand over the losses as
  jax.tree_util.Partial(loss, batch) with loss(batch, theta, phi). On several devices let the batch
  be sharded over them: the programs see all of it. `jit` compiles the programs; inside another jit
  or pmap, where `axis_name` counts, they become part of it, and this is `implicit`.
  """
  if not isinstance(solve, Iteration):
    raise ValueError(f"stepwise takes a solve made of steps, such as neumann, not {solve!r}")
  mean = mean_over(axis_name)

  def start(outer: Loss, theta: Params, phi: Phi) -> tuple[Array, Phi, Any]:
    value, (v, direct) = mean(jax.value_and_grad(outer, argnums=(0, 1))(theta, phi))
    return value, direct, solve.start(v)

  def step(state: Any, inner: Inner, theta: Params, phi: Phi) -> Any:
    def matvec(p: Params) -> Params:
      return trees.add(mean(product(inner, theta, phi, p)), p, damping)

    return solve.step(matvec, state)

  def finish(state: Any, direct: Phi, inner: Inner, theta: Params, phi: Phi) -> Phi:
    indirect = mean(mixed(inner, theta, phi, solve.result(state)))
    return trees.add(direct, indirect, -1.0)

  start, step, finish = jit(start), jit(step, donate_argnums=0), jit(finish)

  def estimator(
    inner: Inner, outer: Loss, theta: Params, phi: Phi, opt_state: optax.OptState
  ) -> tuple[Array, Phi]:
    del opt_state
    inner, outer = _as_argument(inner), _as_argument(outer)
    value, direct, state = start(outer, theta, phi)
    for _ in range(solve.steps):
      # Waiting costs little beside a product, and virtual devices abort where collectives queue up.
      state = jax.block_until_ready(step(state, inner, theta, phi))
    return value, finish(state, direct, inner, theta, phi)

  return estimator


def _as_argument(loss: Callable[..., Any]) -> Partial:
  return loss if isinstance(loss, Partial) else Partial(loss)
