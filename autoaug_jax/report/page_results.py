"""What came of it: the verdict, the accuracies, and the differences that count."""

from collections.abc import Iterable
from typing import TypeVar

from autoaug_jax.report.findings import (
  EQUAL_COST,
  EQUAL_STEPS,
  Difference,
  Findings,
  Result,
)
from autoaug_jax.report.html import Html, element, named
from autoaug_jax.report.numerals import (
  around,
  count,
  decimal,
  duration,
  known,
  plain_tick,
  signed,
  signed_tick,
)
from autoaug_jax.report.parts import folded, grid, note, paragraph
from autoaug_jax.report.strips import Line, scale, table

InColumn = TypeVar("InColumn", Result, Difference)
MEANING = {
  EQUAL_STEPS: "every network is trained for the same number of steps",
  EQUAL_COST: "baselines train longer, by what the search took",
}


def opening(findings: Findings) -> Html:
  """What a reader in a hurry takes away."""
  advice = [paragraph(sentence) for sentence in findings.advice]
  return element(
    "header",
    element("p", "Which augmentation?", class_="kicker"),
    element("h1", named(findings.title)),
    element("p", findings.verdict, class_="verdict"),
    _figures(findings),
    element("div", *advice, class_="advice") if advice else Html(""),
  )


def accuracy(findings: Findings) -> list[Html]:
  """Every policy in every column, and the numbers seed by seed."""
  if not findings.results:
    return []
  every = scale((r.mean, r.half_width) for r in findings.results)
  lines_are = (
    "Lines are 95% intervals of the mean, the shaded band is the learned policy's."
    if any(known(r.half_width) for r in findings.results)
    else "A single seed has no interval."
  )
  shown = [
    paragraph(
      "Percent of test images that are classified rightly, mean over seeds; the search has never "
      f"seen these images. {lines_are}"
    )
  ]
  for column, rows in _columns(findings.results).items():
    first = next((r for r in rows if r.learned), None)
    lines = [
      Line(
        named(r.policy),
        r.mean,
        r.half_width,
        (around(decimal(r.mean), r.half_width),),
        strong=r.learned,
      )
      for r in rows
    ]
    chart = table(
      ("policy", "accuracy, %"),
      lines,
      every,
      label=f"Accuracy, {column}",
      tick=plain_tick,
      band=(first.mean, first.half_width) if first else None,
    )
    shown += [_column_title(column), chart]
  if findings.left_out:
    items = [
      element("li", named(left.name), f": {left.why}" if left.why else "")
      for left in findings.left_out
    ]
    shown.append(note("Left out for lack of time", element("ul", *items)))
  return [*shown, folded("Seed by seed, with steps and seconds", _numbers(findings.results))]


def differences(findings: Findings) -> list[Html]:
  """Learned less each baseline."""
  if not findings.differences:
    return []
  every = scale(((d.mean, d.half_width) for d in findings.differences), zero=True)
  shown = [
    paragraph(
      "Points of accuracy that the learned policy has more, paired over seeds. Where the 95% "
      "interval holds 0, the runs do not tell the two apart."
    )
  ]
  for column, rows in _columns(findings.differences).items():
    shown.append(_column_title(column))
    for policy in dict.fromkeys(d.policy for d in rows):
      lines = [
        Line(
          named(d.baseline),
          d.mean,
          d.half_width,
          (around(signed(d.mean), d.half_width), verdict(d)),
          strong=known(d.half_width) and abs(d.mean) > d.half_width,
        )
        for d in rows
        if d.policy == policy
      ]
      head, label = (f"{policy} less …", "points", ""), f"{policy} less each baseline, {column}"
      shown.append(table(head, lines, every, label=label, tick=signed_tick))
  return shown


def verdict(difference: Difference) -> str:
  """What an interval says, in words."""
  if not known(difference.mean):
    return "not known"
  if not known(difference.half_width):
    return "one seed: no interval"
  if abs(difference.mean) <= difference.half_width:
    return "no difference found"
  return "learned is better" if difference.mean > 0 else "learned is worse"


def _figures(findings: Findings) -> Html:
  """The few numbers on which the verdict rests, at equal total cost where that is known."""
  columns = {r.column for r in findings.results}
  column = EQUAL_COST if EQUAL_COST in columns else next(iter(columns), "")
  rows = [r for r in findings.results if r.column == column]
  learned = next((r for r in rows if r.learned), None)
  baseline = next((r for r in rows if r.policy == findings.reference), None)
  gain = next(
    (
      d
      for d in findings.differences
      if (d.column, d.baseline) == (column, findings.reference)
      and learned
      and d.policy == learned.policy
    ),
    None,
  )
  told = []
  for row in (learned, baseline):
    if row is not None:
      told.append((named(row.policy), decimal(row.mean), _half(row.half_width, "%")))
  if gain is not None:
    told.append((Html("difference"), signed(gain.mean), _half(gain.half_width, "points")))
  if findings.plan is not None and known(findings.plan.used):
    budget = findings.plan.budget
    of = f"of {duration(budget)}" if known(budget) else ""
    told.append((Html("time used"), duration(findings.plan.used), of))
  parts = [
    element("div", element("dt", name), element("dd", value, " ", element("small", unit)))
    for name, value, unit in told
  ]
  return element("dl", *parts, class_="figures") if parts else Html("")


def _half(half_width: float, unit: str) -> str:
  return f"± {decimal(half_width)} {unit}" if known(half_width) else unit


def _numbers(results: Iterable[Result]) -> Html:
  rows = [
    (
      named(r.policy),
      r.column,
      ", ".join(map(decimal, r.accuracy)),
      around(decimal(r.mean), r.half_width),
      count(r.steps),
      duration(r.seconds),
    )
    for r in results
  ]
  head = ("policy", "column", "each seed", "mean", "network-steps", "time")
  return grid(head, rows, numbers=(2, 3, 4, 5), label="Accuracies seed by seed")


def _columns(rows: Iterable[InColumn]) -> dict[str, list[InColumn]]:
  found: dict[str, list[InColumn]] = {}
  for row in rows:
    found.setdefault(row.column, []).append(row)
  return found


def _column_title(column: str) -> Html:
  meaning = MEANING.get(column)
  more = element("span", f" — {meaning}") if meaning else Html("")
  return element("h3", column[:1].upper() + column[1:], more)
