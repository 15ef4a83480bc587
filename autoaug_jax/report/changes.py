"""Which classes gain, and which lose."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autoaug_jax.report.checks import array, some
from autoaug_jax.report.colors import SERIES
from autoaug_jax.report.lines import short
from autoaug_jax.report.style import GREY, INK, SMALL, panels, styled

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
  half = np.full(len(names), np.nan) if half_width is None else half_width
  around = array("half_width", half, len(names)).astype(np.float64)
  ranked = np.argsort(-gains, kind="stable")  # NaN last
  ranked = ranked[np.isfinite(gains[ranked])]
  folds = len(ranked) > most
  cut = most // 2
  shown = np.concatenate([ranked[:cut], ranked[len(ranked) - (most - cut) :]]) if folds else ranked
  # A row is left free for what is said of the others.
  places = -np.arange(len(shown), dtype=np.float64) - np.where(
    np.arange(len(shown)) < cut, 0, folds
  )
  count = len(shown) + folds
  figure, (ax,) = panels(1, 1, size=(6.0, 0.75 + 0.2 * max(count, 1)), title=title)
  values, whiskers = gains[shown], np.nan_to_num(around[shown])
  colors = [GAIN if value >= 0 else LOSS for value in values]
  ax.barh(places, values, height=0.62, color=colors)
  wide = whiskers > 0
  ax.errorbar(
    values[wide], places[wide], xerr=whiskers[wide], fmt="none", ecolor=INK, elinewidth=0.9
  )
  ax.axvline(0, color=GREY, lw=0.8)
  ax.set(yticks=places, ylim=(-max(count, 1) + 0.4, 0.6), xlabel=label)
  ax.set_yticklabels([short(names[i]) for i in shown], color=INK)
  ax.grid(axis="x")
  for place, value, h in zip(places, values, around[shown], strict=True):
    said = f"{value:+.1f}" if np.isnan(h) else f"{value:+.1f} ± {h:.1f}"
    ax.text(1.02, place, said, transform=ax.get_yaxis_transform(), va="center", fontsize=SMALL)
  if folds:
    rest = gains[ranked[cut : len(ranked) - (most - cut)]]
    said = f"{len(rest)} more classes, from {rest.min():+.1f} to {rest.max():+.1f}"
    beside = ax.get_yaxis_transform()
    ax.text(0.5, -cut, said, transform=beside, ha="center", va="center", fontsize=SMALL, color=GREY)
  ax.spines["left"].set_visible(False)
  return figure
