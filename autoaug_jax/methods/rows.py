"""Searching in tables with a row for each example: a move costs what its batch does, not the table.

Differentiating through `table[index]` would make gradients, running squares and updates of the size
of the table. Here the rows of a batch are gathered first, differentiated, and written back.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from autoaug_jax import trees
from autoaug_jax.devices import first_place
from autoaug_jax.hypergrad import Hypergradient
from autoaug_jax.train import Metrics, Move, Problem, SearchState, optim
from autoaug_jax.types import Array, Batch, Key, Phi


class RowsState(NamedTuple):
  """What the optimizer of rows remembers."""

  square: Phi  # like phi: the running mean of squared gradients, as of the row's last visit
  seen: Array  # int32 [N], the step of that visit; 0 for none
  step: Array  # int32 []
  rate: Any  # the learning rate's state (`optim.rate_of`)


class RowsOptimizer(NamedTuple):
  """RMSprop for the rows that a step has a gradient of."""

  init: Callable[[Phi], RowsState]
  update: Callable[[Phi, RowsState, Array], tuple[Phi, RowsState]]
  tables: Any  # phi's structure, or a prefix of it, in bools: which parts have a row an example


def rows_rmsprop(
  rate: float | optax.Schedule,
  *,
  tables: Any,
  examples: int,
  decay: float = 0.99,
  eps: float = 1e-8,
  lazy: bool = False,
) -> RowsOptimizer:
  """PyTorch's RMSprop, -rate g / (sqrt(v) + eps), on rows.

  The plain optimizer sees gradients of 0 at all examples that are not in the batch, and decays
  their v at every step (the released code): by the time an example is there again, n steps later, v
  is decay^n of what it was. The same numbers come out here without touching those rows: decay^n is
  applied when the row is visited. With a steady gradient, n of 156 and decay 0.99, each visit then
  moves 9 rates, whatever the gradient's size. `lazy` decays a row's v once a visit instead; a visit
  then moves 10 rates at first, 7.1 at the second, 1 in the end. Parts of phi that are no `tables`
  are in every step, and both forms are one.
  """
  if not 0 <= decay < 1:
    raise ValueError(f"decay must be at least 0 and below 1, not {decay}")
  if examples < 1:
    raise ValueError(f"examples must be at least 1, not {examples}")
  scaled = optim.by_rate(rate)

  def init(phi: Phi) -> RowsState:
    return RowsState(
      jax.tree.map(jnp.zeros_like, phi), jnp.zeros(examples, jnp.int32), jnp.int32(0),
      scaled.init(phi),
    )  # fmt: skip

  def update(gradient: Phi, state: RowsState, index: Array) -> tuple[Phi, RowsState]:
    step = state.step + 1
    missed = jnp.zeros_like(index) if lazy else step - state.seen[index] - 1

    def square(table: bool, before: Array, g: Array) -> Array:
      if not table:
        return decay * before + (1 - decay) * g**2
      waited = jnp.asarray(decay, g.dtype) ** missed.astype(g.dtype)
      waited = waited.reshape(waited.shape + (1,) * (g.ndim - 1))
      return decay * (waited * before[index]) + (1 - decay) * g**2

    squares = _each(square, tables, state.square, gradient)
    directions = jax.tree.map(lambda g, v: g / (jnp.sqrt(v) + eps), gradient, squares)
    updates, rates = scaled.update(directions, state.rate)

    def kept(table: bool, before: Array, new: Array) -> Array:
      return before.at[index].set(new) if table else new

    moved = _each(kept, tables, state.square, squares)
    return updates, RowsState(moved, state.seen.at[index].set(step), step, rates)

  return RowsOptimizer(init, update, tables)


def rows_of(phi: Phi, index: Array, *, tables: Any) -> Phi:
  """phi with the rows `index` alone in its tables."""
  return _each(lambda table, leaf: leaf[index] if table else leaf, tables, phi)


def search_rows(
  problem: Problem,
  estimator: Hypergradient,
  optimizer: RowsOptimizer,
  *,
  axis_name: str | None = None,
) -> Move:
  """A move that steps phi in the rows of its training batch, whose indices must differ.

  Beyond phi and its optimizer's state, which are changed in place, nothing has N rows. On several
  devices every one holds all of phi, and gathers the rows of the whole batch.
  """

  def search(key: Key, state: SearchState, batch: Any, valid: Any) -> tuple[SearchState, Metrics]:
    for_inner, for_outer = jax.random.split(key)
    index, local = _places(batch, axis_name)
    rows = rows_of(state.phi, index, tables=optimizer.tables)
    # Among the gathered rows, the example's number is its place in the batch.
    inner = problem.inner(for_inner, state, batch._replace(index=local))
    outer = problem.outer(for_outer, state, valid)
    value, gradient = estimator(
      lambda *at: inner(*at)[0], outer, state.theta, rows, state.opt_state
    )
    updates, moved = optimizer.update(gradient, state.phi_opt_state, index)

    def stepped(table: bool, leaf: Array, change: Array) -> Array:
      return leaf.at[index].add(change) if table else leaf + change

    phi = _each(stepped, optimizer.tables, state.phi, updates)
    metrics = {"outer": value, "hypergradient": trees.norm(gradient)}
    return state.replace(phi=phi, phi_opt_state=moved), metrics

  return search


def _places(batch: Batch, axis_name: str | None) -> tuple[Array, Array]:
  """Indices of the global batch [B], and where in it this device's examples are."""
  count = len(batch.index)
  local = jnp.arange(count, dtype=jnp.int32) + first_place(count, axis_name)
  if axis_name is None:
    return batch.index, local
  return jax.lax.all_gather(batch.index, axis_name, tiled=True), local


def _each(f: Callable[..., Any], tables: Any, *trees: Any) -> Any:
  """f(table, *leaves) on every leaf; `tables` is a prefix of the trees."""
  return jax.tree.map(
    lambda table, *parts: jax.tree.map(lambda *leaves: f(table, *leaves), *parts), tables, *trees
  )
