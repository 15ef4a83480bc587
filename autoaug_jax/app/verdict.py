"""Policies against each other: accuracies, paired differences, and what is to be made of them."""

from collections.abc import Sequence
from typing import NamedTuple

from autoaug_jax.app.intervals import Interval, interval, percent
from autoaug_jax.app.plan import FROZEN, LEARNED, WIDE

NAMES = {
  LEARNED: "the learned policy",
  FROZEN: "the learned policy, frozen",
  WIDE: "TrivialAugment-Wide",
  "none": "no augmentation",
  "standard": "crop and flip",
  "uniform": "the uniform policy",
}
FEWEST_SEEDS = 3  # of which an interval is worth something


class Row(NamedTuple):
  """Networks trained under one policy, one for each seed, measured after their last step."""

  policy: str
  longer: bool  # trained for as long as search and training together
  epochs: int
  cost: float  # of a network in training steps; of a learned one with its share of the search
  accuracy: tuple[float, ...]
  per_class: dict[str, float | None]  # means over seeds
  seconds: float


class Difference(NamedTuple):
  """Of accuracies, paired by seed: one policy less another."""

  policy: str
  other: str
  longer: bool  # the other trained longer
  accuracy: Interval


def differences(rows: Sequence[Row]) -> tuple[Difference, ...]:
  """The learned policy less each baseline, at equal steps and then at equal cost."""
  learned = _row(rows, LEARNED)
  if learned is None:
    return ()
  return tuple(
    Difference(LEARNED, row.policy, row.longer, _paired(learned, row))
    for row in sorted(rows, key=lambda row: row.longer)
    if row.policy not in (LEARNED, FROZEN)
  )


def verdict(rows: Sequence[Row]) -> str:
  """One sentence on what to use.

  TrivialAugment-Wide is what one would use without a search. Another policy is preferred where the
  95% interval of its paired difference from it lies above 0, the learned one also from
  TrivialAugment-Wide trained for as long as search and training together; of several, the one with
  the highest mean.
  """
  wide, learned = _row(rows, WIDE), _row(rows, LEARNED)
  if wide is None or learned is None:
    return "Not compared: there was no time for TrivialAugment-Wide and the learned policy both."
  seeds = min(len(wide.accuracy), len(learned.accuracy))
  if seeds < FEWEST_SEEDS:
    return (
      f"Undecided: {seeds} seed{'s are' if seeds > 1 else ' is'} too few to tell"
      f" ({_percent(learned)} with the learned policy, {_percent(wide)} with TrivialAugment-Wide);"
      " use TrivialAugment-Wide."
    )
  ahead = _paired(learned, wide)
  long = _row(rows, WIDE, longer=True)
  held = ahead if long is None or len(long.accuracy) < FEWEST_SEEDS else _paired(learned, long)
  better = [
    row
    for row in rows
    if not row.longer and row.policy not in (WIDE, FROZEN) and _above(_paired(row, wide))
  ]
  best = max(better, key=lambda row: interval(row.accuracy).mean, default=None)
  if best is not None and best is not learned:
    return (
      f"Use {NAMES[best.policy]}: it beats TrivialAugment-Wide by {_points(_paired(best, wide))};"
      f" the learned policy differs from it by {_points(_paired(learned, best))}."
    )
  if best is learned and held is ahead:
    return f"Use the learned policy: it beats TrivialAugment-Wide by {_points(ahead)}."
  if best is learned:
    use = "Use the learned policy" if _above(held) else "Use the learned policy if you train often"
    return (
      f"{use}: it beats TrivialAugment-Wide by {_points(ahead)} at equal steps, and by "
      f"{_points(held)} where that trains for as long as search and training together."
    )
  if ahead.mean + ahead.half_width < 0:
    return f"Use TrivialAugment-Wide: it beats the learned policy by {_points(_flipped(ahead))}."
  return (
    "No difference found: use TrivialAugment-Wide (the learned policy differs from it by "
    f"{_points(ahead)})."
  )


def _row(rows: Sequence[Row], policy: str, *, longer: bool = False) -> Row | None:
  return next((row for row in rows if (row.policy, row.longer) == (policy, longer)), None)


def _paired(one: Row, other: Row) -> Interval:
  shared = min(len(one.accuracy), len(other.accuracy))
  return interval(
    [a - b for a, b in zip(one.accuracy[:shared], other.accuracy[:shared], strict=True)]
  )


def _above(difference: Interval) -> bool:
  return difference.mean - difference.half_width > 0


def _flipped(difference: Interval) -> Interval:
  return difference._replace(mean=-difference.mean)


def _points(difference: Interval) -> str:
  return f"{percent(difference)} points"


def _percent(row: Row) -> str:
  return f"{100 * interval(row.accuracy).mean:.2f}%"
