"""Planted cases: small searches whose right answer is known.

  python -m experiments.planted --method=slack --workdir=runs/planted
  python -m experiments.planted --method=slack --cases=rotated --seeds=2 --ops=1 --workdir=...

The images are the built-in digits at 16 x 16 pixels: 600 to train on as they are, the other 697
to validate on and 500 to test on, shifted:

  rotated      by up to 40 degrees either way: Rotate is right
  translated   along x by up to 5 pixels either way: TranslateX is right
  brightness   darkened to between 0.1 and 0.4 of what they are: Brightness is right
  harmful      as they are; the op Wipe, which leaves nothing of an image, is wrong
  nothing      as they are, and nothing is wrong: only for Online bilevel

Each search chooses among ten ops, but for Online bilevel, which learns how far three warps spread,
and Brightness where that is planted. What is in the work directory already is not run again.
"""

import functools
import json
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from absl import flags

from autoaug_jax import export
from autoaug_jax.app import (
  How,
  Interval,
  Madao,
  OnlineBilevel,
  Searched,
  SearchSetting,
  Setting,
  Slack,
  retrain,
  search,
  write_json,
)
from autoaug_jax.ops import Space
from autoaug_jax.policies import Network, fixed, op_shares
from experiments import launch
from experiments.planted_cases import CASES, NAMES, WIPE, Case, directed, space, write

START = "all of them at the start"


class Planted(NamedTuple):
  """How a method is tried.

  Attributes:
    options: (ops an image, case) -> its options.
    measure: what a search learned -> named numbers.
    solved: (case, those numbers) -> whether the search found what is there to be found.
    shown: (case, those numbers) -> the number that the table shows.
    shown_as: what it is called.
    space: case -> the ops that it has; magnitudes of nearest warps have no gradient.
    cases: those that it is tried on.
    ops: how many ops an image gets: a row for each.
  """

  options: Callable[[int, Case], Any]
  measure: Callable[[Searched], dict[str, float]]
  solved: Callable[[Case, dict[str, float]], bool]
  shown: Callable[[Case, dict[str, float]], float]
  shown_as: str
  space: Callable[[Case], Space] = space
  cases: tuple[str, ...] = ("rotated", "translated", "brightness", "harmful")
  ops: tuple[int, ...] = (1, 3)


def of_planted_op(case: Case, shares: dict[str, float]) -> float:
  """The share of the op that is right, or wrong, of all that are applied."""
  return shares[case.right or case.wrong or ""] / sum(shares.values())


def right_first(case: Case, shares: dict[str, float]) -> bool:
  """The right op is the most likely one; the wrong op has less than half of a uniform share."""
  if case.right:
    return max(shares, key=lambda name: shares[name]) == case.right
  return of_planted_op(case, shares) < 0.5 / len(shares)


def _slack(draws: str) -> Planted:
  return Planted(
    options=lambda ops, case: Slack(ops=ops, draws=draws),
    measure=lambda result: op_shares(result.policy),
    solved=right_first,
    shown=of_planted_op,
    shown_as="share of the planted op",
  )


def _madao(score: bool) -> Planted:
  start = 0.5 / len((*NAMES, WIPE.name))

  def gain(case: Case, shares: dict[str, float]) -> float:
    return shares[case.right or case.wrong or ""] / start

  return Planted(
    options=lambda ops, case: Madao(
      ops=ops,
      score=score,
      padding=0.0,
      valid_batch=256,
      epochs=166,
      warmup=33,
      every=3,
      policy_rate=0.02,
      remat=False,
    ),
    measure=lambda result: op_shares(result.policy),
    solved=lambda case, shares: (
      gain(case, shares) >= 1.5 if case.right else gain(case, shares) <= 0.67
    ),
    shown=gain,
    shown_as="selection x probability, over the start",
    space=functools.partial(space, interpolation="bilinear"),
    ops=(1, 2),
  )


def _online_bilevel(on_training: bool = False, **options: Any) -> Planted:
  """Spreads: the right op's must have gone at least half of the way from the start to what is

  planted, and be twice any other's. Where nothing is planted, none may have gone so far. On the
  training loss, the control, all must shrink to a third.
  """

  def measure(result: Searched) -> dict[str, float]:
    names = next(s for s in result.policy.stages if isinstance(s, Network)).ops
    last = result.trajectory["spread"][-1]
    now = {name: float(value) for name, value in zip(names, last, strict=True)}
    return now | {START: result.options.spread}

  def solved(case: Case, spread: dict[str, float]) -> bool:
    start = spread[START]
    learned = {name: value for name, value in spread.items() if name != START}
    if on_training:
      return 3 * max(learned.values()) < start
    if case.right is None:
      least = min(other.spread for other in CASES.values() if other.right)
      return max(learned.values()) < (start + least) / 2
    right = learned.pop(case.right)
    return right >= (start + case.spread) / 2 and right >= 2 * max(learned.values())

  def shown(case: Case, spread: dict[str, float]) -> float:
    learned = (value for name, value in spread.items() if name != START)
    return spread[case.right] if case.right else max(learned)

  return Planted(
    options=lambda ops, case: OnlineBilevel(on_training=on_training, **options),
    measure=measure,
    solved=solved,
    shown=shown,
    shown_as="deviation of the planted op's magnitude, or the largest",
    space=directed,
    cases=("rotated", "translated", "brightness", "nothing"),
    ops=(1,),
  )


_SPREADS: dict[str, Any] = {
  "epochs": 160,
  "rate": 0.05,
  "drop": 1.0,
  "spread": 0.1,
  "valid_batch": 256,
  "augmenter_rate": 0.05,
  "augmenter_decay": 5e-4,
}
METHODS = {
  "slack": _slack("shared"),
  "slack-per-image": _slack("per_image"),
  "madao": _madao(score=False),
  "madao-by-scores": _madao(score=True),
  "online-bilevel": _online_bilevel(augmenter="none", **_SPREADS),
  "online-bilevel-network": _online_bilevel(**_SPREADS),
  "online-bilevel-any-length": _online_bilevel(augmenter="none", same_length=False, **_SPREADS),
  "online-bilevel-control": _online_bilevel(
    on_training=True,
    augmenter="none",
    epochs=120,
    spread=0.5,
    augmenter_rate=0.01,
    augmenter_decay=0.0,
  ),
}


def run(method: str, name: str, *, ops: int, seed: int, workdir: pathlib.Path) -> dict[str, Any]:
  """One search, or what is written of it."""
  planted, case = METHODS[method], CASES[name]
  folder = workdir / f"{method}-{name}-{ops}-{seed}"
  record = folder / "planted.json"
  if record.exists():
    return _judged(planted, case, **json.loads(record.read_text()))
  images = workdir / f"{name}.npz"
  if not images.exists():
    write(case, images)
  setting = SearchSetting(data=str(images), flip=0.0, seed=seed)
  result = search(
    setting,
    planted.options(ops, case),
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


def compare(method: str, name: str, *, ops: int, workdir: pathlib.Path) -> dict[str, Interval]:
  """Test accuracy over 5 retrainings, without augmentation, under all ops alike, and as learned."""
  folder = workdir / f"{method}-{name}-{ops}-0"
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


def main() -> None:
  given = flags.FLAGS
  method, workdir = given.method, pathlib.Path(given.workdir)
  planted = METHODS[method]
  shown = planted.shown_as
  print(f"| case | ops | solved | {shown}, median (least-most) | s | none | uniform | learned |")
  print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
  names = given.cases or planted.cases
  if not {*names} <= {*planted.cases}:
    known = ", ".join(planted.cases)
    raise ValueError(f"cases of {method} are {known}, not {', '.join(names)}")
  for ops in map(int, given.ops or planted.ops):
    for name in names:
      rows = [run(method, name, ops=ops, seed=seed, workdir=workdir) for seed in range(given.seeds)]
      values = sorted(row["shown"] for row in rows)
      cells = [
        name,
        str(ops),
        f"{sum(row['solved'] for row in rows)} of {len(rows)}",
        f"{np.median(values):.3f} ({values[0]:.3f}-{values[-1]:.3f})",
        f"{np.median([row['seconds'] for row in rows]):.0f}",
      ]
      if given.compare:
        found = compare(method, name, ops=ops, workdir=workdir)
        cells += [f"{100 * i.mean:.2f} ± {100 * i.half_width:.2f}" for i in found.values()]
      print(f"| {' | '.join(cells)} |", flush=True)


def define_flags() -> None:
  flags.DEFINE_enum("method", "slack", list(METHODS), "Which searches are tried.")
  flags.DEFINE_string("workdir", None, "Where they are kept.", required=True)
  flags.DEFINE_list("cases", [], "What is planted; empty: all that the method is for.")
  flags.DEFINE_list("ops", [], "How many ops an image gets, a row for each; empty: 1 and its own.")
  flags.DEFINE_integer("seeds", 10, "Seeds from 0 on.", lower_bound=1)
  flags.DEFINE_bool("compare", True, "Whether to retrain 5 times with what seed 0 learned.")


if __name__ == "__main__":
  define_flags()
  launch.run("planted", main)
