"""Numbers against each other: policies, and a swept parameter."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autoaug_jax.report.checks import array, some
from autoaug_jax.report.colors import SERIES
from autoaug_jax.report.lines import DASHES, end_names, short
from autoaug_jax.report.style import GREY, INK, SMALL, panels, styled

if TYPE_CHECKING:
  from matplotlib.axes import Axes
  from matplotlib.figure import Figure

BLUE, ORANGE = SERIES[:2]


def accuracy_chart(
  names: Sequence[str],
  mean: Any,
  half_width: Any,
  *,
  highlighted: Sequence[str] = (),
  label: str = "accuracy, %",
  title: str = "",
) -> "Figure":
  """Policies by their accuracies, the first on top, with the intervals of their means.

  `mean` and `half_width` are [n], in the unit of `label`; a half-width of NaN, of a single run, has
  no whiskers. `highlighted` names rows that stand out.
  """
  only = {"": (names, mean, half_width)}
  return accuracy_charts(only, highlighted=highlighted, label=label, title=title)


@styled
def accuracy_charts(
  columns: Mapping[str, tuple[Sequence[str], Any, Any]],
  *,
  highlighted: Sequence[str] = (),
  label: str = "accuracy, %",
  title: str = "",
) -> "Figure":
  """title -> (names, mean, half_width), each as in `accuracy_chart`, below each other, one scale.

  A band in each panel is the interval of its first highlighted row.
  """
  some("columns", columns)
  rows = {head: _rows(*column) for head, column in columns.items()}
  for name in highlighted:
    if all(name not in names for names, _, _ in rows.values()):
      raise ValueError(f"highlighted takes names of rows, got {name!r}")
  counts = [len(names) for names, _, _ in rows.values()]
  high = [0.55 * any(rows) + 0.27 * count for count in counts]
  size = (6.0, 0.75 / len(rows) + sum(high) / len(rows))
  figure, axes = panels(
    len(rows), 1, size=size, title=title, sharex=True, height_ratios=[n + 0.6 for n in counts]
  )
  ends = [m + sign * np.nan_to_num(h) for _, m, h in rows.values() for sign in (-1, 1)]
  finite = np.concatenate([end[np.isfinite(end)] for end in ends])
  low, top = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
  room = 0.04 * (top - low) or 0.5
  for ax, (head, found) in zip(axes, rows.items(), strict=True):
    ax.set(xlim=(low - room, top + room), title=head)
    _dots(ax, found, highlighted)
  axes[-1].set(xlabel=label)
  return figure


Rows = tuple[Sequence[str], np.ndarray, np.ndarray]


def _rows(names: Sequence[str], mean: Any, half_width: Any) -> Rows:
  some("names", names)
  middle = array("mean", mean, len(names)).astype(np.float64)
  middle = np.where(np.isfinite(middle), middle, np.nan)
  return names, middle, array("half_width", half_width, len(names)).astype(np.float64)


def _dots(ax: "Axes", found: Rows, highlighted: Sequence[str]) -> None:
  names, middle, half = found
  rows = np.arange(len(names))[::-1]
  ax.set(ylim=(-0.6, len(names) - 0.4), yticks=rows)
  ax.set_yticklabels([short(name) for name in names], color=INK)
  ax.grid(axis="x")
  first = next((i for i, name in enumerate(names) if name in highlighted), None)
  if first is not None and np.isfinite(middle[first] + half[first]):
    ends = middle[first] - half[first], middle[first] + half[first]
    ax.axvspan(*ends, color=ORANGE, alpha=0.1, lw=0, zorder=0)
  for row, name, m, h in zip(rows, names, middle, half, strict=True):
    color = ORANGE if name in highlighted else BLUE
    ax.errorbar(
      m, row, xerr=np.nan_to_num(h), fmt="o", ms=5, color=color, elinewidth=1.6, label=name
    )
    said = "–" if np.isnan(m) else f"{m:.2f}" if np.isnan(h) else f"{m:.2f} ± {h:.2f}"
    ax.text(1.02, row, said, transform=ax.get_yaxis_transform(), va="center", fontsize=SMALL)
  ax.spines["left"].set_visible(False)


@styled
def against(
  settings: Sequence[Any],
  error: Any,
  half_width: Any,
  *,
  cost: Any = None,
  label: str = "",
  error_label: str = "error, %",
  cost_label: str = "cost, network-steps",
  levels: Mapping[str, float] | None = None,
  title: str = "",
) -> "Figure":
  """An error with its intervals against a parameter, and beneath it what each setting costs.

  MADAO's Figure 2 is its test error against the number of steps between two searches. Settings
  stand at equal distances, in their order, so that "never" may be one.

  Args:
    settings: n of them, numbers or words.
    error: [n], means over runs.
    half_width: [n], of their intervals; NaN for a single run.
    cost: [n], all positive, or None.
    label: what the settings are.
    error_label: what the error is, with its unit.
    cost_label: the same for the cost.
    levels: name -> error of something without this parameter, a line across.
    title: above all.
  """
  some("settings", settings)
  middle = array("error", error, len(settings)).astype(np.float64)
  half = array("half_width", half_width, len(settings)).astype(np.float64)
  figure, axes = panels(
    1 if cost is None else 2, 1, size=(5.4, 2.7 if cost is None else 2.1), title=title, sharex=True
  )
  at, top = np.arange(len(settings)), axes[0]
  top.errorbar(at, middle, yerr=np.nan_to_num(half), fmt="o-", color=BLUE, ms=5, elinewidth=1.4)
  names, heights = list(levels or {}), list((levels or {}).values())
  for height in heights:
    top.axhline(height, color=GREY, lw=1.0, ls=DASHES, zorder=1)
  top.set(ylabel=error_label, xlim=(-0.4, len(settings) - 0.6))
  top.grid(axis="y")
  if names:
    top.margins(y=0.12)
    top.set_ylim(top.get_ylim())
    end_names(top, names, np.asarray(heights), [GREY] * len(names), height=1.5)
  if cost is not None:
    spent = array("cost", cost, len(settings)).astype(np.float64)
    if np.any(spent <= 0):
      raise ValueError(f"cost takes positive numbers, got {spent.min():g}")
    axes[1].bar(at, spent, width=0.55, color=ORANGE)
    axes[1].set(ylabel=cost_label)
    axes[1].grid(axis="y")
  axes[-1].set(xticks=at, xlabel=label)
  axes[-1].set_xticklabels([str(setting) for setting in settings])
  return figure
