"""How each method is tried on the planted cases: its options, and when it has solved one."""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from autoaug_jax.app import Madao, OnlineBilevel, Searched, Slack
from autoaug_jax.ops import Space
from autoaug_jax.policies import Network, op_shares
from experiments.planted_cases import CASES, NAMES, WIPE, Case, directed, space

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


def changed(options: Any, change: Mapping[str, str]) -> Any:
  """A method's options with some of them replaced, by what their values look like as text."""
  names = options._fields
  for name in change:
    if name not in names:
      raise ValueError(f"change takes the options {', '.join(names)}, not {name}")
  values = {}
  for name, text in change.items():
    kind = type(getattr(options, name))
    try:
      values[name] = {"true": True, "false": False}[text] if kind is bool else kind(text)
    except (KeyError, ValueError) as error:
      raise ValueError(f"{name} takes one {kind.__name__}, not {text!r}") from error
    if kind is float and not math.isfinite(values[name]):
      raise ValueError(f"{name} takes a finite number, not {text!r}")
  return options._replace(**values)


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
  "augmenter_clip": 0.2,
}
METHODS = {
  "slack": _slack("shared"),
  "slack-per-image": _slack("per_image"),
  "madao": _madao(score=False),
  "madao-by-scores": _madao(score=True),
  "online-bilevel": _online_bilevel(augmenter="none", **_SPREADS),
  "online-bilevel-network": _online_bilevel(
    **_SPREADS | {"augmenter": "medium", "augmenter_rate": 0.02, "augmenter_decay": 1e-4}
  ),
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
