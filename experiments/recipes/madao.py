"""MADAO's tables and figures, each by one command.

  python -m experiments.recipes.madao --list
  python -m experiments.recipes.madao --recipe=smoke --workdir=runs/smoke          # minutes
  python -m experiments.recipes.madao --recipe=small-digits --workdir=runs/small-digits
  python -m experiments.recipes.madao --recipe=small --data=cifar10=cifar10.tar.xz \\
      --rows=madao,madao-retrained --workdir=runs/small
  python -m experiments.recipes.madao --recipe=table-2 --workdir=runs/table-2
  python -m experiments.recipes.madao --recipe=table-4 --data=flowers=/data/flowers,... \\
      --workdir=runs/table-4

A row is a network trained on all but the validation images, three times: by MADAO, by the policy
that MADAO starts from, by RandAugment whose one magnitude is the best of a few random ones by
validation accuracy, or by crop and flip alone. Where a policy is set beforehand, be it one that
another row has learned, all images are trained on, in as many steps. Printed are mean test errors
after the last step with 95% intervals, the cost, and the paper's own errors. What is in the work
directory already is not run again. Figures are drawn from each run's trajectory.npz, and, where
rows differ in one number, errors.png has errors and costs against it.
"""

import pathlib
import sys

import numpy as np
from absl import flags

from autoaug_jax import data, report, train
from autoaug_jax.app import (
  How,
  Interval,
  Searched,
  SearchSetting,
  interval,
  load_images,
  moments,
  network,
  percent,
  search,
)
from autoaug_jax.ops import spaces
from experiments import launch
from experiments.recipes.data_sets import DATA
from experiments.recipes.madao_figures import figure
from experiments.recipes.madao_records import RECIPES, Recipe, Row
from experiments.recipes.madao_steps import network_steps
from experiments.recipes.retraining import accuracy_under

BINS = 30  # of RandAugment's magnitude
# A policy that leaves images as they are; two ops, because pictures show the more and less likely.
NOTHING = (spaces.IDENTITY, spaces.IDENTITY._replace(name="Nothing"))


def setting_of(row: Row, source: str, seed: int, images: int = 0) -> SearchSetting:
  """The data and the network of a row."""
  known = DATA[row.data]
  return SearchSetting(
    data=source,
    model=row.model,
    flip=0.0 if row.plain and not row.options.padding else known.flip,
    seed=seed,
    batch=row.batch,
    size=known.size,
    crop=known.crop,
    train_images=images,
    test_images=images,
  )


def steps(row: Row, recipe: Recipe) -> float:
  """What a row costs, in training steps of its network."""
  images = recipe.images or DATA[row.data].images
  return recipe.runs * max(row.draws, 1) * network_steps(row.options, images, row.batch)


def levels(row: Row, seed: int) -> list[int]:
  """The magnitudes, in 30ths, that a random search tries; the last one is the strongest."""
  random = np.random.default_rng([seed, 30])
  return sorted(random.choice(np.arange(1, BINS), row.draws, replace=False).tolist())


def run(row: Row, recipe: Recipe, source: str, *, seed: int, how: How) -> float:
  """The test accuracy of one training, or of the random search's best one."""
  setting = setting_of(row, source, seed, recipe.images)
  if row.policy:
    return _under(row, setting, how=how)
  root = folder_of(row, how, seed)
  space = NOTHING if row.plain else None
  tried: list[tuple[float, float]] = []
  for level in levels(row, seed) if row.draws else [0]:
    options = row.options._replace(start=f"randaugment-{level}") if level else row.options
    folder = root / str(level) if level else root
    found = search(setting, options, how=how._replace(workdir=folder), space=space)
    if found is None or found.accuracy is None:
      raise SystemExit(0)  # asked to stop
    judged = validation_accuracy(found, how=how) if row.draws > 1 else 0.0
    tried.append((judged, found.accuracy))
  return max(tried)[1]


def folder_of(row: Row, how: How, seed: int) -> pathlib.Path:
  """Where a run is kept."""
  name = row.name.replace(" ", "-")
  return pathlib.Path(how.workdir or ".") / f"{row.data}-{row.model}-{name}-{seed}"


def _under(row: Row, setting: SearchSetting, *, how: How) -> float:
  """The test accuracy of a network trained under a policy that does not move."""
  options = row.options
  found = accuracy_under(
    row.policy,
    setting,
    learned=folder_of(row._replace(name=row.policy), how, setting.seed),
    epochs=options.epochs,
    val=options.val,
    how=how._replace(workdir=folder_of(row, how, setting.seed)),
    rate=options.rate,
    weight_decay=options.weight_decay,
  )
  if found is None:
    raise SystemExit(0)  # asked to stop
  return found


def validation_accuracy(found: Searched, *, how: How) -> float:
  """That of a finished run's network on the images that it was not trained on."""
  setting = found.setting
  source = load_images(setting, memory_budget=how.memory_budget, cache_dir=how.cache_dir)
  examples = source.parts["train"]
  subset = data.split(
    examples, val=0, seed=setting.split_seed, subset=setting.train_images or None
  ).train
  cut = data.split(
    examples, val=found.options.val, seed=setting.split_seed, fold=setting.fold, within=subset
  )
  judged, numbers = examples, cut.val
  if "val" in source.parts:
    judged = source.parts["val"]
    numbers = np.arange(len(judged.labels), dtype=np.int32)
  if len(numbers) != found.valid_images:
    raise ValueError(
      f"the validation images have changed: {len(numbers)}, not {found.valid_images}"
    )
  feed = data.evaluation_feed(
    judged, numbers, data.evaluation_batch(judged.shape), memory_budget=how.memory_budget
  )
  model = network(
    setting.model, classes=len(source.classes), image_size=setting.crop or min(examples.shape[:2])
  )
  normalise = moments(examples, cut.train)
  task = train.classification(model, normalise=normalise, crop=setting.crop)
  measured = train.evaluation(task, feed, classes=len(source.classes))(found.state)
  return float(measured["accuracy"])


def chosen(recipe: Recipe, names: list[str]) -> tuple[Row, ...]:
  """The rows of those names, or all; ValueError for names that no row has."""
  known = {row.name for row in recipe.rows}
  for name in names:
    if name not in known:
      raise ValueError(f"rows takes {', '.join(sorted(known))}, not {name!r}")
  return tuple(row for row in recipe.rows if not names or row.name in names)


def errors_of(row: Row, recipe: Recipe, source: str, *, how: How) -> Interval:
  """The mean test error over a row's runs."""
  return interval([1 - run(row, recipe, source, seed=s, how=how) for s in range(recipe.runs)])


def main() -> None:
  given = flags.FLAGS
  if given.list:
    for name, recipe in RECIPES.items():
      cost = sum(steps(row, recipe) for row in recipe.rows)
      print(f"{name:16} {recipe.title}: {len(recipe.rows)} rows, {cost:,.0f} network-steps")
    return
  if not given.workdir:
    raise ValueError("--workdir says where a recipe is kept")
  recipe = RECIPES[given.recipe]
  recipe = recipe._replace(runs=given.runs or recipe.runs, rows=chosen(recipe, given.rows))
  sources = dict(item.split("=", 1) for item in given.data)
  how = How(
    workdir=given.workdir,
    devices=given.devices,
    say=lambda line: print(line, file=sys.stderr),
  )
  print(f"# {recipe.title}\n\n| row | data | network | error, % | paper's | network-steps |")
  print("| --- | --- | --- | ---: | ---: | ---: |", flush=True)
  errors = []
  for row in recipe.rows:
    found = errors_of(row, recipe, sources.get(row.data, row.data), how=how)
    errors.append(found)
    spent = f"{steps(row, recipe):,.0f}"
    cells = [row.name, row.data, row.model, percent(found), row.error, spent]
    print(f"| {' | '.join(cells)} |", flush=True)
  if recipe.against and not all(row.plain for row in recipe.rows):
    costs = [steps(row, recipe) / recipe.runs for row in recipe.rows]
    report.save(figure(recipe, errors, costs), pathlib.Path(given.workdir) / "errors.png")


def define_flags() -> None:
  flags.DEFINE_enum("recipe", "smoke", sorted(RECIPES), "What is made.")
  flags.DEFINE_bool("list", False, "Prints what there is, and what it costs.")
  flags.DEFINE_string("workdir", "", "Where it is kept.")
  flags.DEFINE_list(
    "data", [], "Where data sets are, name=path,name=path; else their names are TFDS's."
  )
  flags.DEFINE_list("rows", [], "Which rows, by name; empty: all.")
  flags.DEFINE_integer("runs", 0, "Trainings of each row; 0 is the recipe's own.")
  flags.DEFINE_integer("devices", 1, "How many devices share a batch; 0 is all.")


if __name__ == "__main__":
  define_flags()
  launch.run("madao", main)
