"""What a run was asked to do, and when."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autoaug_jax.train.state import SearchState

ON_NAN = ("stop", "rewind")
REFRESH = "refresh"  # the move that begins a round


class Every(NamedTuple):
  """After how many moves a thing is done; 0 is at the end of the run only."""

  log: int = 50
  save: int = 1000
  evaluate: int = 0


class Rules(NamedTuple):
  """What `fit` was asked to do."""

  schedule: Sequence[str]
  every: Every
  evaluate: Callable[[SearchState], dict[str, Any]] | None
  best: str
  on_nan: str
  slower: float
  rewinds: int
  settled: Callable[[SearchState], bool] | None = None


def next_multiple(every: int, move: int, end: int) -> int:
  """The next multiple of `every` after `move`, or the end; 0 has no multiples."""
  return min(end, (move // every + 1) * every) if every else end


def due(every: int, move: int, schedule: Sequence[str]) -> bool:
  """At each multiple of `every`, and at the end."""
  return move == len(schedule) or bool(every and move % every == 0)


def round_end(rules: Rules, move: int) -> int:
  """The next move at which a round begins, where that is asked about; else the end."""
  end = len(rules.schedule)
  if rules.settled is None or REFRESH not in rules.schedule[move + 1 :]:
    return end
  return rules.schedule.index(REFRESH, move + 1)


def settled(rules: Rules, move: int, state: SearchState) -> bool:
  """Whether there is no need of the round that would begin now."""
  begins = 0 < move < len(rules.schedule) and rules.schedule[move] == REFRESH
  return begins and rules.settled is not None and rules.settled(state)


def check(rules: Rules, moves: Sequence[str]) -> None:
  """Raises a ValueError for what cannot be done with `moves`."""
  if rules.on_nan not in ON_NAN:
    accepted = ", ".join(map(repr, ON_NAN))
    raise ValueError(f"on_nan must be one of {accepted}, not {rules.on_nan!r}")
  if min(rules.every) < 0:
    raise ValueError(f"every must hold numbers of at least 0, not {rules.every}")
  if not 0 < rules.slower < 1:
    raise ValueError(f"slower must be between 0 and 1, not {rules.slower}")
  for name in dict.fromkeys(rules.schedule):
    if name not in moves:
      accepted = ", ".join(map(repr, moves))
      raise ValueError(f"the schedule has the move {name!r}, and this learner has {accepted}")
