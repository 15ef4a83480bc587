"""Moves as compiled programs: batches made, images augmented and the state updated in one."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax import devices
from autoaug_jax.train import dispatch
from autoaug_jax.train.learner import MOVES, READS, Learner, Metrics
from autoaug_jax.train.seeds import many_seeds
from autoaug_jax.train.state import SearchState
from autoaug_jax.types import Feed, Key


class Numbers(NamedTuple):
  """Which batch of either kind the next move reads."""

  train: int = 0
  valid: int = 0


class Program(NamedTuple):
  """A learner, compiled for its data, its seeds and its devices.

  Attributes:
    init: () -> the state at the start, on the devices.
    moves: by name, (state, numbers, count) -> (state, metrics) after `count` equal moves, on
      batches from `numbers` on. The state is given away. Metrics are [], or [count] in one
      dispatch of several, with a seed axis behind where there are many seeds.
    place: a state from elsewhere -> on the devices.
    steps_per_dispatch: the only count beside 1.
    in_flight: how many dispatches may be on their way.
    seeds: how many; 0 for one without a seed axis.
    images: how many a training move sees, of all seeds and not counting copies.
  """

  init: Callable[[], SearchState]
  moves: dict[str, Callable[[SearchState, Numbers, int], tuple[SearchState, Metrics]]]
  place: Callable[[SearchState], SearchState]
  steps_per_dispatch: int
  in_flight: int
  seeds: int
  images: int


def program(
  learner: Learner,
  train: Feed | Sequence[Feed],
  *,
  valid: Feed | Sequence[Feed] | None = None,
  seed: int | Sequence[int] = 0,
  device_count: int = 1,
  steps_per_dispatch: int | str = "auto",
  unroll_seeds: bool | None = None,
) -> Program:
  """Compiles the moves of `learner`, each at its first call and never again.

  Args:
    learner: with `axis_name=devices.AXIS` if there is more than one device, else without.
    train: training batches; where `seed` is a sequence one feed for each, all with the same `held`.
    valid: validation batches, likewise; None where no move reads them.
    seed: of initialisation and of augmentation. A sequence trains all of them at once.
    device_count: how many of this process's devices; 0 is all devices of all processes.
    steps_per_dispatch: see `dispatch.steps_per_dispatch`.
    unroll_seeds: see `dispatch.unrolls_seeds`.
  """
  many = not isinstance(seed, int)
  seeds: tuple[int, ...] = tuple(seed) if many else (seed,)  # type: ignore[arg-type, assignment]
  feeds = _per_seed("train", train, len(seeds))
  valids = None if valid is None else _per_seed("valid", valid, len(seeds))
  at_first = [feed.draw(0) for feed in feeds]
  spread = device_count != 1
  _check_axis(learner, spread)
  count = device_count or None
  starts, roots = zip(*(jax.random.split(jax.random.key(s)) for s in seeds), strict=True)

  def place(tree: Any) -> Any:
    return devices.replicate(tree, count=count) if spread else jax.device_put(tree)

  held = place((feeds[0].held, None if valids is None else valids[0].held))
  root = place(jnp.stack(roots) if many else roots[0])

  start = jax.jit(
    lambda key, held, drawn: learner.init(key, feeds[0].batch(held, drawn)),
    compiler_options=dispatch.quick_compilation(),
  )

  def init() -> SearchState:
    states = [start(k, f.held, d) for k, f, d in zip(starts, feeds, at_first, strict=True)]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *states) if many else states[0]
    # By way of the host, so that no two leaves share memory that a move gives away.
    return place(jax.tree.map(np.array, stacked))

  def move(name: str) -> Callable[..., Any]:
    step = _step(learner, name, feeds[0], valids[0] if valids else None)
    if many:
      unroll = dispatch.unrolls_seeds(unroll_seeds)
      step = many_seeds(step, len(seeds), shared=(2,), unroll=unroll)
    single, several = (_compiled(f, spread, count) for f in (step, _scanned(step)))

    def call(state: SearchState, numbers: Numbers, moves: int) -> tuple[SearchState, Metrics]:
      drawn = _drawn(name, (feeds, valids), numbers, moves, many)
      if spread:
        drawn = devices.shard(drawn, axis=int(moves > 1) + int(many), count=count)
      return (several if moves > 1 else single)(root, state, held, drawn)

    return call

  moves = {name: move(name) for name in MOVES if getattr(learner, name) is not None}
  at_once = dispatch.steps_per_dispatch(steps_per_dispatch)
  flight = dispatch.in_flight(device_count or jax.device_count())
  images = len(seeds) * jax.tree.leaves(at_first[0])[0].shape[0]
  return Program(init, moves, place, at_once, flight, len(seeds) if many else 0, images)


def _step(learner: Learner, name: str, train: Feed, valid: Feed | None) -> Callable[..., Any]:
  chosen = getattr(learner, name)

  def step(root: Key, state: SearchState, held: Any, drawn: Any) -> tuple[SearchState, Metrics]:
    batches = [
      None if part is None else feed.batch(own, part)  # type: ignore[union-attr]
      for feed, own, part in zip((train, valid), held, drawn, strict=True)
    ]
    state, metrics = chosen(jax.random.fold_in(root, state.step), state, *batches)
    return state.replace(step=state.step + 1), metrics

  return step


def _scanned(step: Callable[..., Any]) -> Callable[..., Any]:
  def several(root: Key, state: SearchState, held: Any, drawn: Any) -> tuple[SearchState, Metrics]:
    return jax.lax.scan(lambda state, part: step(root, state, held, part), state, drawn)

  return several


def _compiled(function: Callable[..., Any], spread: bool, count: int | None) -> Callable[..., Any]:
  if spread:
    return devices.pmapped(function, split=(3,), count=count, donate=(1,))
  return jax.jit(function, donate_argnums=1)


def _drawn(name: str, feeds: Any, numbers: Numbers, moves: int, many: bool) -> Any:
  """The host's part of the batches that moves read: leaves [B, ...], behind moves and seeds."""
  parts: list[Any] = []
  for reads, kind, number in zip(READS[name], feeds, numbers, strict=True):
    if not reads:
      parts.append(None)
      continue
    if kind is None:
      raise ValueError(f"the move {name!r} reads validation batches, and there is no such feed")
    rows = []
    for i in range(moves):
      each = [feed.draw(number + i) for feed in kind]
      rows.append(jax.tree.map(lambda *x: np.stack(x), *each) if many else each[0])
    parts.append(rows[0] if moves == 1 else jax.tree.map(lambda *x: np.stack(x), *rows))
  return tuple(parts)


def _per_seed(name: str, feed: Feed | Sequence[Feed], seeds: int) -> tuple[Feed, ...]:
  feeds = (feed,) if isinstance(feed, Feed) else tuple(feed)
  if len(feeds) != seeds:
    raise ValueError(f"{name} must have one feed for each of the {seeds} seeds, not {len(feeds)}")
  if any(f.held is not feeds[0].held for f in feeds):
    raise ValueError(f"the feeds of {name} must share what they hold")
  return tuple(feed._replace(draw=_remembering(feed.draw)) for feed in feeds)


def _remembering(draw: Callable[[int], Any]) -> Callable[[int], Any]:
  """A search reads what training reads next; a stream would have to start anew for that."""
  last: list[tuple[int, Any]] = []

  def remembered(number: int) -> Any:
    if not last or last[0][0] != number:
      last[:] = [(number, draw(number))]
    return last[0][1]

  return remembered


def _check_axis(learner: Learner, spread: bool) -> None:
  wanted = devices.AXIS if spread else None
  if learner.axis_name != wanted:
    where = "several devices" if spread else "one device"
    raise ValueError(f"on {where} axis_name must be {wanted!r}, not {learner.axis_name!r}")
