"""What a policy that does not learn must keep to."""

import numpy as np

from autoaug_jax.ops import Space, Warp, find
from autoaug_jax.policies.stages import (
  SQUASHES,
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


def check_fixed(fixed: Fixed) -> None:
  """Raises ValueError for unknown ops, and for numbers that are no probabilities or magnitudes."""
  for stage in fixed.stages:
    _check_stage(stage)
    for name in _names(stage):
      find(fixed.space, name)
    if isinstance(stage, Gaussian | Network):
      _check_directions(stage, fixed.space)
    if isinstance(stage, Network):
      _check_warps(stage, fixed)
  for name in fixed.first + fixed.last:
    find(fixed.space, name)


def _names(stage: Stage) -> tuple[str, ...]:
  if isinstance(stage, Slots | Gaussian | Network):
    return stage.ops
  branches = stage.branches if isinstance(stage, SubPolicies) else (stage.steps,)
  return tuple(step.op for branch in branches for step in branch)


def warps_of(stage: Network, space: Space) -> int:
  """How many of the ops are warps."""
  return sum(isinstance(space[find(space, name)].fn, Warp) for name in stage.ops)


def _check_stage(stage: Stage) -> None:
  if isinstance(stage, Steps):
    _check_steps(stage.steps)
  elif isinstance(stage, SubPolicies):
    for branch in stage.branches:
      _check_steps(branch)
    _check_distribution("sub-policies", stage.probability, len(stage.branches))
  elif isinstance(stage, Gaussian):
    _check_gaussian(stage)
  elif isinstance(stage, Network):
    _check_network(stage)
  else:
    _check_slots(stage)


def _check_slots(stage: Slots) -> None:
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


def _check_gaussian(stage: Gaussian) -> None:
  if not stage.ops:
    raise ValueError("a gaussian takes at least one op, got none")
  for name in ("probability", "mean", "deviation"):
    row = getattr(stage, name)
    if len(row) != len(stage.ops):
      raise ValueError(f"{name} of a gaussian takes {len(stage.ops)} numbers, got {len(row)}")
  _check_shares("probability of a gaussian", stage.probability)
  _check_finite("mean of a gaussian", stage.mean)
  for value in (*stage.deviation, stage.limit):
    if not 0 <= value < np.inf:
      raise ValueError(f"deviations and the limit of a gaussian are at least 0, got {value}")


def _check_network(stage: Network) -> None:
  if not stage.weights or len(stage.weights) != len(stage.biases):
    raise ValueError(
      "a network takes at least one layer, each of weights and biases, "
      f"got {len(stage.weights)} and {len(stage.biases)}"
    )
  inputs = len(stage.weights[0])
  for i, (matrix, bias) in enumerate(zip(stage.weights, stage.biases, strict=True)):
    if not matrix or len(matrix) != inputs or any(len(row) != len(bias) for row in matrix):
      raise ValueError(
        f"weights[{i}] of a network takes {max(inputs, 1)} rows of {len(bias)} numbers"
      )
    for row in (*matrix, bias):
      _check_finite(f"layer {i} of a network", row)
    inputs = len(bias)
  if inputs != len(stage.ops) or not stage.ops:
    raise ValueError(f"a network takes one op for each of its {inputs} outputs: {len(stage.ops)}")
  if stage.squash not in SQUASHES:
    raise ValueError(f"squash takes one of {', '.join(SQUASHES)}, got {stage.squash!r}")
  if not 0 <= stage.dropout < 1:
    raise ValueError(f"dropout is at least 0 and below 1, got {stage.dropout}")


def _check_directions(stage: Gaussian | Network, space: Space) -> None:
  for name in stage.ops:
    if not space[find(space, name)].signed:
      raise ValueError(f"magnitudes with a sign take ops with a direction, and {name} has none")


def _check_warps(stage: Network, fixed: Fixed) -> None:
  count = warps_of(stage, fixed.space)
  functions = [fixed.space[find(fixed.space, name)].fn for name in stage.ops]
  warps = [fn for fn in functions if isinstance(fn, Warp)]
  if any(isinstance(fn, Warp) for fn in functions[count:]):
    raise ValueError(f"the warps of a network come before its other ops, got {stage.ops}")
  if len({fn.fill for fn in warps}) > 1 or any(fn.interpolation != "bilinear" for fn in warps):
    raise ValueError("the warps of a network are one: bilinear all, and with one fill")
  if warps and fixed.first + fixed.last:
    raise ValueError(f"a network that warps takes no ops in {fixed.first + fixed.last} out of turn")


def _check_finite(what: str, values: Row) -> None:
  for value in values:
    if not np.isfinite(value):
      raise ValueError(f"{what} takes finite numbers, got {value}")


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
