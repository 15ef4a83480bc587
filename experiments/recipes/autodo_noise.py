"""AutoDO on digits with wrong labels or rare classes: does it find and repair them?

  python -m experiments.recipes.autodo_noise --workdir=runs/noise --noise=0.1
  python -m experiments.recipes.autodo_noise --workdir=runs/noise --noise=0.3
  python -m experiments.recipes.autodo_noise --workdir=runs/rare --noise=0 --imbalance=10 \\
      --epochs=80 --begin=20

Built-in digits at their own 8 x 8 pixels, small-cnn with CELU, no crop or flip unless asked for, a
fifth of the training images held out with their labels as they are, everything else distorted anew
for each seed; other images by --data, --size and --model. Measured on the test images after the
last step; "rare" is the mean over the classes of the second half. "AUC" are areas under the ROC
curve for finding the wrong labels by what was learned of each example: a small weight, a soft label
that is off the given one. "listed" is how many of the first n suspects are wrong, n being how many
wrong labels there are. Rows that are there already are not run again.
"""

import functools
import json
import pathlib
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from absl import flags

from autoaug_jax import data, methods, train
from autoaug_jax.app import caught, interval, moments, network, percent
from autoaug_jax.policies import Fixed, autodo_base, fixed, join
from autoaug_jax.train import optim
from autoaug_jax.types import Feed
from experiments import launch


class Case(NamedTuple):
  """Data and times, the same for all rows."""

  noise: float = 0.1
  imbalance: float = 1.0
  size: int = 8
  val: float = 0.2
  batch: int = 64
  epochs: int = 40
  begin: int = 10
  warmup: int = 5
  rate: float = 0.1
  policy_rate: float = 0.05
  padding: float = 0.0
  flip: float = 0.0
  data: str = "digits"
  model: str = "small-cnn-celu"
  train_images: int = 0  # a stratified subset of so many, drawn for each seed; 0 is all
  test_images: int = 0  # the same for test images, but one for all seeds


class Row(NamedTuple):
  """What is done: the parts that AutoDO learns, and what comes before the crop."""

  learn: methods.AutodoParts
  before: Fixed = Fixed((), ())
  validation_too: bool = False  # whether validation images are trained on


NOTHING = methods.AutodoParts(False, False, False)
ROWS = {
  "baseline": Row(NOTHING),
  "baseline, validation images too": Row(NOTHING, validation_too=True),
  "TrivialAugment-Wide": Row(NOTHING, fixed.trivial_augment_wide(then=fixed.none())),
  "A shared": Row(methods.AutodoParts(True, False, False, True)),
  "A": Row(methods.AutodoParts(True, False, False)),
  "A, W": Row(methods.AutodoParts(True, True, False)),
  "A, W, S": Row(methods.AutodoParts()),
  "W, S": Row(methods.AutodoParts(image=False)),
}


class Found(NamedTuple):
  """What came of one seed; None where there is nothing to find, or nothing was learned of it."""

  accuracy: float
  rare: float
  auc_weight: float | None
  auc_label: float | None
  listed: float | None
  wrong: int
  seconds: float


class Run(NamedTuple):
  """A trained row, and all that a report may want of it."""

  found: Found
  state: train.SearchState
  verdicts: methods.Verdicts
  split: data.Split
  wrong: np.ndarray  # bool [N]: of all examples, training or not
  source: data.Source


def run(case: Case, row: Row, seed: int) -> Run:
  """Trains one row with one seed."""
  began = time.perf_counter()
  source = _source(case)
  examples = source.parts["train"]
  cut = data.split(
    examples,
    val=case.val,
    seed=seed,
    subset=case.train_images or None,
    imbalance=case.imbalance,
    noise=case.noise,
  )
  chosen = np.concatenate([cut.train, cut.val]) if row.validation_too else cut.train
  orders = (
    data.shuffled(np.sort(chosen), case.batch, seed=seed),
    data.shuffled(cut.val, case.batch, seed=seed, stream=1),
  )
  feed, valid = data.feeds(examples, *orders, labels=cut.labels)
  task = _task(case, source)
  (phase,) = _method(case, row, task, labels=cut.labels, epoch=feed.steps_per_epoch).phases
  program = train.program(phase.learner, feed, valid=valid, seed=seed)
  fitted = train.fit(program, phase.schedule, progress=train.silent())
  if not fitted.finished:
    raise ValueError("asked to stop; the run that was under way is not kept")
  state = jax.device_get(fitted.state)
  measured = train.evaluation(task, _test_feed(case, source), classes=len(source.classes))(state)
  wrong = np.zeros(len(cut.labels), bool)
  wrong[cut.train] = (cut.labels != examples.labels)[cut.train]
  verdicts = methods.verdicts(state.phi, cut.labels)
  half = measured["per_class"][len(source.classes) // 2 :]
  doubted = caught(verdicts, wrong, cut.train)
  found = Found(
    accuracy=float(measured["accuracy"]),
    rare=float(np.mean(half)),
    auc_weight=doubted.auc_weight,
    auc_label=doubted.auc_label,
    listed=doubted.precision,
    wrong=doubted.wrong,
    seconds=time.perf_counter() - began,
  )
  return Run(found, state, verdicts, cut, wrong, source)


@functools.lru_cache(maxsize=1)
def _load(name: str, size: int) -> data.Source:
  return data.load(name, size=size)


def _source(case: Case) -> data.Source:
  source = _load(case.data, case.size)
  if "test" not in source.parts:
    raise ValueError(f"{case.data} has no part to test on")
  return source


def _test_feed(case: Case, source: data.Source) -> Feed:
  tested = source.parts["test"]
  chosen = np.arange(len(tested.labels))
  if case.test_images:
    chosen = data.split(tested, val=0, seed=0, subset=case.test_images).train
  return data.evaluation_feed(tested, chosen, 250)


def _task(case: Case, source: data.Source) -> train.Task:
  # The moments are of all images, so that one compilation serves all seeds.
  examples = source.parts["train"]
  model = network(case.model, classes=len(source.classes), image_size=case.size)
  return train.classification(model, normalise=moments(examples, np.arange(len(examples.labels))))


def _method(
  case: Case, row: Row, task: train.Task, *, labels: np.ndarray, epoch: int
) -> methods.Method:
  rate = methods.annealed(case.rate, case.epochs, epoch, warmup=min(case.warmup, case.epochs))
  warmup = min(case.warmup, case.epochs - case.begin)
  return methods.autodo(
    task,
    optim.sgd(rate, nesterov=True, weight_decay=1e-4),
    labels,
    methods.AutodoTimes(epoch, case.epochs, case.begin, warmup),
    classes=len(_source(case).classes),
    learn=row.learn,
    base=join(row.before, autodo_base(subset=None, flip=case.flip, padding=case.padding)),
    rate=case.policy_rate,
  )


HEAD = """| row | accuracy, % | rare, % | AUC, weight | AUC, label | listed | s |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |"""


def table_line(name: str, found: Sequence[Found]) -> str:
  """Means over seeds in percent, with 95% intervals of accuracies."""
  cells = [name]
  for field in ("accuracy", "rare"):
    cells.append(percent(interval([getattr(f, field) for f in found])))
  for field in ("auc_weight", "auc_label", "listed"):
    values = [getattr(f, field) for f in found]
    cells.append("" if None in values else f"{np.mean(values):.3f}")
  cells.append(f"{np.mean([f.seconds for f in found]):.0f}")
  return f"| {' | '.join(cells)} |"


def kept(path: pathlib.Path, case: Case, name: str, seed: int) -> Found:
  """The result of a run, from `path` where it is there."""
  config = {**case._asdict(), "row": name, "seed": seed}
  if path.exists():
    stored = json.loads(path.read_text())
    if {**Case()._asdict(), **stored["config"]} != config:
      raise ValueError(f"{path} holds another run's result; take another workdir")
    return Found(**stored["found"])
  found = run(case, ROWS[name], seed).found
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text(json.dumps({"config": config, "found": found._asdict()}))
  return found


def all_kept(
  workdir: str | pathlib.Path, case: Case, name: str, seeds: Sequence[int]
) -> list[Found]:
  """The results of a row, seed by seed, each run that is not there yet made and kept."""
  if name not in ROWS:
    raise ValueError(f"rows are {'; '.join(ROWS)}, not {name!r}")
  slug = name.replace(", ", "-").replace(" ", "-")
  folder = pathlib.Path(workdir) / f"noise{case.noise:g}-imbalance{case.imbalance:g}" / slug
  return [kept(folder / f"{seed}.json", case, name, seed) for seed in seeds]


def main() -> None:
  given: Any = flags.FLAGS
  case = Case(**{name: given[name].value for name in Case._fields})
  print(HEAD, flush=True)
  for name in [r.replace("+", ", ") for r in given.rows] or ROWS:
    found = all_kept(given.workdir, case, name, range(given.seed, given.seed + given.seeds))
    print(table_line(name, found), flush=True)


def define_flags() -> None:
  flags.DEFINE_string("workdir", None, "Where results are kept.", required=True)
  texts = {
    "noise": "The share of training labels drawn anew.",
    "imbalance": "How many times rarer the classes of the second half are.",
    "size": "Pixels on a side.",
    "val": "The share of images held out.",
    "batch": "Images a step.",
    "epochs": "Passes over the training images.",
    "begin": "After how many of them AutoDO searches.",
    "warmup": "Epochs in which learning rates rise.",
    "rate": "The network's learning rate.",
    "policy_rate": "The learning rate of what is learned of examples.",
    "padding": "By what share of the side every row pads and crops at random.",
    "flip": "The probability of every row's left-right flip.",
    "data": "digits, or what autoaug_jax.data.load takes; it has a part to test on.",
    "model": "The network; its name ends in -celu for the method's own activation.",
    "train_images": "A stratified subset of so many, drawn for each seed; 0 is all.",
    "test_images": "The same for test images, but one for all seeds.",
  }
  for name, default in Case()._asdict().items():
    launch.KINDS[type(default)](name, default, texts[name])
  flags.DEFINE_integer("seed", 0, "The first seed.", lower_bound=0)
  flags.DEFINE_integer("seeds", 5, "How many.", lower_bound=1)
  flags.DEFINE_list("rows", [], "Only these, with + for each comma; empty: all.")


if __name__ == "__main__":
  define_flags()
  launch.run("autodo_noise", main)
