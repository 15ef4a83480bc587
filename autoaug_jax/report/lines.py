"""What all pictures of curves share: axes, levels, and names at the curves' ends."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from autoaug_jax.report.places import apart
from autoaug_jax.report.style import GREY, INK, LINE, SMALL

if TYPE_CHECKING:
  from matplotlib.axes import Axes

LABEL = 0.145  # inches that the line of a name takes
ABOVE = 50.0  # all curves
DASHES = (0, (4, 3))
LONGEST = 32  # letters of a name beside an axis


def axis(ax: "Axes", moves: np.ndarray, *, low: float, high: float) -> None:
  """Limits and a quiet grid."""
  first, last = float(moves[0]), float(moves[-1])
  ax.set(xlim=(first, last if last > first else first + 1), ylim=(low, high))
  ax.grid(axis="y")
  ax.margins(x=0)
  ax.locator_params(axis="x", nbins=5)
  ax.locator_params(axis="y", nbins=6)


def level(ax: "Axes", height: float, name: str) -> None:
  """A dashed line across, and what it is, above the axes."""
  ax.axhline(height, color=GREY, lw=1.0, ls=DASHES, zorder=ABOVE)
  ax.set_title(f"dashed: {name}", loc="right", fontsize=SMALL, color=GREY)


def marks(ax: "Axes", places: Sequence[float]) -> None:
  """Thin lines up, where something begins."""
  for place in places:
    ax.axvline(place, color=LINE, lw=0.8, zorder=0.5)


def end_names(
  ax: "Axes",
  names: Sequence[str],
  ends: np.ndarray,
  colors: Sequence[str],
  *,
  height: float,
) -> None:
  """Each name right of its curve's end; `height` is that of the axes in inches."""
  low, high = ax.get_ylim()
  gap = (high - low) * LABEL / height
  places = apart(np.clip(ends, low, high), gap, low=low, high=high)
  beside = ax.get_yaxis_transform()
  for name, end, place, color in zip(names, ends, places, colors, strict=True):
    ax.plot(
      [1.0, 1.01, 1.1, 1.13],
      [end, end, place, place],
      color=color,
      lw=1.1,
      transform=beside,
      clip_on=False,
    )
    ax.text(1.14, place, name, transform=beside, va="center", fontsize=SMALL, color=INK)


def short(name: str) -> str:
  """A name that fits beside an axis: a long one without its middle."""
  if len(name) <= LONGEST:
    return name
  half = (LONGEST - 1) // 2
  return f"{name[:half]}…{name[-half:]}"
