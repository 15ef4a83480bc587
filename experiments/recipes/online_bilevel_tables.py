"""Online bilevel's Tables 1 and 4 at a size that a processor can do, each by one command.

  python -m experiments.recipes.online_bilevel_tables --table=1 --workdir=runs/table1
  python -m experiments.recipes.online_bilevel_tables --table=4 --workdir=runs/table4
  python -m experiments.recipes.online_bilevel_tables --table=1 --data=cifar10.tar.xz --size=0 \\
      --model=wrn-16-1 --flip=0.5 --epochs=31 --train_images=2000 --test_images=2000 --workdir=...

Built-in digits at 16 x 16 pixels, small-cnn, batch 64, 60 epochs; a fifth of the training images,
drawn anew each epoch, is what rows that learn validate on. Accuracies are those on the test images
after the last step, means over seeds with 95% intervals. Beside the paper's rows, "as published"
has its step ahead, whose length the augmentation may change; "retrained" is a network trained anew
under the policy that the row of that name ended with; and two policies that do not learn train as
many steps. Runs that are there already are not made again.
"""

import pathlib
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from absl import flags

from autoaug_jax.app import (
  How,
  OnlineBilevel,
  SearchSetting,
  interval,
  percent,
  search,
  train_invariant,
  validated_magnitude,
)
from experiments import launch
from experiments.recipes.retraining import accuracy_under


class Row(NamedTuple):
  """What is done: "search", "invariant" or "magnitude" with options, or "retrain" with a policy."""

  kind: str
  options: Mapping[str, Any] = {}
  policy: str = ""  # a name, or that of the row whose policy it is
  flip: bool = True


FULL = "affine + color"
TABLES: dict[str, dict[str, Row]] = {
  "1": {
    "baseline": Row("search", {"learned": "none"}, flip=False),
    "predefined translation": Row("search", {"learned": "none", "predefined": "crop"}),
    "predefined affine": Row("search", {"learned": "none", "predefined": "affine"}),
    "invariant translation": Row("invariant", {"learned": "translation"}),
    "invariant affine": Row("invariant", {"learned": "affine"}),
    "magnitude translation": Row("magnitude", {"learned": "translation"}),
    "magnitude affine": Row("magnitude", {"learned": "affine"}),
    "translation": Row("search", {"learned": "translation"}),
    "affine": Row("search", {"learned": "affine"}),
    "affine, as published": Row("search", {"learned": "affine", "same_length": False}),
    "affine, retrained": Row("retrain", policy="affine"),
    "TrivialAugment-Wide": Row("retrain", policy="trivial-augment-wide"),
    "uniform": Row("retrain", policy="slack-uniform"),
  },
  "4": {
    "baseline": Row("search", {"learned": "none"}, flip=False),
    "jitter": Row("search", {"learned": "none", "jitter": 0.4}, flip=False),
    "predefined affine": Row("search", {"learned": "none", "predefined": "affine"}),
    "predefined affine + jitter": Row(
      "search", {"learned": "none", "predefined": "affine", "jitter": 0.4}
    ),
    "color": Row("search", {"learned": "color"}, flip=False),
    "color + jitter": Row("search", {"learned": "color", "jitter": 0.4}, flip=False),
    FULL: Row("search", {"learned": "affine-color"}),
    f"{FULL} + jitter": Row("search", {"learned": "affine-color", "jitter": 0.4}),
  },
}


def accuracy(row: Row, setting: SearchSetting, epochs: int, folder: pathlib.Path) -> float | None:
  """On the test images; None where it was asked to stop. `folder` is the row's, seed by seed."""
  own = How(workdir=folder / str(setting.seed))
  setting = setting if row.flip else setting._replace(flip=0.0)
  options = OnlineBilevel(epochs=epochs)._replace(**row.options)
  if row.kind == "invariant":
    return train_invariant(setting, options, how=own)
  if row.kind == "magnitude":
    found = validated_magnitude(setting, options, how=own)
    return None if found is None else found.final.accuracy
  if row.kind == "retrain":
    learned = folder.parent / slug(row.policy) / str(setting.seed)
    return accuracy_under(
      row.policy, setting, learned=learned, epochs=epochs, val=options.val, how=own
    )
  searched = search(setting, options, how=own)
  return None if searched is None else searched.accuracy


def slug(name: str) -> str:
  """A row's name as that of a folder."""
  return name.replace(", ", "-").replace(" + ", "-").replace(" ", "-")


def main() -> None:
  given = flags.FLAGS
  setting = SearchSetting(**launch.values(SearchSetting, only=SETTING))
  print("| row | accuracy, % | s |\n| --- | ---: | ---: |", flush=True)
  for name, row in TABLES[given.table].items():
    began, found = time.monotonic(), []
    for seed in range(given.seeds):
      folder = pathlib.Path(given.workdir) / slug(name)
      one = accuracy(row, setting._replace(seed=seed), given.epochs, folder)
      if one is None:
        return  # asked to stop
      found.append(one)
    seconds = time.monotonic() - began
    print(f"| {name} | {percent(interval(found))} | {seconds:.0f} |", flush=True)


SETTING = ("data", "model", "size", "batch", "flip", "train_images", "test_images")


def define_flags() -> None:
  flags.DEFINE_enum("table", "1", list(TABLES), "Which.")
  flags.DEFINE_string("workdir", None, "Where the runs are kept.", required=True)
  flags.DEFINE_integer("epochs", 60, "Passes over the training side.", lower_bound=1)
  flags.DEFINE_integer("seeds", 5, "How many, from 0 on.", lower_bound=1)
  launch.define(
    SearchSetting,
    only=SETTING,
    defaults={"data": "digits", "model": "small-cnn", "size": 16, "batch": 64, "flip": 0.0},
  )


if __name__ == "__main__":
  define_flags()
  launch.run("online_bilevel_tables", main)
