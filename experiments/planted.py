"""Planted cases: small searches whose right answer is known.

  python -m experiments.planted --method=slack --workdir=runs/planted
  python -m experiments.planted --method=slack --cases=rotated --seeds=2 --ops=1 --workdir=...
  python -m experiments.planted --method=madao-by-scores --change=alpha=0.001/0.1 --workdir=...

The images are the built-in digits at 16 x 16 pixels: 600 to train on as they are, the other 697
to validate on and 500 to test on, shifted:

  rotated      by up to 40 degrees either way: Rotate is right
  translated   along x by up to 5 pixels either way: TranslateX is right
  brightness   darkened to between 0.1 and 0.4 of what they are: Brightness is right
  harmful      as they are; the op Wipe, which leaves nothing of an image, is wrong
  nothing      as they are, and nothing is wrong: only for Online bilevel

Each search chooses among ten ops, but for Online bilevel, which learns how far three warps spread,
and Brightness where that is planted. What is in the work directory already is not run again.
`--change` replaces options that `planted_methods` gives, and sweeps those with several values.
"""

import itertools
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from absl import flags

from autoaug_jax import export
from autoaug_jax.app import (
  How,
  Interval,
  SearchSetting,
  Setting,
  percent,
  retrain,
  search,
  write_json,
)
from autoaug_jax.policies import fixed
from experiments import launch
from experiments.planted_cases import CASES, Case, write
from experiments.planted_methods import METHODS, Planted, changed


class Trial(NamedTuple):
  """A row of the table: searches that differ by their seed alone.

  Attributes:
    method: one of METHODS.
    case: one of CASES.
    ops: how many ops an image gets.
    workdir: where all trials are kept.
    change: option -> the value that replaces its own.
  """

  method: str
  case: str
  ops: int
  workdir: pathlib.Path
  change: Mapping[str, str] = {}

  @property
  def images(self) -> pathlib.Path:
    return self.workdir / f"{self.case}.npz"

  @property
  def name(self) -> str:
    return ", ".join([self.case, *map("=".join, self.change.items())])

  def folder(self, seed: int) -> pathlib.Path:
    changes = map("=".join, self.change.items())
    return self.workdir / "-".join([self.method, *changes, self.case, str(self.ops), str(seed)])


def run(trial: Trial, seed: int) -> dict[str, Any]:
  """One search, or what is written of it."""
  planted, case, folder = METHODS[trial.method], CASES[trial.case], trial.folder(seed)
  record = folder / "planted.json"
  if record.exists():
    return _judged(planted, case, **json.loads(record.read_text()))
  if not trial.images.exists():
    write(case, trial.images)
  result = search(
    SearchSetting(data=str(trial.images), flip=0.0, seed=seed),
    changed(planted.options(trial.ops, case), trial.change),
    how=How(workdir=folder, log_every=100),
    space=planted.space(case),
  )
  if result is None:
    raise SystemExit(0)  # asked to stop
  found: dict[str, Any] = {"numbers": planted.measure(result), "seconds": result.seconds}
  write_json(record, found)
  return _judged(planted, case, **found)


def _judged(
  planted: Planted, case: Case, *, numbers: dict[str, float], seconds: float, **_: Any
) -> dict[str, Any]:
  solved, shown = planted.solved(case, numbers), planted.shown(case, numbers)
  return {"numbers": numbers, "solved": solved, "shown": shown, "seconds": seconds}


def compare(trial: Trial) -> dict[str, Interval]:
  """Test accuracy over 5 retrainings: without augmentation, under all ops alike, and as seed 0

  learned.
  """
  folder, space = trial.folder(0), METHODS[trial.method].space(CASES[trial.case])
  uniform = folder / "uniform.json"
  export.save(export.described(fixed.slack_uniform(space, k=trial.ops, flip=0.0)), uniform)
  policies = {"none": "none", "uniform": str(uniform), "learned": str(folder / "policy.json")}
  found = {}
  for label, policy in policies.items():
    setting = Setting(data=str(trial.images), policy=policy, flip=0.0, epochs=60, seeds=5)
    result = retrain(setting, how=How(workdir=folder / f"retrain-{label}"))
    if result is None:
      raise SystemExit(0)  # asked to stop
    found[label] = result.interval
  return found


def sweep(changes: Sequence[str]) -> list[dict[str, str]]:
  """All combinations: ["alpha=0.1/0.2", "terms=5"] are two."""
  values = {}
  for change in changes:
    option, equals, given = change.partition("=")
    if not equals or not all(given.split("/")):
      raise ValueError(f"change takes option=value or option=value/value, not {change!r}")
    values[option] = given.split("/")
  return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]


def trials() -> list[Trial]:
  """Those that flags ask for."""
  given = flags.FLAGS
  planted = METHODS[given.method]
  if not {*given.cases} <= {*planted.cases}:
    known, wrong = ", ".join(planted.cases), ", ".join(given.cases)
    raise ValueError(f"cases of {given.method} are {known}, not {wrong}")
  return [
    Trial(given.method, case, int(ops), pathlib.Path(given.workdir), change)
    for change in sweep(given.change)
    for ops in given.ops or planted.ops
    for case in given.cases or planted.cases
  ]


def main() -> None:
  given = flags.FLAGS
  rows = trials()
  shown = METHODS[given.method].shown_as
  columns = ["case", "ops", "solved", f"{shown}, median (least-most)", "s"]
  columns += ["none", "uniform", "learned"] if given.compare else []
  print(f"| {' | '.join(columns)} |")
  print(f"| --- |{' ---: |' * (len(columns) - 1)}", flush=True)
  for trial in rows:
    runs = [run(trial, seed) for seed in range(given.seeds)]
    values = sorted(one["shown"] for one in runs)
    cells = [
      trial.name,
      str(trial.ops),
      f"{sum(one['solved'] for one in runs)} of {len(runs)}",
      f"{np.median(values):.3f} ({values[0]:.3f}-{values[-1]:.3f})",
      f"{np.median([one['seconds'] for one in runs]):.0f}",
    ]
    if given.compare:
      cells += map(percent, compare(trial).values())
    print(f"| {' | '.join(cells)} |", flush=True)


def define_flags() -> None:
  flags.DEFINE_enum("method", "slack", list(METHODS), "Which searches are tried.")
  flags.DEFINE_string("workdir", None, "Where they are kept.", required=True)
  flags.DEFINE_list("cases", [], "What is planted; empty: all that the method is for.")
  flags.DEFINE_list("ops", [], "How many ops an image gets, a row for each; empty: 1 and its own.")
  flags.DEFINE_list("change", [], "Options changed: alpha=0.1; or swept: alpha=0.1/0.2.")
  flags.DEFINE_integer("seeds", 10, "Seeds from 0 on.", lower_bound=1)
  flags.DEFINE_bool("compare", True, "Whether to retrain 5 times with what seed 0 learned.")


if __name__ == "__main__":
  define_flags()
  launch.run("planted", main)
