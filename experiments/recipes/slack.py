"""SLACK's tables and figures, each by one command.

  python -m experiments.recipes.slack --list
  python -m experiments.recipes.slack --recipe=smoke --workdir=runs/smoke              # a minute
  python -m experiments.recipes.slack --recipe=table-1 --workdir=runs/table-1
  python -m experiments.recipes.slack --recipe=table-3 --data=painting=domainnet/painting,... \\
      --workdir=runs/table-3

A table's rows are searches on 4 splits, each followed by 4 retrainings from scratch, and policies
that do not learn, 8 times retrained; printed are means after the last epoch with 95% intervals,
and the paper's own. A figure's rows are searches alone. Either way policies.png and entropy.png
show the first search of each row, and each search has pictures of its own beside its policy. What
is in the work directory already is not run again. `--list` says what each costs, in steps of a
network on one batch.
"""

import pathlib
import sys

from absl import flags

from autoaug_jax.app import (
  How,
  Interval,
  SearchSetting,
  Setting,
  interval,
  percent,
  retrain,
  search,
)
from experiments import launch
from experiments.recipes.data_sets import DATA
from experiments.recipes.slack_figures import draw
from experiments.recipes.slack_quoted import QUOTED
from experiments.recipes.slack_records import RECIPES, Recipe, Row, decay_of


def search_setting(row: Row, source: str, fold: int = 0) -> SearchSetting:
  """The data and the network of a row's search."""
  data = DATA[row.data]
  return SearchSetting(
    data=source,
    model=row.searched_with or row.model,
    flip=data.flip,
    fold=fold,
    seed=fold,
    batch=row.batch,
    size=data.size,
    crop=data.crop,
    stretch=data.stretch,
  )


def retrain_setting(row: Row, source: str, policy: str, seeds: int) -> Setting:
  """Table 11, on all training images."""
  data = DATA[row.data]
  small = row.data == "digits"
  return Setting(
    data=source,
    model=row.model,
    policy=policy,
    flip=data.flip,
    epochs=10 if small else 270 if row.data == "imagenet100" else 200,
    seeds=seeds,
    batch=min(row.batch, 256),
    rate=0.1,
    weight_decay=decay_of(row.data, row.model),
    decay_norm=False,
    clip=5.0,
    size=data.size,
    crop=data.crop,
    stretch=data.stretch,
  )


def steps(row: Row, recipe: Recipe) -> int:
  """What a row costs, in steps of a network on one batch: training, or a validation gradient."""
  data = DATA[row.data]
  total = 0
  if row.options is not None:
    one, half = row.options, int(data.images * (1 - row.options.val)) // row.batch
    copies = one.composites if one.draws == "shared" else 1
    training = one.retrain_steps + one.search_steps - 1
    round_ = training * copies + one.search_steps
    total += recipe.searches * one.models * (one.pretrain_epochs * half + one.rounds * round_)
  if recipe.retrains:
    setting = retrain_setting(row, "", "", 1)
    runs = recipe.searches * recipe.runs if row.options is not None else 2 * recipe.runs
    total += runs * setting.epochs * (data.images // setting.batch)
  return total


def folder_of(row: Row, workdir: str | pathlib.Path) -> pathlib.Path:
  """Where a row is kept."""
  return pathlib.Path(workdir) / f"{row.data}-{row.model}-{row.name}".replace(" ", "-")


def run_row(row: Row, recipe: Recipe, source: str, *, how: How) -> Interval | None:
  """The searches of a row and the retrainings that follow; None where there are none."""
  root = folder_of(row, how.workdir or ".")
  policies = [row.policy]
  if row.options is not None:
    policies = []
    for fold in range(recipe.searches):
      folder = root / f"search-{fold}"
      found = search(
        search_setting(row, source, fold), row.options, how=how._replace(workdir=folder)
      )
      if found is None:
        raise SystemExit(0)  # asked to stop
      policies.append(str(folder / "policy.json"))
  if not recipe.retrains:
    return None
  runs = recipe.runs if row.options is not None else 2 * recipe.runs
  accuracies: list[float] = []
  for number, policy in enumerate(policies):
    folder = root / f"retrain-{number}"
    result = retrain(retrain_setting(row, source, policy, runs), how=how._replace(workdir=folder))
    if result is None:
      raise SystemExit(0)  # asked to stop
    accuracies += result.accuracy
  return interval(accuracies)


def main() -> None:
  given = flags.FLAGS
  if given.list:
    for name, recipe in RECIPES.items():
      cost = sum(steps(row, recipe) for row in recipe.rows)
      print(f"{name:10} {recipe.title}: {len(recipe.rows)} rows, {cost:,} steps")
    return
  if not given.workdir:
    raise ValueError("--workdir says where a recipe is kept")
  recipe = RECIPES[given.recipe]
  recipe = recipe._replace(
    searches=given.searches or recipe.searches, runs=given.runs or recipe.runs
  )
  sources = dict(item.split("=", 1) for item in given.data)
  how = How(
    workdir=given.workdir,
    devices=given.devices,
    say=lambda line: print(line, file=sys.stderr),
  )
  print(f"# {recipe.title}\n\n| row | data | network | accuracy, % |")
  print("| --- | --- | --- | ---: |", flush=True)
  for row in recipe.rows:
    found = run_row(row, recipe, sources.get(row.data, row.data), how=how)
    shown = "" if found is None else percent(found)
    print(f"| {row.name} | {row.data} | {row.model} | {shown} |", flush=True)
  searches = {
    f"{row.name}, {row.data}, {row.model}": folder_of(row, given.workdir) / "search-0"
    for row in recipe.rows
    if row.options is not None
  }
  draw(searches, given.workdir)
  for name, values in QUOTED.get(given.recipe, {}).items():
    print(f"| {name} | {' | '.join(values)} |")


def define_flags() -> None:
  flags.DEFINE_enum("recipe", "smoke", sorted(RECIPES), "What is made.")
  flags.DEFINE_bool("list", False, "Prints what there is, and what it costs.")
  flags.DEFINE_string("workdir", "", "Where it is kept.")
  flags.DEFINE_list(
    "data", [], "Where data sets are, name=path,name=path; else their names are TFDS's."
  )
  flags.DEFINE_integer("searches", 0, "Splits that are searched; 0 is the recipe's own.")
  flags.DEFINE_integer("runs", 0, "Retrainings of each policy; 0 is the recipe's own.")
  flags.DEFINE_integer("devices", 1, "How many devices share a batch; 0 is all.")


if __name__ == "__main__":
  define_flags()
  launch.run("slack", main)
