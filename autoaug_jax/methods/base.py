"""What a method is, once its numbers are chosen: moves, their order, and what its phi means."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from autoaug_jax.policies import Fixed, PerClass
from autoaug_jax.train import Learner, Schedule, SearchState
from autoaug_jax.types import Array, Phi

# (a phase's own fresh state, the end of the phase before) -> where the phase starts
Begin: TypeAlias = Callable[[SearchState, SearchState], SearchState]


class Phase(NamedTuple):
  """A stretch of a search with moves of its own; every phase has the same phi.

  `begin` says what it takes over from the phase before; None in the first phase. `settled` is asked
  at the end of each round whether it needs another, where a search may end early; None asks not.
  """

  name: str
  learner: Learner
  schedule: Schedule
  begin: Begin | None = None
  settled: Callable[[SearchState], bool] | None = None


class Method(NamedTuple):
  """A search on one problem, ready to be compiled for its data.

  Attributes:
    phases: one after the other; phi at the end of the last one is what was learned.
    watch: phi -> named arrays that are written down while it is learned.
    learned: phi, on the host -> the policy, with nothing left to learn; where classes have their
      own, their mean.
    joint: whether the network of the search is a result too (all but SLACK).
    by_class: phi, on the host -> the policies of classes, where each has its own.
  """

  phases: tuple[Phase, ...]
  watch: Callable[[Phi], dict[str, Array]]
  learned: Callable[[Phi], Fixed]
  joint: bool = True
  by_class: Callable[[Phi], PerClass] | None = None
