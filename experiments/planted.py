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
from typing import Any

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

NO_CHANGE: Mapping[str, str] = {}


def run(
  method: str,
  name: str,
  *,
  ops: int,
  seed: int,
  workdir: pathlib.Path,
  change: Mapping[str, str] = NO_CHANGE,
) -> dict[str, Any]:
  """One search with some options changed, or what is written of it."""
  planted, case = METHODS[method], CASES[name]
  folder = _folder(workdir, method, name, ops, seed, change)
  record = folder / "planted.json"
  if record.exists():
    return _judged(planted, case, **json.loads(record.read_text()))
  images = workdir / f"{name}.npz"
  if not images.exists():
    write(case, images)
  setting = SearchSetting(data=str(images), flip=0.0, seed=seed)
  result = search(
    setting,
    changed(planted.options(ops, case), change),
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


def compare(
  method: str,
  name: str,
  *,
  ops: int,
  workdir: pathlib.Path,
  change: Mapping[str, str] = NO_CHANGE,
) -> dict[str, Interval]:
  """Test accuracy over 5 retrainings, without augmentation, under all ops alike, and as learned."""
  folder = _folder(workdir, method, name, ops, 0, change)
  uniform = folder / "uniform.json"
  export.save(
    export.described(fixed.slack_uniform(METHODS[method].space(CASES[name]), k=ops, flip=0.0)),
    uniform,
  )
  found = {}
  for label, policy in (
    ("none", "none"),
    ("uniform", str(uniform)),
    ("learned", str(folder / "policy.json")),
  ):
    setting = Setting(
      data=str(workdir / f"{name}.npz"), policy=policy, flip=0.0, epochs=60, seeds=5
    )
    result = retrain(setting, how=How(workdir=folder / f"retrain-{label}"))
    if result is None:
      raise SystemExit(0)  # asked to stop
    found[label] = result.interval
  return found


def _folder(
  workdir: pathlib.Path, method: str, name: str, ops: int, seed: int, change: Mapping[str, str]
) -> pathlib.Path:
  changes = [f"{option}={value}" for option, value in change.items()]
  return workdir / "-".join([method, *changes, name, str(ops), str(seed)])


def sweep(changes: Sequence[str]) -> list[dict[str, str]]:
  """All combinations: ["alpha=0.1/0.2", "terms=5"] are two."""
  values = {}
  for change in changes:
    option, equals, given = change.partition("=")
    if not equals or not all(given.split("/")):
      raise ValueError(f"change takes option=value or option=value/value, not {change!r}")
    values[option] = given.split("/")
  return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]


def main() -> None:
  given = flags.FLAGS
  method, workdir = given.method, pathlib.Path(given.workdir)
  planted = METHODS[method]
  shown = planted.shown_as
  columns = ["case", "ops", "solved", f"{shown}, median (least-most)", "s"]
  columns += ["none", "uniform", "learned"] if given.compare else []
  print(f"| {' | '.join(columns)} |")
  print(f"| --- |{' ---: |' * (len(columns) - 1)}", flush=True)
  names = given.cases or planted.cases
  if not {*names} <= {*planted.cases}:
    known = ", ".join(planted.cases)
    raise ValueError(f"cases of {method} are {known}, not {', '.join(names)}")
  for change in sweep(given.change):
    for ops, name in itertools.product(map(int, given.ops or planted.ops), names):
      rows = [
        run(method, name, ops=ops, seed=seed, workdir=workdir, change=change)
        for seed in range(given.seeds)
      ]
      values = sorted(row["shown"] for row in rows)
      cells = [
        ", ".join([name, *map("=".join, change.items())]),
        str(ops),
        f"{sum(row['solved'] for row in rows)} of {len(rows)}",
        f"{np.median(values):.3f} ({values[0]:.3f}-{values[-1]:.3f})",
        f"{np.median([row['seconds'] for row in rows]):.0f}",
      ]
      if given.compare:
        found = compare(method, name, ops=ops, workdir=workdir, change=change)
        cells += map(percent, found.values())
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
