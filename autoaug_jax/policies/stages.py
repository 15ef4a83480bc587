"""A policy that does not learn, as data: stages over a table of ops.

Everything here is plain numbers and names, so that two equal policies compare equal, are compiled
once, and can be written to a file.
"""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import numpy as np

from autoaug_jax.ops import Space, find
from autoaug_jax.policies.sequence import table_of

Row: TypeAlias = tuple[float, ...]


class Step(NamedTuple):
  """One op with its probability, its magnitude uniform in low..high."""

  op: str
  probability: float = 1.0
  low: float = 1.0
  high: float = 1.0


class Steps(NamedTuple):
  """Step after step, or all of them in a random order."""

  steps: tuple[Step, ...]
  shuffled: bool = False


class SubPolicies(NamedTuple):
  """One of several sequences of steps."""

  branches: tuple[tuple[Step, ...], ...]
  probability: Row  # of each branch


class Slots(NamedTuple):
  """K slots [K, N]: in each one of `ops`, applied with the chance `keep`, else nothing.

  Its magnitude is uniform in low..high, on that range's `levels` equally spaced values (0: on all),
  with Gaussian noise of deviation `sigma`, clipped to [0, 1].
  """

  ops: tuple[str, ...]
  probability: tuple[Row, ...]
  keep: tuple[Row, ...]
  low: tuple[Row, ...]
  high: tuple[Row, ...]
  levels: int = 0
  sigma: float = 0.0


Stage: TypeAlias = Steps | SubPolicies | Slots


class Fixed(NamedTuple):
  """Stages, one after the other, over the ops of `space`; directions are drawn with equal chances.

  Ops named in `first` run before all else, the first of those drawn only; ops in `last` after all
  else, the last of those drawn only.
  """

  space: Space
  stages: tuple[Stage, ...]
  first: tuple[str, ...] = ()
  last: tuple[str, ...] = ()


def uniform_slots(
  ops: tuple[str, ...],
  k: int,
  *,
  low: float = 0.0,
  high: float = 1.0,
  keep: float = 1.0,
  levels: int = 0,
  sigma: float = 0.0,
) -> Slots:
  """k slots, all ops alike in each."""

  def rows(value: float) -> tuple[Row, ...]:
    return ((value,) * len(ops),) * k

  share = 1.0 / max(len(ops), 1)
  return Slots(ops, rows(share), rows(keep), rows(low), rows(high), levels, sigma)


def join(*parts: Fixed) -> Fixed:
  """One policy after the other, as one; an op that two of them name alike must be the same."""
  rows = [op for part in parts for op in part.space]
  return Fixed(
    table_of((), *rows) if rows else (),
    tuple(stage for part in parts for stage in part.stages),
    _union(part.first for part in parts),
    _union(part.last for part in parts),
  )


def check_fixed(fixed: Fixed) -> None:
  """Raises ValueError for unknown ops, and for numbers that are no probabilities or magnitudes."""
  for stage in fixed.stages:
    _check_stage(stage)
    for name in _names(stage):
      find(fixed.space, name)
  for name in fixed.first + fixed.last:
    find(fixed.space, name)


def _names(stage: Stage) -> tuple[str, ...]:
  if isinstance(stage, Slots):
    return stage.ops
  branches = stage.branches if isinstance(stage, SubPolicies) else (stage.steps,)
  return tuple(step.op for branch in branches for step in branch)


def _check_stage(stage: Stage) -> None:
  if isinstance(stage, Steps):
    _check_steps(stage.steps)
    return
  if isinstance(stage, SubPolicies):
    for branch in stage.branches:
      _check_steps(branch)
    _check_distribution("sub-policies", stage.probability, len(stage.branches))
    return
  shape = (len(stage.probability), len(stage.ops))
  for name in ("probability", "keep", "low", "high"):
    rows = getattr(stage, name)
    if len(rows) != shape[0] or any(len(row) != shape[1] for row in rows):
      raise ValueError(f"{name} takes {shape[0]} rows of {shape[1]} numbers, one for each op")
    for row in rows:
      _check_shares(name, row)
  for number, row in enumerate(stage.probability):
    _check_distribution(f"slot {number}", row, shape[1])
  if stage.levels < 0 or not 0 <= stage.sigma < np.inf:
    raise ValueError(f"levels and sigma are at least 0, got {stage.levels} and {stage.sigma}")


def _check_steps(steps: tuple[Step, ...]) -> None:
  if not steps:
    raise ValueError("a sequence takes at least one step, got none")
  for step in steps:
    _check_shares(f"a step of {step.op}", step[1:])


def _check_shares(what: str, values: Row) -> None:
  for value in values:
    if not 0 <= value <= 1:
      raise ValueError(f"{what} takes probabilities and magnitudes in [0, 1], got {value}")


def _check_distribution(what: str, row: Row, count: int) -> None:
  if len(row) != count or count == 0:
    raise ValueError(
      f"the probabilities of {what} must be {max(count, 1)} in number, got {len(row)}"
    )
  _check_shares(f"the distribution of {what}", row)
  if abs(sum(row) - 1) > 1e-3:
    raise ValueError(f"the probabilities of {what} must sum to 1, got {sum(row):.6g}")


def _union(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
  return tuple(dict.fromkeys(name for group in groups for name in group))
