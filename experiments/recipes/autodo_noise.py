"""AutoDO on digits with wrong labels or rare classes: does it find and repair them?

  python -m experiments.recipes.autodo_noise --workdir=runs/noise --noise=0.1
  python -m experiments.recipes.autodo_noise --workdir=runs/noise --noise=0.3
  python -m experiments.recipes.autodo_noise --workdir=runs/rare --noise=0 --imbalance=10 \\
      --epochs=80 --begin=20

Built-in digits at their own 8 x 8 pixels, small-cnn with CELU, no crop or flip unless asked for, a
fifth of the training images held out with their labels as they are, everything else distorted anew
for each seed. Measured on the test images after the last step; "rare" is the mean over the classes
of the second half. "AUC" are areas under the ROC curve for finding the wrong labels by what was
learned of each example: a small weight, a soft label that is off the given one. "listed" is how
many of the first n suspects are wrong, n being how many wrong labels there are. Rows that are there
already are not run again.
"""

import json
import pathlib
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from absl import flags

from autoaug_jax import data, methods, train
from autoaug_jax.app import interval, network
from autoaug_jax.policies import Fixed, autodo_base, fixed, join
from autoaug_jax.train import optim
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
  source = data.load("digits", size=case.size)
  examples = source.parts["train"]
  cut = data.split(examples, val=case.val, seed=seed, imbalance=case.imbalance, noise=case.noise)
  chosen = np.concatenate([cut.train, cut.val]) if row.validation_too else cut.train
  orders = (
    data.shuffled(np.sort(chosen), case.batch, seed=seed),
    data.shuffled(cut.val, case.batch, seed=seed, stream=1),
  )
  feed, valid = data.feeds(examples, *orders, labels=cut.labels)
  task = _task(examples)
  method = _method(case, row, task, cut.labels, feed.steps_per_epoch)
  (phase,) = method.phases
  program = train.program(phase.learner, feed, valid=valid, seed=seed)
  fitted = train.fit(program, phase.schedule, progress=train.silent())
  if not fitted.finished:
    raise ValueError("asked to stop; the run that was under way is not kept")
  state = jax.device_get(fitted.state)
  tested = source.parts["test"]
  test = data.evaluation_feed(tested, np.arange(len(tested.labels)), 250)
  measured = train.evaluation(task, test, classes=len(source.classes))(state)
  wrong = np.zeros(len(cut.labels), bool)
  wrong[cut.train] = (cut.labels != examples.labels)[cut.train]
  verdicts = methods.verdicts(state.phi, cut.labels)
  half = measured["per_class"][len(source.classes) // 2 :]
  found = Found(
    accuracy=float(measured["accuracy"]),
    rare=float(np.mean(half)),
    auc_weight=_auc(-verdicts.weight, wrong, cut.train) if row.learn.weight else None,
    auc_label=_auc(verdicts.off_label, wrong, cut.train) if row.learn.label else None,
    listed=_listed(verdicts, wrong, cut.train) if row.learn.weight or row.learn.label else None,
    wrong=int(wrong.sum()),
    seconds=time.perf_counter() - began,
  )
  return Run(found, state, verdicts, cut, wrong, source)


def auc(score: np.ndarray, positive: np.ndarray) -> float:
  """The chance that a positive has the higher score than a negative, ties counting half."""
  score, positive = np.asarray(score, np.float64), np.asarray(positive, bool)
  count, others = int(positive.sum()), int((~positive).sum())
  if not count or not others:
    raise ValueError(f"an AUC takes both kinds of examples, got {count} and {others}")
  _, place, times = np.unique(score, return_inverse=True, return_counts=True)
  rank = (np.cumsum(times) - (times - 1) / 2)[place]
  return float((rank[positive].sum() - count * (count + 1) / 2) / (count * others))


def precision_recall(suspects: np.ndarray, wrong: np.ndarray, listed: int) -> tuple[float, float]:
  """Of the first `listed` suspects, how many are wrong; and how many of the wrong are listed."""
  if not 0 < listed <= len(suspects):
    raise ValueError(f"listed lies in 1..{len(suspects)}, not {listed}")
  hits = float(wrong[suspects[:listed]].sum())
  return hits / listed, hits / max(int(wrong.sum()), 1)


def _auc(score: np.ndarray, wrong: np.ndarray, rows: np.ndarray) -> float | None:
  return auc(score[rows], wrong[rows]) if wrong.any() else None


def _listed(verdicts: methods.Verdicts, wrong: np.ndarray, rows: np.ndarray) -> float | None:
  if not wrong.any():
    return None
  suspects = verdicts.suspects[np.isin(verdicts.suspects, rows)]
  return precision_recall(suspects, wrong, int(wrong.sum()))[0]


def _task(examples: data.Examples) -> train.Task:
  # Of all images, so that one compilation serves all seeds.
  pixels = examples.fetch(np.arange(len(examples.labels))) / 255.0
  model = network("small-cnn-celu", classes=10, image_size=examples.shape[0])
  return train.classification(model, normalise=((float(pixels.mean()),), (float(pixels.std()),)))


def _method(
  case: Case, row: Row, task: train.Task, labels: np.ndarray, epoch: int
) -> methods.Method:
  rate = methods.annealed(case.rate, case.epochs, epoch, warmup=min(case.warmup, case.epochs))
  warmup = min(case.warmup, case.epochs - case.begin)
  return methods.autodo(
    task,
    optim.sgd(rate, nesterov=True, weight_decay=1e-4),
    labels,
    methods.AutodoTimes(epoch, case.epochs, case.begin, warmup),
    classes=10,
    learn=row.learn,
    base=join(row.before, autodo_base(subset=None, flip=0.0, padding=case.padding)),
    rate=case.policy_rate,
  )


def table_line(name: str, found: Sequence[Found]) -> str:
  """Means over seeds in percent, with 95% intervals of accuracies."""
  cells = [name]
  for field in ("accuracy", "rare"):
    mean, half = interval([getattr(f, field) for f in found])
    cells.append(f"{100 * mean:.2f} ± {100 * half:.2f}")
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
    if stored["config"] != config:
      raise ValueError(f"{path} holds another run's result; take another workdir")
    return Found(**stored["found"])
  found = run(case, ROWS[name], seed).found
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text(json.dumps({"config": config, "found": found._asdict()}))
  return found


def main() -> None:
  given: Any = flags.FLAGS
  case = Case(**{name: given[name].value for name in Case._fields})
  print("| row | accuracy, % | rare, % | AUC, weight | AUC, label | listed | s |")
  print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
  for name in [r.replace("+", ", ") for r in given.rows] or ROWS:
    if name not in ROWS:
      raise ValueError(f"rows are {'; '.join(ROWS)}, not {name!r}")
    slug = name.replace(", ", "-").replace(" ", "-")
    folder = pathlib.Path(given.workdir) / f"noise{case.noise:g}-imbalance{case.imbalance:g}"
    found = [
      kept(folder / slug / f"{s}.json", case, name, s)
      for s in range(given.seed, given.seed + given.seeds)
    ]
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
  }
  for name, default in Case()._asdict().items():
    define: Any = flags.DEFINE_integer if isinstance(default, int) else flags.DEFINE_float
    define(name, default, texts[name])
  flags.DEFINE_integer("seed", 0, "The first seed.", lower_bound=0)
  flags.DEFINE_integer("seeds", 5, "How many.", lower_bound=1)
  flags.DEFINE_list("rows", [], "Only these, with + for each comma; empty: all.")


if __name__ == "__main__":
  define_flags()
  launch.run("autodo_noise", main)
