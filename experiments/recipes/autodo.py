"""AutoDO's tables and curves as frozen records.

  python -m experiments.recipes.autodo --list
  python -m experiments.recipes.autodo --recipe=cifar10-10-0.1-aws --seed=0 --workdir=runs/c10
  python -m experiments.recipes.autodo --recipe=folder-aws --data=photos --workdir=runs/photos

A name is data-IR-NR-row: IR and NR distort the training side, validation images stay as they are.
Tables 1 to 4 are svhn, cifar10, cifar100 and imagenet; "test" in the place of IR and NR learns from
the test images (Table 5), "all" trains on the validation images too (Table 6), and -e10, -e150 and
-e190 begin to search after so many epochs (Figures 5 and 7; `autodo_figures` draws them). The same
for built-in digits, in minutes, are digits-1-0.1-base, -aws, -aws-e4, -aws-e60 and -aws-e76. A run
leaves verdicts.npz, result.json, confusion.png and, where scikit-learn is installed, embedding.png
(Figure 6). Rows: base (crop, flip, boxes), raa
(RandAugment), sha, a, aw, aws. The paper's rows of Fast AutoAugment and DADA rest on their
published policies, which the library does not have. Numbers are from the paper's Appendix A and,
where that is silent, the released code; but geometry is right, validation images are clean, and
what is reported is the last epoch's. Seeds 0 to 3 stand for the paper's four runs.

Cost is in network steps: a search takes as long as a training step (its share of a forward and
backward pass is 2.99 of 3). Started again with the same flags, a run goes on where it was.
"""

import json
import pathlib
from typing import Any, NamedTuple

import jax
import numpy as np
from absl import flags

from autoaug_jax import data, devices, methods, train
from autoaug_jax.app import caught, network, predictions, save_predictions
from autoaug_jax.ops import select, spaces
from autoaug_jax.policies import Fixed, autodo_base, join, uniform_slots
from autoaug_jax.train import optim
from autoaug_jax.types import Feed
from experiments import launch
from experiments.recipes.autodo_records import PARTS, RECIPES, Recipe

LEFT = ("Identity", "AutoContrast", "Equalize", "Invert", "Color", "Sharpness")
FULL = (*LEFT, "Rotate", "ShearX", "ShearY", "TranslateX", "TranslateY")
WARMUP = 5  # epochs in which learning rates rise


def base_of(recipe: Recipe) -> Fixed:
  """What is done to training images, short of boxes and of what is learned."""
  area = 0.0 if recipe.erase else 0.08
  learns = any(PARTS[recipe.row][:3])
  own = autodo_base(subset=recipe.subset if learns else None, flip=recipe.flip, area=area)
  if recipe.row != "raa":
    return own
  n, m = recipe.raa
  table = select((*spaces.randaugment(), spaces.INVERT), FULL)
  return join(Fixed(table, (uniform_slots(FULL, n, high=m / 30),)), own)


def method_of(
  recipe: Recipe,
  task: train.Task,
  labels: np.ndarray,
  epoch: int,
  *,
  mean: tuple[float, ...],
  axis_name: str | None = None,
) -> methods.Method:
  """The method on data with those labels and `epoch` training steps a pass."""
  rising = min(WARMUP, recipe.epochs)
  rate = methods.annealed(recipe.rate, recipe.epochs, epoch, warmup=rising)
  rising = min(WARMUP, recipe.epochs - recipe.begin)
  return methods.autodo(
    task,
    optim.sgd(rate, nesterov=True, weight_decay=1e-4),
    labels,
    methods.AutodoTimes(epoch, recipe.epochs, recipe.begin, rising),
    classes=recipe.classes,
    learn=PARTS[recipe.row],
    base=base_of(recipe),
    erase=mean if recipe.erase else None,
    rate=recipe.policy_rate,
    axis_name=axis_name,
  )


def task_of(
  recipe: Recipe,
  *,
  mean: tuple[float, ...],
  std: tuple[float, ...],
  dtype: str = "float32",
  axis_name: str | None = None,
) -> train.Task:
  """The network and its cross-entropy."""
  model = network(
    recipe.model,
    classes=recipe.classes,
    image_size=recipe.size,
    dtype=dtype,
    axis_name=axis_name,
  )
  return train.classification(model, normalise=(mean, std))


def steps_of(recipe: Recipe) -> int:
  """Training steps in an epoch, as far as they can be told without the data."""
  val = round(recipe.val * recipe.images) if isinstance(recipe.val, float) else recipe.val
  kept = recipe.images - val
  if recipe.imbalance > 1:
    kept = int(kept * recipe.common * (1 + 1 / recipe.imbalance))
  return (kept + (val if recipe.trained_on == "all" else 0)) // recipe.batch


def cost(recipe: Recipe) -> int:
  """Network steps: training and searches."""
  searching = recipe.epochs - recipe.begin if any(PARTS[recipe.row][:3]) else 0
  return steps_of(recipe) * (recipe.epochs + searching)


class Sides(NamedTuple):
  """The data of a run."""

  classes: int
  examples: data.Examples
  cut: data.Split
  train: Feed
  valid: Feed
  test: Feed
  mean: tuple[float, ...]
  std: tuple[float, ...]
  names: tuple[str, ...] = ()  # of the classes


def sides_of(
  recipe: Recipe, *, seed: int, data_dir: str | None = None, cache_dir: str | None = None
) -> Sides:
  """Loads the data, splits them as run number `seed` does, and distorts the training side."""
  source = data.load(
    recipe.data,
    size=recipe.size,
    channels=recipe.channels,
    data_dir=data_dir,
    cache_dir=cache_dir,
  )
  examples = source.parts["train"]
  tested = source.parts.get("test", source.parts.get("val"))
  if tested is None:
    raise ValueError(f"{recipe.data} has no part to test on")
  cut = data.split(
    examples, val=recipe.val, seed=0, fold=seed, imbalance=recipe.imbalance, noise=recipe.noise
  )
  seen = np.sort(np.concatenate([cut.train, cut.val])) if recipe.trained_on == "all" else cut.train
  order = data.shuffled(seen, recipe.batch, seed=seed)
  judging = data.shuffled(cut.val, recipe.batch, seed=seed, stream=1)
  feed, valid = data.feeds(examples, order, judging, labels=cut.labels)
  everything = np.arange(len(tested.labels))
  if recipe.learned_from == "test":
    (valid,) = data.feeds(tested, data.shuffled(everything, recipe.batch, seed=seed, stream=1))
  sample = cut.train[:: max(1, len(cut.train) // 5000)]
  pixels = examples.fetch(sample).reshape(-1, examples.shape[-1]) / 255.0
  return Sides(
    classes=len(source.classes),
    examples=examples,
    cut=cut,
    train=feed,
    valid=valid,
    test=data.evaluation_feed(tested, everything, data.evaluation_batch(tested.shape)),
    mean=tuple(pixels.mean(0).tolist()),
    std=tuple(np.maximum(pixels.std(0), 1 / 255).tolist()),
    names=source.classes,
  )


def run(
  recipe: Recipe,
  sides: Sides,
  workdir: pathlib.Path,
  *,
  seed: int,
  dtype: str = "float32",
  device_count: int = 1,
) -> dict[str, Any] | None:
  """Trains and measures after the last step; None where it was asked to stop before."""
  recipe = recipe._replace(classes=sides.classes)
  axis = devices.AXIS if device_count != 1 else None
  task = task_of(recipe, mean=sides.mean, std=sides.std, dtype=dtype, axis_name=axis)
  epoch, labels = sides.train.steps_per_epoch, sides.cut.labels
  method = method_of(recipe, task, labels, epoch, mean=sides.mean, axis_name=axis)
  (phase,) = method.phases
  program = train.program(
    phase.learner, sides.train, valid=sides.valid, seed=seed, device_count=device_count
  )
  fitted = train.fit(
    program,
    phase.schedule,
    workdir=workdir,
    config={**recipe._asdict(), "seed": seed, "images": sides.cut.data},
    every=train.Every(50, 10 * epoch, epoch),
    evaluate=train.evaluation(task, sides.test, classes=recipe.classes),
    watch=jax.jit(lambda state: method.watch(state.phi)),
  )
  if not fitted.finished:
    return None
  state = jax.device_get(devices.local(fitted.state))
  found = methods.verdicts(state.phi, labels)
  _write_verdicts(workdir / "verdicts.npz", found, sides)
  doubted = caught(found, labels != sides.examples.labels, sides.cut.train)
  names = sides.names or [str(i) for i in range(recipe.classes)]
  save_predictions(predictions(task, sides.test, state), names, folder=workdir, say=launch.aside)
  told = {
    "recipe": recipe._asdict(),
    "seed": seed,
    "evaluation": fitted.evaluation,
    "caught": doubted._asdict(),
  }
  (workdir / "result.json").write_text(json.dumps(told, indent=1))
  return told


def _write_verdicts(path: pathlib.Path, found: methods.Verdicts, sides: Sides) -> None:
  """What was learned of every example, and whether its label is right."""
  own = np.isin(found.suspects, sides.cut.train)
  columns = {**found._asdict(), "suspects": found.suspects[own]}
  given, true = sides.cut.labels, sides.examples.labels
  np.savez(path, given=given, true=true, train=sides.cut.train, **columns)


def main() -> None:
  given = flags.FLAGS
  if given.list or not given.recipe:
    for name, recipe in RECIPES.items():
      print(f"{name:28} {cost(recipe):>9,} steps of {recipe.batch}, {recipe.model}")
    return
  if given.recipe not in RECIPES:
    raise ValueError(f"unknown recipe {given.recipe!r}; --list names them")
  if not given.workdir:
    raise ValueError("--workdir says where the run is kept")
  recipe = RECIPES[given.recipe]
  recipe = recipe._replace(data=given.data or recipe.data)
  if not recipe.data:
    raise ValueError("--data says which folder, archive or .npz file")
  sides = sides_of(
    recipe,
    seed=given.seed,
    data_dir=given.data_dir or None,
    cache_dir=given.cache_dir or None,
  )
  told = run(
    recipe,
    sides,
    pathlib.Path(given.workdir),
    seed=given.seed,
    dtype=given.dtype,
    device_count=given.devices,
  )
  if told is None:
    return  # asked to stop
  print(f"{given.recipe}: {100 * (1 - told['evaluation']['accuracy']):.2f}% test error")


def define_flags() -> None:
  flags.DEFINE_string("recipe", "", "Its name.")
  flags.DEFINE_bool("list", False, "Names and costs.")
  flags.DEFINE_integer("seed", 0, "Of the split, its distortion, and the run.", lower_bound=0)
  flags.DEFINE_string("workdir", "", "Where the run is kept.")
  flags.DEFINE_string("data", "", "Instead of the recipe's: a folder, archive, .npz or TFDS name.")
  flags.DEFINE_string("data_dir", "", "Where TFDS keeps its data.")
  flags.DEFINE_string("cache_dir", "", "Where folders and archives are kept as arrays.")
  flags.DEFINE_enum("dtype", "float32", ["float32", "bfloat16"], "Of the computation.")
  flags.DEFINE_integer("devices", 1, "How many of this machine's; 0 is all.", lower_bound=0)


if __name__ == "__main__":
  define_flags()
  launch.run("autodo", main)
