"""Class by class: who gains, and who loses."""

from collections.abc import Sequence

from autoaug_jax.report.findings import ClassChange, Findings
from autoaug_jax.report.html import Html, element, joined, named
from autoaug_jax.report.numerals import around, count, decimal, known, signed, signed_tick
from autoaug_jax.report.parts import folded, grid, paragraph
from autoaug_jax.report.strips import Line, scale, table

MOST_CLASSES = 30  # in the chart; the others are told of
NAMED = 8  # classes, in a sentence


def classes(findings: Findings) -> list[Html]:
  """Which classes gain and which lose."""
  found = findings.classes
  if found is None or not found.changes:
    return []
  ranked = sorted((c for c in found.changes if known(c.change)), key=lambda c: -c.change)
  without = [c for c in found.changes if not known(c.change)]
  top, middle, bottom = _split(ranked)
  every = scale(((c.change, c.half_width) for c in (*top, *bottom)), zero=True)
  intro = joined(
    [
      "Points that each class gains under ",
      named(found.policy),
      " against ",
      named(found.baseline),
      f" ({found.column}), the largest gain first.",
    ]
  )

  def chart(part: Sequence[ClassChange], label: str) -> Html:
    lines = [
      Line(named(c.name), c.change, c.half_width, (around(signed(c.change), c.half_width),))
      for c in part
    ]
    return table(("class", "points"), lines, every, label=label, tick=signed_tick)

  shown = [element("p", intro)]
  if top:
    shown.append(chart(top, "Change of each class" if not bottom else "Largest changes"))
  if bottom:
    between = f"{signed(middle[-1].change)} to {signed(middle[0].change)} points"
    shown.append(paragraph(f"… {len(middle)} more classes, from {between} …", class_="between"))
    shown.append(chart(bottom, "Least changes"))
  if without:
    names = ", ".join(c.name for c in without[:NAMED]) + ", …" * (len(without) > NAMED)
    shown.append(
      paragraph(f"Nothing to compare for {count(len(without))} of the classes: {names}.")
    )
  every_class = [*ranked, *without]
  return [*shown, folded(f"All {len(every_class)} classes in numbers", _class_numbers(every_class))]


def _split(
  ranked: Sequence[ClassChange],
) -> tuple[Sequence[ClassChange], Sequence[ClassChange], Sequence[ClassChange]]:
  """First, middle and last; all are first where they are few."""
  if len(ranked) <= MOST_CLASSES:
    return ranked, (), ()
  half = MOST_CLASSES // 2
  return ranked[:half], ranked[half:-half], ranked[-half:]


def _class_numbers(ranked: Sequence[ClassChange]) -> Html:
  rows = [
    (
      named(c.name),
      decimal(c.learned),
      decimal(c.baseline),
      around(signed(c.change), c.half_width),
      count(c.images),
    )
    for c in ranked
  ]
  head = ("class", "learned", "baseline", "change", "test images")
  return grid(head, rows, numbers=(1, 2, 3, 4), label="All classes")
