"""The policy file: a policy that does not learn, in JSON that other programs can read.

  {"format": "autoaug_jax policy", "version": 1, "kind": "stages", "image_size": [32, 32],
   "space": [{"name": "Rotate", "op": "rotate_about_middle", "value": "strength", "low": 0,
              "high": 90, "signed": true, "interpolation": "nearest", "fill": 0}, ...],
   "stages": [{"kind": "slots", "ops": ["Rotate", ...], "probability": [[...], ...], ...},
              {"kind": "steps", "steps": [{"op": "FlipX", "probability": 0.5, ...}], ...},
              {"kind": "gaussian", "ops": ["Rotate", ...], "mean": [0.1, ...], ...},
              {"kind": "network", "ops": ["AffineXX", ...], "weights": [[[...]]], ...}],
   "first": [], "last": ["Cutout"],
   "provenance": {"method": "slack", "data": "cifar10", "date": "...", "library": "0.1.0"}}

A magnitude m in [0, 1] is the strength low + m (high - low), with either sign where "signed"; the
op is given "value" of it. The op "own" is a function of the author's, which a reader must be given.
The kind "per_class" has, for "space" to "last", "classes": ["cat", ...] and "policies", an object
of those four for each class, to be chosen by an image's label.

What stages, "first" and "last" mean stands at `policies.Fixed`. A reader that does not know a kind
of stage must refuse the file; new kinds do not change the version.
"""

import datetime
import importlib.metadata
import json
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from autoaug_jax.export.fields import Fields, fields_once
from autoaug_jax.export.rows import row_from_json, row_to_json
from autoaug_jax.files import write_whole
from autoaug_jax.ops import Op, make_space
from autoaug_jax.policies import (
  Fixed,
  Gaussian,
  Network,
  PerClass,
  Slots,
  Stage,
  Step,
  Steps,
  SubPolicies,
  check_fixed,
  check_per_class,
)

Spec = TypeVar("Spec")
FORMAT, VERSION = "autoaug_jax policy", 1


class Provenance(NamedTuple):
  """Where a policy comes from; empty where nobody said."""

  method: str = ""
  data: str = ""
  date: str = ""  # YYYY-MM-DD
  library: str = ""  # the version that wrote the file


class PolicySpec(NamedTuple):
  """What a policy file says."""

  policy: Fixed
  image_size: tuple[int, int] | None = None  # height and width of the images it was made for
  provenance: Provenance = Provenance()


class ClassSpec(NamedTuple):
  """What a policy file says that has a policy for each class."""

  policy: PerClass
  image_size: tuple[int, int] | None = None
  provenance: Provenance = Provenance()


def described(
  policy: Fixed,
  *,
  image_size: tuple[int, int] | None = None,
  method: str = "",
  data: str = "",
) -> PolicySpec:
  """A spec dated today, of this version of the library."""
  today = datetime.date.today().isoformat()
  return PolicySpec(policy, image_size, Provenance(method, data, today, library_version()))


def to_json(spec: PolicySpec | ClassSpec) -> str:
  """The text of a policy file; ValueError for a policy that no file can hold."""
  policy = spec.policy
  kind = "per_class" if isinstance(policy, PerClass) else "stages"
  content = {
    "format": FORMAT,
    "version": VERSION,
    "kind": kind,
    "image_size": None if spec.image_size is None else list(spec.image_size),
    **(_classes_to_json(policy) if isinstance(policy, PerClass) else _policy_to_json(policy)),
    "provenance": spec.provenance._asdict(),
  }
  return json.dumps(content, indent=1, allow_nan=False) + "\n"


def from_json(text: str, *, own: Sequence[Op] = ()) -> PolicySpec:
  """The spec in the text of a policy file, equal to the one that was written.

  A file names the user's own ops and does not hold them: `own` are their rows.
  """
  return _for_all(_read(text, own))


def _for_all(spec: PolicySpec | ClassSpec) -> PolicySpec:
  if isinstance(spec, ClassSpec):
    raise ValueError(
      f"the policy file has a policy for each of {len(spec.policy.classes)} classes, and one for "
      "all images is needed"
    )
  return spec


def _read(text: str, own: Sequence[Op]) -> PolicySpec | ClassSpec:
  try:
    content = json.loads(text, object_pairs_hook=fields_once)
  except json.JSONDecodeError as error:
    raise ValueError(f"this is no JSON: line {error.lineno} has {error.msg!r}") from None
  except RecursionError:
    raise ValueError("the policy file is nested deeper than any policy") from None
  fields = Fields(content, "the policy file")
  fields.one_of("format", (FORMAT,))
  version = fields.whole("version")
  if version != VERSION:
    raise ValueError(f"the policy file has version {version}; this library reads version {VERSION}")
  kind = fields.one_of("kind", ("stages", "per_class"))
  size = _size(fields)
  policy = (_policy if kind == "stages" else _classes)(fields, own)
  provenance = _provenance(fields)
  fields.done()
  made = PolicySpec if isinstance(policy, Fixed) else ClassSpec
  return made(policy, size, provenance)  # type: ignore[arg-type]


def save(spec: PolicySpec | ClassSpec, path: str | os.PathLike[str]) -> None:
  """Writes a policy file; what was there before stays whole until the new one is."""
  write_whole(path, to_json(spec))


def load(path: str | os.PathLike[str], *, own: Sequence[Op] = ()) -> PolicySpec:
  """Reads a policy file; ValueError, in one sentence that names it, if there is anything wrong.

  `own` are the rows of the user's own ops in it.
  """
  return _loaded(path, lambda text: from_json(text, own=own))


def load_any(path: str | os.PathLike[str], *, own: Sequence[Op] = ()) -> PolicySpec | ClassSpec:
  """`load` for training, which knows the labels of images: each class may have its own policy."""
  return _loaded(path, lambda text: _read(text, own))


def _loaded(path: str | os.PathLike[str], read: Callable[[str], Spec]) -> Spec:
  try:
    return read(pathlib.Path(path).read_text(encoding="utf-8"))
  except FileNotFoundError:
    raise ValueError(f"there is no policy file {os.fspath(path)!r}") from None
  except (OSError, UnicodeDecodeError) as error:
    raise ValueError(f"the policy file {os.fspath(path)!r} cannot be read: {error}") from None
  except ValueError as error:
    raise ValueError(f"in {os.fspath(path)!r}: {error}") from None


def _policy_to_json(policy: Fixed) -> dict[str, Any]:
  check_fixed(policy)
  return {
    "space": [row_to_json(op) for op in policy.space],
    "stages": [_stage_to_json(stage) for stage in policy.stages],
    "first": list(policy.first),
    "last": list(policy.last),
  }


def _classes_to_json(each: PerClass) -> dict[str, Any]:
  check_per_class(each)
  policies = [_policy_to_json(policy) for policy in each.policies]
  return {"classes": list(each.classes), "policies": policies}


def _policy(fields: Fields, own: Sequence[Op], *, where: str = "") -> Fixed:
  """Those of a file's fields that are a policy; `where` stands before names in errors."""
  rows = enumerate(fields.items("space"))
  space = [row_from_json(row, f"{where}space[{i}]", own=own) for i, row in rows]
  stages = enumerate(fields.items("stages"))
  made = tuple(_stage_from_json(stage, f"{where}stages[{i}]") for i, stage in stages)
  first, last = fields.texts("first"), fields.texts("last")
  policy = Fixed(make_space(space) if space else (), made, first, last)
  check_fixed(policy)
  return policy


def _classes(fields: Fields, own: Sequence[Op]) -> PerClass:
  classes = fields.texts("classes")
  policies = []
  for i, value in enumerate(fields.items("policies")):
    one = Fields(value, f"policies[{i}]")
    policies.append(_policy(one, own, where=f"policies[{i}]."))
    one.done()
  each = PerClass(classes, tuple(policies))
  check_per_class(each)
  return each


def _stage_to_json(stage: Stage) -> dict[str, Any]:
  if isinstance(stage, Steps):
    steps = [step._asdict() for step in stage.steps]
    return {"kind": "steps", "shuffled": stage.shuffled, "steps": steps}
  if isinstance(stage, SubPolicies):
    branches = [[step._asdict() for step in branch] for branch in stage.branches]
    return {"kind": "sub_policies", "probability": stage.probability, "branches": branches}
  return {"kind": type(stage).__name__.lower(), **stage._asdict()}


def _stage_from_json(value: Any, where: str) -> Stage:
  fields = Fields(value, where)
  kind = fields.one_of("kind", tuple(_STAGES))
  stage = _STAGES[kind](fields, where)
  fields.done()
  return stage


def _slots(fields: Fields, where: str) -> Slots:
  return Slots(
    ops=fields.texts("ops"),
    probability=fields.rows("probability"),
    keep=fields.rows("keep"),
    low=fields.rows("low"),
    high=fields.rows("high"),
    levels=fields.whole("levels"),
    sigma=fields.number("sigma"),
  )


def _gaussian(fields: Fields, where: str) -> Gaussian:
  return Gaussian(
    ops=fields.texts("ops"),
    probability=fields.numbers("probability"),
    mean=fields.numbers("mean"),
    deviation=fields.numbers("deviation"),
    shuffled=fields.truth("shuffled"),
    limit=fields.number("limit"),
  )


def _network(fields: Fields, where: str) -> Network:
  return Network(
    ops=fields.texts("ops"),
    weights=fields.tables("weights"),
    biases=fields.rows("biases"),
    squash=fields.text("squash"),
    dropout=fields.number("dropout"),
    summed=fields.truth("summed"),
    shuffled=fields.truth("shuffled"),
  )


def _sub_policies(fields: Fields, where: str) -> SubPolicies:
  branches = enumerate(fields.items("branches"))
  each = tuple(_steps(branch, f"{where}.branches[{i}]") for i, branch in branches)
  return SubPolicies(each, fields.numbers("probability"))


def _in_order(fields: Fields, where: str) -> Steps:
  return Steps(_steps(fields.items("steps"), f"{where}.steps"), fields.truth("shuffled"))


def _steps(values: Any, where: str) -> tuple[Step, ...]:
  if not isinstance(values, list):
    raise ValueError(f"{where} takes a list of steps, got {values!r}")
  steps = []
  for i, value in enumerate(values):
    fields = Fields(value, f"{where}[{i}]")
    numbers = (fields.number(name) for name in ("probability", "low", "high"))
    steps.append(Step(fields.text("op"), *numbers))
    fields.done()
  return tuple(steps)


def _size(fields: Fields) -> tuple[int, int] | None:
  if fields.any("image_size") is None:
    fields.left.pop("image_size")
    return None
  size = fields.numbers("image_size")
  if len(size) != 2 or any(side < 1 or side % 1 for side in size):
    raise ValueError(f"image_size takes null or [height, width], got {list(size)}")
  return int(size[0]), int(size[1])


def _provenance(fields: Fields) -> Provenance:
  provenance = Fields(fields.any("provenance"), "provenance")
  fields.left.pop("provenance")
  found = Provenance(*(provenance.text(name) for name in Provenance._fields))
  provenance.done()
  return found


def library_version() -> str:
  """Of autoaug_jax, "unknown" where it is not installed."""
  try:
    return importlib.metadata.version("autoaug_jax")
  except importlib.metadata.PackageNotFoundError:  # run from a source tree
    return "unknown"


_STAGES: dict[str, Callable[[Fields, str], Stage]] = {
  "steps": _in_order,
  "sub_policies": _sub_policies,
  "slots": _slots,
  "gaussian": _gaussian,
  "network": _network,
}
