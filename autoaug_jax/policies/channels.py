"""Policies that do not learn on images of other than three channels."""

from typing import Any

from autoaug_jax.ops import fitting
from autoaug_jax.ops.spaces import IDENTITY
from autoaug_jax.policies.sequence import table_of
from autoaug_jax.policies.stages import (
  Fixed,
  Gaussian,
  Network,
  Row,
  Slots,
  Stage,
  Step,
  Steps,
  SubPolicies,
)


def in_channels(fixed: Fixed, channels: int) -> tuple[Fixed, tuple[str, ...]]:
  """The policy without the ops that images of so many channels lack, and their names.

  Images of one channel have all of them: what is about colours leaves grey as it is. A slot shares
  the chances of what it lacks among its other ops; a step is left out.
  """
  if channels in (1, 3) or not fixed.space:
    return fixed, ()
  space, left_out = fitting(fixed.space, channels)
  if not left_out:
    return fixed, ()
  lacking = set(left_out)
  stages = (_stage(stage, lacking) for stage in fixed.stages)
  first, last = (
    tuple(name for name in names if name not in lacking) for names in (fixed.first, fixed.last)
  )
  # Identity, for branches of which nothing is left.
  kept = tuple(stage for stage in stages if stage is not None)
  return Fixed(table_of(space, IDENTITY), kept, first, last), left_out


def _stage(stage: Stage, lacking: set[str]) -> Stage | None:
  if isinstance(stage, Steps):
    steps = tuple(step for step in stage.steps if step.op not in lacking)
    return stage._replace(steps=steps) if steps else None
  if isinstance(stage, SubPolicies):
    branches = tuple(_branch(branch, lacking) for branch in stage.branches)
    return stage._replace(branches=branches)
  kept = [i for i, name in enumerate(stage.ops) if name not in lacking]
  if not kept:
    return None
  ops = tuple(stage.ops[i] for i in kept)
  if isinstance(stage, Slots):
    rows: dict[str, Any] = {
      name: tuple(_some(row, kept) for row in getattr(stage, name))
      for name in ("probability", "keep", "low", "high")
    }
    rows["probability"] = tuple(_shared(row) for row in rows["probability"])
    return stage._replace(ops=ops, **rows)
  if isinstance(stage, Gaussian):
    rest: dict[str, Any] = {
      name: _some(getattr(stage, name), kept) for name in ("probability", "mean", "deviation")
    }
    return stage._replace(ops=ops, **rest)
  assert isinstance(stage, Network)
  *before, last = stage.weights
  weights = (*before, tuple(_some(row, kept) for row in last))
  return stage._replace(
    ops=ops, weights=weights, biases=(*stage.biases[:-1], _some(stage.biases[-1], kept))
  )


def _branch(branch: tuple[Step, ...], lacking: set[str]) -> tuple[Step, ...]:
  """A branch of which nothing is left does nothing."""
  kept = tuple(step for step in branch if step.op not in lacking)
  return kept or (Step(IDENTITY.name, 0.0),)


def _some(row: Row, kept: list[int]) -> Row:
  return tuple(row[i] for i in kept)


def _shared(row: Row) -> Row:
  """A distribution again; an even one where nothing of it is left."""
  total = sum(row)
  return tuple(share / total for share in row) if total > 0 else (1 / len(row),) * len(row)
