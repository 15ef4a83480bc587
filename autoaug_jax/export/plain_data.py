"""A policy as the plain data that exported files hold."""

from typing import Any, NamedTuple

from autoaug_jax.export.rows import kind_of, row_to_json
from autoaug_jax.ops import Op, Space, Warp, find
from autoaug_jax.ops.spaces import IDENTITY
from autoaug_jax.policies import (
  Fixed,
  Gaussian,
  Network,
  Slots,
  Stage,
  Step,
  Steps,
  SubPolicies,
  check_fixed,
)

# How many numbers in [0, 1) an op needs beside its strength.
_PLACES = {
  "random_crop_by_share": 2,
  "cutout_clipped": 2,
  "cutout_shifted": 2,
  "cutout_inclusive": 2,
  "resized_crop_of_area": 22,
  "resized_crop_from_area_bicubic": 22,
  "resized_crop_from_area_bilinear": 22,
}


class PlainData(NamedTuple):
  """OPS, STAGES, FIRST and LAST of `runtimes.drawing`."""

  ops: dict[str, dict[str, Any]]
  stages: list[dict[str, Any]]
  first: tuple[str, ...]
  last: tuple[str, ...]


def plain_data(policy: Fixed) -> PlainData:
  """Of the ops only those that can be drawn; ValueError for functions of the user's own."""
  check_fixed(policy)
  stages = [_stage(stage, policy.space, i) for i, stage in enumerate(policy.stages)]
  names = dict.fromkeys(name for stage in policy.stages for name in drawable(stage))
  ops = {name: _op(policy.space[find(policy.space, name)]) for name in names}
  ops.setdefault(IDENTITY.name, _op(IDENTITY))
  if ops[IDENTITY.name]["op"] != "identity":
    raise ValueError(f"an exported policy calls nothing but the identity {IDENTITY.name!r}")
  for stage, data in zip(policy.stages, stages, strict=True):
    if data.get("one_warp"):
      warp = policy.space[find(policy.space, data["ops"][0])].fn
      assert isinstance(warp, Warp)
      assert isinstance(stage, Network)
      ops[data["one_warp"]] = {"kind": "one_warp", "summed": stage.summed, "fill": warp.fill}
  first, last = (
    tuple(name for name in group if name in names) for group in (policy.first, policy.last)
  )
  return PlainData(ops, stages, first, last)


def drawable(stage: Stage) -> tuple[str, ...]:
  """The ops of a stage with a chance over 0, each once."""
  if isinstance(stage, Slots):
    rows = zip(stage.probability, stage.keep, strict=True)
    chances = [[p * k for p, k in zip(*row, strict=True)] for row in rows]
    named = [name for row in chances for name, p in zip(stage.ops, row, strict=True) if p > 0]
    return tuple(name for name in stage.ops if name in named)
  if isinstance(stage, Gaussian):
    return tuple(n for n, p in zip(stage.ops, stage.probability, strict=True) if p > 0)
  if isinstance(stage, Network):
    return stage.ops
  branches = stage.branches if isinstance(stage, SubPolicies) else (stage.steps,)
  return tuple(dict.fromkeys(s.op for branch in branches for s in branch if s.probability > 0))


def _op(op: Op) -> dict[str, Any]:
  """What differs from the usual: no range, no sign, the strength as it is, the nearest pixel."""
  row = row_to_json(op)
  kind = kind_of(op)
  data = {"kind": kind, "op": row["op"]}
  if kind != "plain":
    data["range"] = (row["low"], row["high"])
  if row["signed"] and kind != "plain":
    data["signed"] = True
  if row.get("value", "strength") != "strength":
    data["value"] = row["value"]
  if row.get("interpolation", "nearest") != "nearest":
    data["interpolation"] = row["interpolation"]
  if "fill" in row:
    data["fill"] = row["fill"]
  if row["op"] in _PLACES:
    data["noise"] = _PLACES[row["op"]]
  return data


def _stage(stage: Stage, space: Space, number: int) -> dict[str, Any]:
  if isinstance(stage, Slots):
    return _slots(stage)
  if isinstance(stage, Steps):
    return {"kind": "steps", "shuffled": stage.shuffled, "steps": _steps(stage.steps)}
  if isinstance(stage, SubPolicies):
    pairs = zip(stage.probability, stage.branches, strict=True)
    return {"kind": "sub_policies", "branches": [(p, _steps(branch)) for p, branch in pairs if p]}
  if isinstance(stage, Gaussian):
    rows = zip(stage.ops, stage.probability, stage.mean, stage.deviation, strict=True)
    ops = [row for row in rows if row[1] > 0]
    return {"kind": "gaussian", "shuffled": stage.shuffled, "limit": stage.limit, "ops": ops}
  return _network(stage, space, number)


def _slots(stage: Slots) -> dict[str, Any]:
  """Slots that are alike follow one another as (how many, rows)."""
  slots: list[tuple[int, list[Any]]] = []
  for columns in zip(stage.probability, stage.keep, stage.low, stage.high, strict=True):
    rows = [row for row in zip(stage.ops, *columns, strict=True) if row[1] > 0]
    rows = [row if row[2] > 0 else (IDENTITY.name, row[1], 0.0, 0.0, 0.0) for row in rows]
    if slots and slots[-1][1] == rows:
      slots[-1] = (slots[-1][0] + 1, rows)
    else:
      slots.append((1, rows))
  return {"kind": "slots", "levels": stage.levels, "sigma": stage.sigma, "slots": slots}


def _network(stage: Network, space: Space, number: int) -> dict[str, Any]:
  kinds = [kind_of(space[find(space, name)]) for name in stage.ops]
  warps = kinds.count("warp")
  return {
    "kind": "network",
    "ops": list(stage.ops),
    "warps": warps,
    "one_warp": f"OneWarp{number + 1}" if warps else "",
    "squash": stage.squash,
    "dropout": stage.dropout,
    "shuffled": stage.shuffled,
    "weights": [[list(row) for row in matrix] for matrix in stage.weights],
    "biases": [list(bias) for bias in stage.biases],
  }


def _steps(steps: tuple[Step, ...]) -> list[tuple[Any, ...]]:
  return [tuple(step) if step.probability > 0 else (IDENTITY.name, 0.0, 0.0, 0.0) for step in steps]
