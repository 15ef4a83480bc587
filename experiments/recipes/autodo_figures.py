"""AutoDO's Figures 5 and 7 from runs of `experiments.recipes.autodo`.

  for recipe in base aws-e4 aws aws-e60 aws-e76; do
    python -m experiments.recipes.autodo --recipe=digits-1-0.1-$recipe --workdir=runs/$recipe
  done
  python -m experiments.recipes.autodo_figures --workdir=runs/figures \\
      --runs=runs/base,runs/aws-e4,runs/aws,runs/aws-e60,runs/aws-e76

curves.png has test accuracy, test loss and training loss, epoch by epoch, a curve for each run,
with a dot where its searches begin. What a training loss is depends on the row: where labels are
learned it is taken against those. Figure 6, confusions and embeddings, lies in each run's own
directory.
"""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import flags

from autoaug_jax import report
from experiments import launch
from experiments.recipes.autodo_records import PARTS

NAMES = {"base": "baseline", "raa": "RandAugment", "sha": "A shared", "a": "A", "aw": "A, W"}
PANELS = {
  "test accuracy, %": ("evaluation/accuracy", 100.0),
  "test loss": ("evaluation/loss", 1.0),
  "training loss": ("loss", 1.0),
}


def curves(folder: str | pathlib.Path) -> dict[str, report.Curve]:
  """A finished run's curve for each panel."""
  path = pathlib.Path(folder) / "result.json"
  if not path.exists():
    raise ValueError(f"{folder} has no finished run of experiments.recipes.autodo")
  recipe = json.loads(path.read_text())["recipe"]
  rows = [json.loads(x) for x in (path.parent / "metrics.jsonl").read_text().splitlines()]
  learns = any(PARTS[recipe["row"]][:3])
  begin = float(recipe["begin"])
  name = NAMES.get(recipe["row"], "A, W, S") + (f", E = {begin:g}" if learns else "")
  searching = recipe["epochs"] - begin if learns else 0.0
  steps = rows[-1]["move"] / (recipe["epochs"] + searching)
  found = {}
  for panel, (metric, scale) in PANELS.items():
    there = [row for row in rows if metric in row]
    at = epochs_of([row["move"] for row in there], steps, begin if learns else None)
    values = scale * np.asarray([row[metric] for row in there])
    found[panel] = report.Curve(name, at, values, begin if learns else None)
  return found


def epochs_of(moves: Sequence[int], steps: float, begin: float | None) -> np.ndarray:
  """Passes over the training images after so many moves: from `begin` on each has two moves."""
  passed = np.asarray(moves, np.float64) / steps
  if begin is None:
    return passed
  return np.where(passed <= begin, passed, begin + (passed - begin) / 2)


def draw(folders: Sequence[str | pathlib.Path]) -> Any:
  """The figure."""
  each = [curves(folder) for folder in folders]
  names = [found["test loss"].name for found in each]
  again = next((name for name in names if names.count(name) > 1), None)
  if again is not None:
    raise ValueError(f"each run is a curve of its own, and two are {again!r}")
  return report.learning_curves({panel: [one[panel] for one in each] for panel in PANELS})


def main() -> None:
  given = flags.FLAGS
  folder = pathlib.Path(given.workdir)
  folder.mkdir(parents=True, exist_ok=True)
  report.save(draw(given.runs), folder / "curves.png")
  print(folder / "curves.png")


def define_flags() -> None:
  flags.DEFINE_list("runs", None, "Work directories of finished runs.", required=True)
  flags.DEFINE_string("workdir", None, "Where the picture goes.", required=True)


if __name__ == "__main__":
  define_flags()
  launch.run("autodo_figures", main)
