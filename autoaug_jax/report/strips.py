"""Means and intervals on a common scale, as rows of a table: charts that are text as well."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from autoaug_jax.report.html import Content, Html, element, joined
from autoaug_jax.report.numerals import known

TICKS = 4  # about as many
DOT = 4.5  # pixels


class Scale(NamedTuple):
  """From where to where strips go."""

  low: float
  high: float
  ticks: tuple[float, ...]

  def at(self, value: float) -> float:
    """In percent of the width."""
    return round(100 * (value - self.low) / (self.high - self.low), 2)


class Line(NamedTuple):
  """A row: its name, its mean and half-width, and cells that stand beside the strip."""

  name: Content
  mean: float
  half_width: float
  cells: tuple[Content, ...]
  strong: bool = False  # stands out


def scale(values: Iterable[tuple[float, float]], *, zero: bool = False) -> Scale:
  """That holds all (mean, half-width), and 0 on demand; 0 to 1 where nothing is known."""
  ends = [0.0] if zero else []
  for mean, half in values:
    if known(mean):
      around = half if known(half) else 0.0
      ends += [mean - around, mean + around]
  low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
  room = 0.06 * (high - low) or 0.5
  low, high = low - room, high + room
  return Scale(low, high, _ticks(low, high))


def table(
  head: Sequence[str],
  lines: Sequence[Line],
  scale: Scale,
  *,
  label: str,
  tick: Callable[[float], str],
  band: tuple[float, float] | None = None,
) -> Html:
  """Names, strips, and cells.

  Args:
    head: of the columns but for the strips': the name's and one for each cell.
    lines: the rows.
    scale: of the strips.
    label: what the table shows, for readers who do not see it.
    tick: how a tick is written.
    band: mean and half-width of an interval that all strips show.
  """
  top = element(
    "tr",
    element("th", head[0], scope="col", role="columnheader"),
    element("td", _axis(scale, tick), class_="strip", role="cell"),
    *(element("th", h, scope="col", role="columnheader", class_="number") for h in head[1:]),
    role="row",
  )
  # Small screens lay rows out anew, so that roles must be said.
  return element(
    "table",
    element("thead", top, role="rowgroup"),
    element("tbody", *(_row(line, scale, band) for line in lines), role="rowgroup"),
    class_="strips",
    role="table",
    aria_label=label,
  )


def _row(line: Line, scale: Scale, band: tuple[float, float] | None) -> Html:
  return element(
    "tr",
    element("th", line.name, scope="row", role="rowheader"),
    element("td", _strip(line, scale, band), class_="strip", role="cell"),
    *(element("td", cell, class_="number", role="cell") for cell in line.cells),
    class_="strong" if line.strong else None,
    role="row",
  )


def _strip(line: Line, scale: Scale, band: tuple[float, float] | None) -> Html:
  parts = []
  if band and known(band[0]) and known(band[1]):
    left, right = scale.at(band[0] - band[1]), scale.at(band[0] + band[1])
    wide = f"{right - left:.2f}%"
    parts.append(element("rect", x=f"{left}%", width=wide, height="100%", class_="band"))
  parts += [
    _upright(scale.at(tick), "zero" if tick == 0 and scale.low < 0 else "grid")
    for tick in scale.ticks
  ]
  if known(line.mean):
    middle = scale.at(line.mean)
    if known(line.half_width):
      left, right = scale.at(line.mean - line.half_width), scale.at(line.mean + line.half_width)
      parts.append(
        element("line", x1=f"{left}%", x2=f"{right}%", y1="50%", y2="50%", class_="whisker")
      )
    parts.append(element("circle", cx=f"{middle}%", cy="50%", r=DOT))
  return element("svg", *parts, aria_hidden="true", focusable="false")


def _axis(scale: Scale, tick: Callable[[float], str]) -> Html:
  marks = [
    element("text", tick(value), x=f"{scale.at(value)}%", y="1.05rem") for value in scale.ticks
  ]
  return element("svg", joined(marks), class_="axis", aria_hidden="true", focusable="false")


def _upright(at: float, kind: str) -> Html:
  return element("line", x1=f"{at}%", x2=f"{at}%", y1="0", y2="100%", class_=kind)


def _ticks(low: float, high: float) -> tuple[float, ...]:
  """Round numbers between, 1, 2 or 5 times a power of ten apart."""
  rough = (high - low) / TICKS
  power = 10.0 ** math.floor(math.log10(rough))
  step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))
  first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
  return tuple(round(n * step, 10) for n in range(first, last + 1))
