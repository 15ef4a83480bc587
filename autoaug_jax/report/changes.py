"""Which classes gain, and which lose."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autoaug_jax.report.checks import array, some
from autoaug_jax.report.colors import SERIES
from autoaug_jax.report.lines import short
from autoaug_jax.report.numerals import around, signed
from autoaug_jax.report.style import GREY, INK, PAPER, SMALL, panels, styled

if TYPE_CHECKING:
  from matplotlib.figure import Figure

GAIN, LOSS = SERIES[0], SERIES[1]


@styled
def class_changes(
  names: Sequence[str],
  change: Any,
  *,
  half_width: Any = None,
  most: int = 30,
  label: str = "change of accuracy, points",
  title: str = "",
) -> "Figure":
  """What classes gain by one policy over another, the largest gain on top.

  `change` and `half_width` are [n]; NaN, for a class without test images or a single run, has no
  bar or no whiskers. Of more than `most` classes the first and the last are shown, and between
  them how many there are and how far those go.
  """
  some("names", names)
  if most < 2:
    raise ValueError(f"most must be at least 2, not {most}")
  gains = array("change", change, len(names)).astype(np.float64)
  unknown = np.full(len(names), np.nan)
  around_each = unknown if half_width is None else half_width
  halves = array("half_width", around_each, len(names)).astype(np.float64)
  shown, rest, cut = _chosen(gains, most)
  count = max(len(shown) + bool(rest.size), 1)
  figure, (ax,) = panels(1, 1, size=(6.0, 0.75 + 0.2 * count), title=title)
  # A row is left free for what is said of the others.
  rows = np.arange(len(shown))
  places = -(rows + ((rows >= cut) & bool(rest.size))).astype(np.float64)
  values, whiskers = gains[shown], halves[shown]
  ax.barh(places, values, height=0.62, color=[GAIN if value >= 0 else LOSS for value in values])
  wide = np.isfinite(whiskers)
  ax.errorbar(
    values[wide], places[wide], xerr=whiskers[wide], fmt="none", ecolor=INK, elinewidth=0.9
  )
  ax.axvline(0, color=GREY, lw=0.8)
  ax.set(yticks=places, ylim=(0.4 - count, 0.6), xlabel=label)
  ax.set_yticklabels([short(names[i]) for i in shown], color=INK)
  ax.grid(axis="x")
  beside = ax.get_yaxis_transform()
  for place, value, half in zip(places, values, whiskers, strict=True):
    said = around(signed(value, places=1), half, places=1)
    ax.text(1.02, place, said, transform=beside, va="center", fontsize=SMALL)
  if rest.size:
    ends = f"from {signed(rest.min(), places=1)} to {signed(rest.max(), places=1)}"
    told = ax.text(0.5, -cut, f"{rest.size} more classes, {ends}", transform=beside, color=GREY)
    told.set(ha="center", va="center", fontsize=SMALL, backgroundcolor=PAPER)
  ax.spines["left"].set_visible(False)
  return figure


def _chosen(gains: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray, int]:
  """Which classes are shown, by rank, the gains of the others, and after how many those come."""
  ranked = np.argsort(-gains, kind="stable")
  ranked = ranked[np.isfinite(gains[ranked])]
  if len(ranked) <= most:
    return ranked, gains[:0], len(ranked)
  cut, last = most // 2, len(ranked) - (most - most // 2)
  return np.concatenate([ranked[:cut], ranked[last:]]), gains[ranked[cut:last]], cut
