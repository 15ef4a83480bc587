"""MADAO's tables and figures, each by one command.

  python -m experiments.recipes.madao --list
  python -m experiments.recipes.madao --recipe=smoke --workdir=runs/smoke          # minutes
  python -m experiments.recipes.madao --recipe=table-2 --workdir=runs/table-2
  python -m experiments.recipes.madao --recipe=table-4 --data=flowers=/data/flowers,... \\
      --workdir=runs/table-4

A row is a network trained on all but the validation images, three times: by MADAO, by the policy
that MADAO starts from, by RandAugment whose one magnitude is the best of a few random ones by
validation accuracy, or by crop and flip alone. Printed are mean test errors after the last step
with 95% intervals, the cost, and the paper's own errors. What is in the work directory already is
not run again; figures are drawn from each run's trajectory.npz.
"""

import pathlib
import sys
from typing import Any, NamedTuple

import numpy as np
from absl import flags

from autoaug_jax import data, train
from autoaug_jax.app import (
  How,
  Interval,
  Madao,
  Searched,
  SearchSetting,
  interval,
  load_images,
  moments,
  network,
  search,
)
from autoaug_jax.ops import spaces
from experiments import launch

BINS = 30  # of RandAugment's magnitude
# Network-steps that a search costs, by XLA's count of flops: 39 forward passes of 3 a step with
# Neumann or conjugate gradients and 5 products, 49 where each computes its own; 9 without products.
PASSES = {True: 49 / 3, False: 39 / 3}
PRODUCT = {True: 8 / 3, False: 6 / 3}
NO_PRODUCTS = 9 / 3
# A policy that leaves images as they are; two ops, because pictures show the more and less likely.
NOTHING = (spaces.IDENTITY, spaces.IDENTITY._replace(name="Nothing"))


class DataSet(NamedTuple):
  """What is known of a data set before it is there."""

  images: int  # to train on, the validation images included
  classes: int
  size: int  # images are read at
  crop: int = 0  # and cut to
  flip: float = 0.5


class Row(NamedTuple):
  """One line of a table. The error is the paper's, in percent, where it has one."""

  name: str
  data: str
  model: str
  options: Madao
  batch: int = 128
  draws: int = 0  # of RandAugment's magnitude, the best by validation accuracy; 0 is none
  plain: bool = False  # crop and flip alone
  error: str = ""


class Recipe(NamedTuple):
  """A table or a figure, and where its numbers are in which paper."""

  title: str
  rows: tuple[Row, ...]
  runs: int = 3
  images: int = 0  # of how many training images a subset is used; 0 is all


DATA = {
  "digits": DataSet(1297, 10, 16, flip=0.0),
  "cifar10": DataSet(50_000, 10, 32),
  "cifar100": DataSet(50_000, 100, 32),
  "svhn_cropped": DataSet(73_257, 10, 32, flip=0.0),
  "imagenet": DataSet(1_281_167, 1000, 256, crop=224),
  "flowers": DataSet(2040, 102, 256, crop=224),
  "pets": DataSet(3680, 37, 256, crop=224),
  "aircraft": DataSet(6667, 70, 256, crop=224),  # 70 families
  "cars": DataSet(8144, 196, 256, crop=224),
}
CIFAR = Madao(epochs=300, warmup=30, every=60, policy_rate=0.01)  # Section 4, decay of Appendix B
SVHN = CIFAR._replace(epochs=160, rate=5e-3, weight_decay=1e-4, drops="80,120")
FINE = CIFAR._replace(epochs=200)
IMAGENET = CIFAR._replace(val=0.01, epochs=180, rate=0.4, weight_decay=1e-4, drops="60,120,160")
FIRST: dict[str, Any] = {
  "start": "arxiv",
  "every": 30,
  "warmup": 20,
  "warmup_ops": "none",
}  # the 2020 version
CIFAR_2020 = CIFAR._replace(epochs=200, **FIRST)


def paper(name: str) -> Madao:
  """How the WACV version trains on a data set, the optimizer's numbers from the arXiv version."""
  if name.startswith("cifar"):
    return CIFAR
  return {"svhn_cropped": SVHN, "imagenet": IMAGENET}.get(name, FINE)


def cell(name: str, model: str, errors: str) -> tuple[Row, ...]:
  """A line of Tables 2 to 4: crop and flip, RandAugment, and MADAO."""
  options, batch = paper(name), 1024 if name == "imagenet" else 128 if DATA[name].size == 32 else 64
  still = options._replace(every=0)
  standard, randaugment, ours = errors.split()
  return (
    Row("standard", name, model, still, batch, plain=True, error=standard),
    Row("randaugment", name, model, still, batch, draws=2, error=randaugment),
    Row("madao", name, model, options, batch, error=ours),
  )


def _wrn(name: str, options: Madao, error: str = "") -> Row:
  return Row(name, "cifar10", "wrn-28-2", options, error=error)


_SMOKE = Madao(epochs=4, warmup=1, every=5, val=0.3)
_SMALL = Madao(epochs=40, warmup=8, every=5, val=0.2)
_STILL, _STILL_2020 = CIFAR._replace(every=0), CIFAR_2020._replace(every=0)
_SOLVES = (("neumann", "4.0"), ("conjugate_gradient", "4.4"), ("first_order", "4.4"))
_FINE = (
  *cell("flowers", "resnet-18", "11.1 8.8 8.1"),
  *cell("pets", "resnet-18", "15.3 13.7 11.9"),
  *cell("aircraft", "resnet-18", "11.1 10.0 9.8"),
  *cell("cars", "resnet-18", "14.7 11.6 11.4"),
)
_TABLE_2 = (
  *cell("cifar10", "wrn-28-2", "4.9 4.4 4.0"),
  *cell("cifar10", "wrn-40-2", "4.8 4.1 3.7"),
  *cell("cifar10", "wrn-28-10", "3.8 3.1 2.7"),
  *cell("cifar10", "densenet-bc-40-12", "5.6 4.8 4.5"),
  *cell("cifar100", "wrn-28-2", "25.4 24.0 22.9"),
  *cell("cifar100", "wrn-40-2", "24.1 23.0 22.4"),
  *cell("svhn_cropped", "wrn-28-2", "3.4 3.0 2.6"),
  *cell("svhn_cropped", "wrn-40-2", "3.2 2.8 2.4"),
)


def _first_version() -> tuple[Row, ...]:
  """Table 2 of the arXiv version: MADAO's errors, and RandAugment's by 3 draws."""
  cells = (
    ("cifar10", "wrn-28-2", "4.7 4.6"),
    ("cifar10", "wrn-40-2", "4.3 4.2"),
    ("cifar10", "wrn-28-10", "3.1 3.1"),
    ("cifar10", "resnet-18", "4.5 4.4"),
    ("cifar100", "wrn-28-2", "24.0 23.9"),
    ("svhn_cropped", "wrn-28-2", "2.6 2.5"),
  )
  rows: list[Row] = []
  for name, model, errors in cells:
    options = CIFAR_2020 if name != "svhn_cropped" else SVHN._replace(**FIRST)
    still = options._replace(every=0, warmup_ops="policy")
    randaugment, ours = errors.split()
    rows.append(Row("randaugment", name, model, still, draws=3, error=randaugment))
    rows.append(Row("madao", name, model, options, error=ours))
  return tuple(rows)


def _small(name: str, batch: int, model: str) -> tuple[Row, ...]:
  still = _SMALL._replace(every=0)
  return (
    Row("none", name, model, still._replace(padding=0.0), batch, plain=True),
    Row("standard", name, model, still, batch, plain=True),
    Row("frozen policy", name, model, still, batch),
    Row("randaugment", name, model, still, batch, draws=2),
    Row("madao", name, model, _SMALL, batch),
  )


RECIPES = {
  "smoke": Recipe(
    "Digits: that all of it runs",
    tuple(
      row._replace(options=_SMOKE._replace(every=row.options.every))
      for row in _small("digits", 64, "small-cnn")[1:]
    ),
    runs=1,
  ),
  "small": Recipe("CIFAR-10 in small", _small("cifar10", 64, "wrn-16-1"), runs=5, images=2000),
  "table-2": Recipe("CIFAR-10, CIFAR-100, SVHN (WACV, Table 2)", _TABLE_2),
  "table-3": Recipe("ImageNet (WACV, Table 3)", cell("imagenet", "resnet-50", "23.8 22.9 22.5"), 1),
  "table-4": Recipe("Fine-grained sets (WACV, Table 4)", _FINE),
  "table-5": Recipe(
    "Solves (WACV, Table 5)",
    tuple(_wrn(solve, CIFAR._replace(solve=solve), error) for solve, error in _SOLVES),
  ),
  "figure-2": Recipe(
    "Steps between moves of the policy (WACV, Figure 2)",
    (
      *(_wrn(f"s = {s}", CIFAR._replace(every=s)) for s in (5, 10, 30, 60, 100)),
      _wrn("s = infinity", _STILL),
      _wrn("no augmentation", _STILL)._replace(plain=True, options=_STILL._replace(padding=0.0)),
    ),
  ),
  "figure-3": Recipe(
    "Selection on fine-grained sets (WACV, Figure 3)",
    tuple(row for row in _FINE if row.name == "madao"),
    1,
  ),
  "figure-4": Recipe(
    "Selection on CIFAR-10 and SVHN (WACV, Figures 4 and 5)",
    tuple(row for row in _TABLE_2 if row.name == "madao" and row.model == "wrn-28-2"),
    1,
  ),
  "frozen": Recipe(
    "The initial policy (arXiv, C.3)",
    (_wrn("frozen", _STILL_2020._replace(warmup_ops="policy"), "4.7"),),
  ),
  "warmup": Recipe(
    "Epochs of warm-up (arXiv, Figure 6)",
    tuple(_wrn(f"w = {w}", CIFAR_2020._replace(warmup=w)) for w in (0, 10, 20, 30)),
  ),
  "first-version": Recipe("CIFAR-10, CIFAR-100, SVHN (arXiv, Table 2)", _first_version()),
}


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
  options = row.options
  epoch = int((recipe.images or DATA[row.data].images) * (1 - options.val)) // row.batch
  training = options.epochs * epoch
  searches = (training - options.warmup * epoch) // options.every if options.every else 0
  if options.solve == "first_order":
    one = NO_PRODUCTS
  else:
    one = PASSES[options.remat] + (options.terms - 5) * PRODUCT[options.remat]
  return recipe.runs * max(row.draws, 1) * (training + searches * one)


def levels(row: Row, seed: int) -> list[int]:
  """The magnitudes, in 30ths, that a random search tries; the last one is the strongest."""
  random = np.random.default_rng([seed, 30])
  return sorted(random.choice(np.arange(1, BINS), row.draws, replace=False).tolist())


def run(row: Row, recipe: Recipe, source: str, *, seed: int, how: How) -> float:
  """The test accuracy of one training, or of the random search's best one."""
  setting = setting_of(row, source, seed, recipe.images)
  root = pathlib.Path(how.workdir or ".") / "-".join((row.data, row.model, row.name, str(seed)))
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
  feed = data.evaluation_feed(judged, numbers, 256, memory_budget=how.memory_budget)
  model = network(
    setting.model, classes=len(source.classes), image_size=setting.crop or min(examples.shape[:2])
  )
  normalise = moments(examples, cut.train)
  task = train.classification(model, normalise=normalise, crop=setting.crop)
  measured = train.evaluation(task, feed, classes=len(source.classes))(found.state)
  return float(measured["accuracy"])


def errors_of(row: Row, recipe: Recipe, source: str, *, how: How) -> Interval:
  """The mean test error over a row's runs."""
  return interval([1 - run(row, recipe, source, seed=s, how=how) for s in range(recipe.runs)])


def main() -> None:
  given = flags.FLAGS
  if given.list:
    for name, recipe in RECIPES.items():
      cost = sum(steps(row, recipe) for row in recipe.rows)
      print(f"{name:14} {recipe.title}: {len(recipe.rows)} rows, {cost:,.0f} network-steps")
    return
  if not given.workdir:
    raise ValueError("--workdir says where a recipe is kept")
  recipe = RECIPES[given.recipe]
  recipe = recipe._replace(runs=given.runs or recipe.runs)
  sources = dict(item.split("=", 1) for item in given.data)
  how = How(
    workdir=given.workdir,
    devices=given.devices,
    say=lambda line: print(line, file=sys.stderr),
  )
  print(f"# {recipe.title}\n\n| row | data | network | error, % | paper's | network-steps |")
  print("| --- | --- | --- | ---: | ---: | ---: |", flush=True)
  for row in recipe.rows:
    found = errors_of(row, recipe, sources.get(row.data, row.data), how=how)
    shown = f"{100 * found.mean:.2f} ± {100 * found.half_width:.2f}"
    cells = [row.name, row.data, row.model, shown, row.error, f"{steps(row, recipe):,.0f}"]
    print(f"| {' | '.join(cells)} |", flush=True)


def define_flags() -> None:
  flags.DEFINE_enum("recipe", "smoke", sorted(RECIPES), "What is made.")
  flags.DEFINE_bool("list", False, "Prints what there is, and what it costs.")
  flags.DEFINE_string("workdir", "", "Where it is kept.")
  flags.DEFINE_list(
    "data", [], "Where data sets are, name=path,name=path; else their names are TFDS's."
  )
  flags.DEFINE_integer("runs", 0, "Trainings of each row; 0 is the recipe's own.")
  flags.DEFINE_integer("devices", 1, "How many devices share a batch; 0 is all.")


if __name__ == "__main__":
  define_flags()
  launch.run("madao", main)
