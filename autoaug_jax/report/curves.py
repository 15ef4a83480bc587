"""Networks while they are trained."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autoaug_jax.report.checks import array, some
from autoaug_jax.report.colors import series_color
from autoaug_jax.report.lines import axis, end_names
from autoaug_jax.report.style import PAPER, panels, styled

if TYPE_CHECKING:
  from matplotlib.axes import Axes
  from matplotlib.figure import Figure


class Curve(NamedTuple):
  """A curve of `learning_curves`; a network's accuracy or loss, epoch by epoch."""

  name: str
  epochs: Any  # [T], ascending
  values: Any  # [T]
  begins: float | None = None  # the epoch from which its augmentation is searched: a dot


@styled
def learning_curves(
  curves: Mapping[str, Sequence[Curve]], *, label: str = "epoch", title: str = ""
) -> "Figure":
  """Curves over training, panel title -> curves (AutoDO, Figures 5 and 7).

  A curve has the same colour in every panel, by its name, and a dot where its search begins.
  """
  some("curves", curves)
  named: dict[str, str] = {}
  for group in curves.values():
    some("a panel", group)
    for curve in group:
      named.setdefault(curve.name, series_color(len(named)))
  figure, axes = panels(1, len(curves), size=(4.6, 2.9), title=title)
  for ax, (head, group) in zip(axes, curves.items(), strict=True):
    _curves(ax, group, named)
    ax.set(title=head, xlabel=label)
  return figure


def _curves(ax: "Axes", group: Sequence[Curve], colors: Mapping[str, str]) -> None:
  epochs = [array("epochs", c.epochs, "epochs").astype(np.float64) for c in group]
  values = [array("values", c.values, len(e)) for c, e in zip(group, epochs, strict=True)]
  finite = np.concatenate([v[np.isfinite(v)] for v in values])
  low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
  room = 0.05 * (high - low) or 0.5
  axis(
    ax,
    np.asarray([min(map(np.min, epochs)), max(map(np.max, epochs))]),
    low=low - room,
    high=high + room,
  )
  for curve, at, value in zip(group, epochs, values, strict=True):
    ax.plot(at, value, color=colors[curve.name], label=curve.name)
    if curve.begins is not None:
      ax.plot(
        curve.begins,
        np.interp(curve.begins, at, value),
        "o",
        ms=7,
        mew=1.5,
        mfc=PAPER,
        mec=colors[curve.name],
        zorder=5,
      )
  names = [curve.name for curve in group]
  ends = np.asarray([value[-1] for value in values])
  end_names(ax, names, ends, [colors[name] for name in names], height=2.0)
