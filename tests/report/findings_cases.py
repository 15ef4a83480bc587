"""Findings as jobs make them: a whole one with pictures, the least, and one full of trouble."""

import functools
import math
import pathlib

import numpy as np
from scipy import ndimage

from autoaug_jax import data, report
from autoaug_jax.ops import spaces

SEEDS = (0, 1, 2)
ACCURACIES = {
  # policy -> column -> accuracies of each seed
  "learned": ((91.4, 90.9, 91.8), (91.4, 90.9, 91.8)),
  "trivial-augment-wide": ((89.7, 89.1, 89.4), (90.3, 89.6, 89.9)),
  "uniform": ((88.2, 89.3, 88.6), (88.9, 89.4, 89.0)),
  "standard": ((86.9, 87.6, 86.4), (87.0, 87.5, 86.8)),
  "none": ((82.3, 83.4, 81.1), (82.0, 83.1, 81.9)),
}
T = 4.302652729911275  # Student's t of 2 degrees, 0.975
CLASSES = ("daisy", "dandelion", "rose", "sunflower", "tulip", "lily of the valley")


def interval(values):
  if len(values) < 2:
    return float(np.mean(values)), math.nan
  return float(np.mean(values)), float(T * np.std(values, ddof=1) / math.sqrt(len(values)))


def whole():
  """A search on photographs that found something."""
  columns = (report.EQUAL_STEPS, report.EQUAL_COST)
  results, differences = [], []
  for index, column in enumerate(columns):
    for policy, found in ACCURACIES.items():
      steps = 4_680 if policy == "learned" or not index else 8_112
      learned = policy == "learned"
      mean, half = interval(found[index])
      results.append(
        report.Result(policy, column, found[index], mean, half, steps, steps * 0.031, learned)
      )
      if not learned:
        gain = np.subtract(ACCURACIES["learned"][index], found[index])
        differences.append(
          report.Difference("learned", policy, column, *interval(gain), seeds=len(SEEDS))
        )
  names = [op.name for op in spaces.slack_cifar()]
  share = _policy(len(names))
  changes = (4.6, 1.2, 2.9, -0.3, 0.8, math.nan)
  return report.Findings(
    title="flower_photos",
    verdict="The learned policy is better than TrivialAugment-Wide on these images: by 1.4 points "
    "of accuracy at equal total cost, and the interval does not hold 0.",
    results=tuple(results),
    differences=tuple(differences),
    classes=report.Classes(
      "learned",
      "trivial-augment-wide",
      report.EQUAL_COST,
      tuple(
        report.ClassChange(name, 88.0 + change, 88.0, change, 0.9, 60)
        for name, change in zip(CLASSES, changes, strict=True)
      ),
    ),
    advice=(
      "Train with policy.json; the commands are at the end of this page.",
      "With 45 minutes instead of 20 there would be two more seeds, and intervals about half as "
      "wide.",
    ),
    left_out=(report.LeftOut("seed 3", "the budget would have been exceeded by 2 minutes"),),
    ops=tuple(
      report.OpShare(name, float(p), 0.0, float(b))
      for name, p, b in zip(names, share, _bounds(len(names)), strict=True)
    ),
    suspects=tuple(
      report.Suspect(
        f"photos/rose/IMG_{4000 + 37 * i}.jpg", "rose", CLASSES[i % 5], 0.01 + 0.02 * i
      )
      for i in range(16)
    ),
    data=report.Data(
      images=(("training", 2_642), ("validation", 294), ("test", 734)),
      height=64,
      width=64,
      channels=3,
      classes=tuple(zip(CLASSES, (633, 898, 641, 699, 799, 12), strict=True)),
      imbalance=74.8,
      left_out=(report.LeftOut("photos/rose/thumbs.db", "not an image"),),
      remarks=("Sizes differ, from 159 × 240 to 1024 × 768; all were scaled to 64 × 64.",),
    ),
    plan=report.Plan(
      method="slack",
      why="Classes are balanced enough and no clean part was given, hence SLACK.",
      network="wrn-16-1",
      size=64,
      batch=64,
      epochs=120,
      seeds=SEEDS,
      budget=1200.0,
      used=1126.0,
    ),
    cost=(
      report.Cost("looking at the data, timing steps", 41.3),
      report.Cost("search", 254.0, 10_296),
      report.Cost("retraining, 5 policies, equal steps", 493.0, 70_200),
      report.Cost("retraining, 4 baselines, equal total cost", 331.0, 41_184),
      report.Cost("pictures and this page", 6.4),
    ),
    settings=(
      report.Settings("Search", (("rounds", 5), ("draws", "per_image"), ("kl", 0.01), ("ops", 3))),
      report.Settings("Training", (("optimizer", "sgd"), ("rate", 0.1), ("seeds", SEEDS))),
    ),
    commands=(
      report.Command(
        "The same job again, bit for bit on the same machine:",
        "python -m experiments.search --data=photos --plan=runs/photos/plan.json "
        "--workdir=runs/photos-again",
      ),
      report.Command(
        "The policy for torchvision, as one file without dependencies:",
        "python -m experiments.export --policy=runs/photos/policy.json --to=torchvision",
      ),
      report.Command(
        "In JAX:",
        'policy = autoaug_jax.load("runs/photos/policy.json")\nimages = policy(key, images)',
      ),
    ),
    made="autoaug_jax 0.1.0, jax 0.10.2, 2 CPU cores",
  )


def least():
  """The least that there is to tell: one seed of two policies."""
  results = (
    report.Result("learned", report.EQUAL_STEPS, (91.0,), 91.0, learned=True),
    report.Result("none", report.EQUAL_STEPS, (90.0,), 90.0),
  )
  return report.Findings("digits", "No difference found: use TrivialAugment-Wide.", results)


HOSTILE = "<b>&\"'</b><script>alert(1)</script>"


def trouble():
  """150 classes, names that want to be markup or never end, numbers that are missing."""
  names = [HOSTILE, "x" * 300, "\ud800\x00half", "שלום", "a  b\nc", *(f"c{i}" for i in range(145))]
  changes = np.random.default_rng(0).normal(0, 3, len(names)).round(2)
  changes[[3, 9]] = math.nan
  column = f"a column of one's own {HOSTILE}"
  results = tuple(
    report.Result(name, column, (mean,), mean, learned=name == HOSTILE)
    for name, mean in ((HOSTILE, 50.0), ("y" * 200, math.nan), ("none", math.inf))
  )
  return report.Findings(
    title=f"{HOSTILE} {'z' * 200}",
    verdict=f"{HOSTILE} is all that one knows.",
    results=results,
    differences=(
      report.Difference(HOSTILE, "y" * 200, column, math.nan),
      report.Difference("another", "none", column, -1.0),
    ),
    classes=report.Classes(
      HOSTILE,
      "none",
      column,
      tuple(
        report.ClassChange(name, None, math.nan, change)
        for name, change in zip(names, changes.tolist(), strict=True)
      ),
    ),
    advice=(HOSTILE,),
    left_out=(report.LeftOut(HOSTILE, ""),),
    ops=(report.OpShare(HOSTILE, None), report.OpShare("Own", 1.0, None, 0.5)),
    suspects=(report.Suspect(HOSTILE, "x" * 300, HOSTILE, math.nan),),
    data=report.Data(((HOSTILE, 3),), 8, 8, 5, tuple((name, 1) for name in names)),
    plan=report.Plan(HOSTILE, "", "tiny", 8, 4, 0.5, ()),
    cost=(report.Cost(HOSTILE, math.nan), report.Cost("search", 3700.0)),
    settings=(report.Settings(HOSTILE, ((HOSTILE, HOSTILE), ("y" * 200, None))),),
    commands=(report.Command(HOSTILE, f"{HOSTILE} {'w' * 400}"),),
    made=HOSTILE,
  )


@functools.cache
def page(case):
  """The page of the case with this name."""
  cases = {"whole": whole, "least": least, "trouble": trouble}
  return report.page(cases[case](), pictures() if case == "whole" else {})


@functools.cache
def pictures():
  """Figures as a search with SLACK makes them, suspects beside them."""
  names = [op.name for op in spaces.slack_cifar()]
  share, bound = _policy(len(names)), _bounds(len(names))
  moves = np.linspace(0, 600, 61)
  way = 1 - np.exp(-moves / 220)[:, None]
  noise = np.random.default_rng(1).normal(0, 0.02, (len(moves), len(names))).cumsum(0) * 0.1
  told = np.exp(np.log(share) * way + noise)
  told /= told.sum(axis=1, keepdims=True)
  ranked = np.argsort(-share, kind="stable")
  sides = {
    "likely": [(n, _turned) for n in ranked[:3]],
    "unlikely": [(n, _spoiled) for n in ranked[-3:]],
  }
  captions = {
    side: [[f"{names[n]}\n{share[n]:.1%}" for n, _ in row]] * 4 for side, row in sides.items()
  }
  done = {
    side: np.stack([[change(i, k) for k, (_, change) in enumerate(row)] for i in range(4)])
    for side, row in sides.items()
  }
  return {
    "policy": report.policy_pie(names, share, bound=bound),
    "likely": report.extremes(
      _digits()[:4],
      done["likely"],
      done["unlikely"],
      likely_names=captions["likely"],
      unlikely_names=captions["unlikely"],
    ),
    "probabilities": report.evolution(
      names, moves, np.stack([told, told[:, ::-1]], 1), uniform=1 / len(names)
    ),
    "entropy": report.entropy(moves, np.stack([told, told[:, ::-1]], 1)),
    "suspects": report.suspects(
      _digits(),
      np.arange(16) % 10,
      np.linspace(0.01, 0.31, 16),
      proposed=(np.arange(16) + 3) % 10,
      names=[str(n) for n in range(10)],
    ),
  }


@functools.cache
def _digits():
  """16 images [16, 32, 32, 1]."""
  with np.load(pathlib.Path(data.__file__).with_name("digits.npz")) as stored:
    small = stored["images"][:16] / 16.0
  return np.clip(ndimage.zoom(small, (1, 4, 4), order=1), 0, 1)[..., None]


def _turned(i, k):
  return np.clip(ndimage.rotate(_digits()[i], 25 * k - 15, reshape=False, order=1), 0, 1)


def _spoiled(i, k):
  image = _digits()[i]
  return (1 - image, image > 0.5, 0.2 * image)[k]


def _policy(count):
  logits = np.random.default_rng(3).normal(0, 0.9, count)
  return np.exp(logits) / np.exp(logits).sum()


def _bounds(count):
  return np.random.default_rng(4).uniform(0.3, 1.0, count)
