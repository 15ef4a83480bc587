"""A policy at a glance: how often each op is drawn, and how strong it may be."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autoaug_jax.report.checks import array, shares, some
from autoaug_jax.report.colors import op_color
from autoaug_jax.report.places import apart
from autoaug_jax.report.style import GREY, INK, LINE, PALE, PAPER, SMALL, panels, spare, styled

if TYPE_CHECKING:
  from matplotlib.axes import Axes
  from matplotlib.figure import Figure

PLAIN = ("AutoContrast", "Equalize", "Invert", "Grayscale", "FlipX", "FlipY", "Identity")
COLUMNS = 3
NOTE = "angle: probability    radius: bound of the magnitude, rings at ¼, ½, ¾ and 1"
TURN = 360.0


def policy_pie(
  names: Sequence[str],
  probability: Any,
  *,
  bound: Any = None,
  plain: Collection[str] = PLAIN,
  title: str = "",
) -> "Figure":
  """A policy as SLACK draws its own (Figures 3 and 4).

  Args:
    names: of the N ops.
    probability: [N], or [K, N], of which slots are averaged; a slice's angle.
    bound: [N], up to which magnitudes go, in [0, 1]; a slice's radius. None: all are full.
    plain: ops without a magnitude, whose slices are full.
    title: above it.
  """
  return policy_pies(names, {title: (probability, bound)}, plain=plain)


@styled
def policy_pies(
  names: Sequence[str],
  policies: Mapping[str, tuple[Any, Any]],
  *,
  plain: Collection[str] = PLAIN,
) -> "Figure":
  """title -> (probability, bound), each as in `policy_pie`, side by side."""
  some("policies", policies)
  columns = min(len(policies), COLUMNS)
  figure, axes = panels(-(-len(policies) // columns), columns, size=(5.2, 2.85))
  for ax, (title, (probability, bound)) in zip(axes, policies.items(), strict=False):
    _pie(ax, names, _mean(names, probability), _radii(names, bound, plain))
    ax.set_title(title, loc="center", fontweight="bold", pad=2)
  spare(axes, len(policies))
  if any(bound is not None for _, bound in policies.values()):
    figure.supxlabel(NOTE, fontsize=SMALL, color=GREY)
  return figure


def _mean(names: Sequence[str], probability: Any) -> np.ndarray:
  some("names", names)
  found = np.asarray(probability)
  rows = shares("probability", found[None] if found.ndim == 1 else found, "slots", len(names))
  if not np.allclose(rows.sum(axis=1), 1.0, atol=1e-3):
    raise ValueError(f"probability takes rows that sum to 1, got {rows.sum(axis=1).tolist()}")
  return rows.mean(axis=0) / rows.mean(axis=0).sum()


def _radii(names: Sequence[str], bound: Any, plain: Collection[str]) -> np.ndarray:
  if bound is None:
    return np.ones(len(names))
  radii = shares("bound", array("bound", bound, len(names)), len(names))
  return np.where([name in plain for name in names], 1.0, radii)


def _pie(ax: "Axes", names: Sequence[str], probability: np.ndarray, radii: np.ndarray) -> None:
  from matplotlib.patches import Circle, Wedge

  for ring in (0.25, 0.5, 0.75, 1.0):
    last = ring == 1.0
    ax.add_patch(Circle((0, 0), ring, fill=False, ec=LINE if last else PALE, lw=0.8, zorder=0))
  ends = np.cumsum(probability) * TURN
  for name, share, radius, end in zip(names, probability, radii, ends, strict=True):
    # Clockwise from the top, as one reads a clock.
    wedge = Wedge((0, 0), radius, 90 - end, 90 - end + share * TURN, label=name)
    wedge.set(facecolor=op_color(name), edgecolor=PAPER, linewidth=0.6, zorder=1)
    ax.add_patch(wedge)
  middles = np.deg2rad(90 - ends + probability * TURN / 2)
  for side in (-1, 1):
    chosen = [i for i, angle in enumerate(middles) if (math.cos(angle) >= 0) == (side > 0)]
    _labels(ax, names, probability, (radii, middles), (chosen, side))
  ax.set(xlim=(-2.75, 2.75), ylim=(-1.4, 1.4), aspect="equal")
  ax.axis("off")


def _labels(
  ax: "Axes",
  names: Sequence[str],
  probability: np.ndarray,
  polar: tuple[np.ndarray, np.ndarray],
  chosen_side: tuple[list[int], int],
) -> None:
  """Names in a column beside the circle, each tied to its slice."""
  (radii, middles), (chosen, side) = polar, chosen_side
  heights = apart([1.12 * math.sin(middles[i]) for i in chosen], 0.14, low=-1.33, high=1.33)
  for i, y in zip(chosen, heights, strict=True):
    x = side * 1.28
    rim = (math.cos(middles[i]), math.sin(middles[i]))
    start = max(min(radii[i], 1.0) - 0.04, 0.0)
    ax.plot(
      [start * rim[0], 1.06 * rim[0], x - side * 0.08, x],
      [start * rim[1], 1.06 * rim[1], y, y],
      color=op_color(names[i]) if probability[i] > 0.005 else LINE,
      lw=0.7,
      zorder=2,
    )
    faint = probability[i] < 0.005
    ax.text(
      x + side * 0.04,
      y,
      f"{names[i]}  {_percent(probability[i])}",
      ha="left" if side > 0 else "right",
      va="center",
      fontsize=SMALL,
      color=GREY if faint else INK,
    ).set_in_layout(False)  # the panel is wide enough


def _percent(share: float) -> str:
  return "<1%" if 0 < share < 0.005 else f"{100 * share:.0f}%"
