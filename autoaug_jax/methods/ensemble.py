"""Several networks that search one policy together: SLACK's ensemble (supplement C.4)."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from autoaug_jax.devices import mean_over
from autoaug_jax.train import Learner, Metrics, Move, SearchState
from autoaug_jax.types import Batch, Key

OWN = ("theta", "model_state", "opt_state")  # of each network; phi and the rest are common
MODELS = "models"  # the axis of networks on one device


def ensemble(
  learner: Learner,
  count: int,
  *,
  own_pinned: Any = False,
  axis_name: str | None = None,
) -> Learner:
  """The moves of `learner` for `count` networks at once, each on its own part of the batch.

  The networks' parts of the state get an axis [count] in front. `learner` is one network's; it
  averages the gradients of phi, and nothing else, over the axis of networks: built with
  `phi_axis_name=axis_name or MODELS`.

  Args:
    learner: one network's.
    count: how many networks.
    own_pinned: which parts of what is pinned are a network's own: True, False, or a pytree of such.
    axis_name: the axis of as many devices as there are networks, each of which has one; None maps
      them on one device.
  """
  if count < 2:
    raise ValueError(f"an ensemble has at least 2 networks, not {count}")

  def axes(state: SearchState) -> SearchState:
    """A state of 0 for what a network has of its own and None for what is common."""
    marks: Any = state.replace(
      **{name: name in OWN for name in state.__dataclass_fields__} | {"pinned": own_pinned}
    )
    return jax.tree.map(
      lambda mark, part: jax.tree.map(lambda _: 0 if mark else None, part), marks, state
    )

  def init(key: Key, batch: Batch) -> SearchState:
    each = [learner.init(jax.random.fold_in(key, i), batch) for i in range(count)]

    def joined(mark: int | None, *leaves: Any) -> Any:
      return leaves[0] if mark is None else jnp.stack(leaves)

    return jax.tree.map(joined, axes(each[0]), *each, is_leaf=lambda x: x is None)

  def lifted(move: Move | None) -> Move | None:
    if move is None:
      return None
    return _spread(move, axes, axis_name) if axis_name else _mapped(move, axes, count)

  return Learner(
    init,
    _needed(lifted(learner.train)),
    lifted(learner.search),
    lifted(learner.joint),
    lifted(learner.refresh),
    axis_name,
  )


def _mapped(move: Move, axes: Callable[[SearchState], Any], count: int) -> Move:
  """All networks on one device."""

  def moved(key: Key, state: SearchState, batch: Any, valid: Any) -> tuple[SearchState, Metrics]:
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, jnp.arange(count))
    batch, valid = (jax.tree.map(lambda x: _parts(x, count), b) for b in (batch, valid))

    def one(key: Key, state: SearchState, batch: Any, valid: Any) -> tuple[SearchState, Metrics]:
      state, metrics = move(key, state, batch, valid)
      return state, mean_over(MODELS)(metrics)

    own = axes(state)
    return jax.vmap(one, in_axes=(0, own, 0, 0), out_axes=(own, None), axis_name=MODELS)(
      keys, state, batch, valid
    )

  return moved


def _spread(move: Move, axes: Callable[[SearchState], Any], axis_name: str) -> Move:
  """One network on each device, where a batch is that device's part already."""

  def moved(key: Key, state: SearchState, batch: Any, valid: Any) -> tuple[SearchState, Metrics]:
    place = jax.lax.axis_index(axis_name)
    own = axes(state)

    def taken(mark: int | None, leaf: Any) -> Any:
      return leaf if mark is None else leaf[place]

    def gathered(mark: int | None, leaf: Any) -> Any:
      return leaf if mark is None else jax.lax.all_gather(leaf, axis_name)

    mine = jax.tree.map(taken, own, state, is_leaf=lambda x: x is None)
    mine, metrics = move(jax.random.fold_in(key, place), mine, batch, valid)
    state = jax.tree.map(gathered, own, mine, is_leaf=lambda x: x is None)
    return state, mean_over(axis_name)(metrics)

  return moved


def _parts(leaf: Any, count: int) -> Any:
  if leaf.shape[0] % count:
    raise ValueError(f"a batch of {leaf.shape[0]} cannot be split over {count} networks")
  return leaf.reshape(count, leaf.shape[0] // count, *leaf.shape[1:])


def _needed(move: Move | None) -> Move:
  assert move is not None
  return move
