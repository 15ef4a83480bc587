"""What a search does to its policy, move by move."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autoaug_jax.report.checks import array, shares, some
from autoaug_jax.report.colors import op_color, op_colors, series_color
from autoaug_jax.report.lines import LABEL, axis, end_names, level, marks
from autoaug_jax.report.style import panels, spare, styled

if TYPE_CHECKING:
  from matplotlib.figure import Figure

COLUMNS, NARROW = 2, 3  # panels beside each other, with names at their curves and without
LEAST_HEIGHT, AROUND = 2.3, 0.75  # inches: of a panel's axes, and of what is above and below them


@styled
def evolution(
  names: Sequence[str],
  moves: Any,
  values: Any,
  *,
  label: str = "probability",
  uniform: float | None = None,
  titles: Sequence[str] = (),
  begins: Sequence[float] = (),
  title: str = "",
) -> "Figure":
  """One number of each op over a search: probabilities, bounds, magnitudes.

  SLACK's Figures 4 and 7-9 are its probabilities, MADAO's Figures 3-5 the chances of being selected
  and applied and the magnitudes, by stage.

  Args:
    names: of the N ops.
    moves: [T], ascending.
    values: [T, N], or [T, K, N] with a panel for each of K slots.
    label: what the numbers are.
    uniform: a level to compare with, 1 / N for probabilities.
    titles: of the panels; "slot 1" ... if left out.
    begins: moves at which something else begins, a round or a phase.
    title: of the whole.
  """
  some("names", names)
  at = _ascending(moves)
  found = np.asarray(values, np.float64)
  found = found[:, None] if found.ndim == 2 else found
  array("values", found, len(at), "slots", len(names))
  slots = found.shape[1]
  heads = _titles(titles, slots)
  height = max(LEAST_HEIGHT, LABEL * (len(names) + 1))
  columns = min(slots, COLUMNS)
  size = (4.6, height + AROUND)
  figure, axes = panels(-(-slots // columns), columns, size=size, title=title)
  low, high = min(0.0, float(found.min())), float(found.max())
  high = max(high, uniform or 0.0) + 0.04 * (high - low or 1.0)
  colors = op_colors(names)
  for slot, ax in enumerate(axes[:slots]):
    axis(ax, at, low=low, high=high)
    marks(ax, begins)
    for name, curve, color in zip(names, found[:, slot].T, colors, strict=True):
      ax.plot(at, curve, color=color, label=name, zorder=2 + curve[-1], clip_on=False)
    if uniform is not None:
      level(ax, uniform, f"uniform, {uniform:.3g}")
    end_names(ax, names, found[-1, slot], colors, height=height)
    ax.set(title=heads[slot], xlabel="move", ylabel=label)
  spare(axes, slots)
  return figure


@styled
def entropy(
  moves: Any,
  probability: Any,
  *,
  titles: Sequence[str] = (),
  begins: Sequence[float] = (),
  title: str = "",
) -> "Figure":
  """How undecided a policy is over a search: the entropy of each slot's ops, in nats.

  `probability` is [T, N] or [T, K, N]; the level of uniform probabilities, log N, is dashed. Where
  curves fall to 0 the policy has collapsed to single ops.
  """
  at = _ascending(moves)
  found = np.asarray(probability, np.float64)
  found = found[:, None] if found.ndim == 2 else found
  shares("probability", found, len(at), "slots", "ops")
  slots, count = found.shape[1:]
  heads = _titles(titles, slots)
  nats = -np.sum(found * np.log(np.where(found > 0, found, 1.0)), axis=-1)  # [T, K]
  most = float(np.log(count))
  figure, (ax,) = panels(1, 1, size=(5.4, LEAST_HEIGHT + AROUND), title=title)
  axis(ax, at, low=0.0, high=1.15 * most or 1.0)
  marks(ax, begins)
  colors = [series_color(slot) for slot in range(slots)]
  for head, curve, color in zip(heads, nats.T, colors, strict=True):
    ax.plot(at, curve, color=color, label=head, zorder=2)
  level(ax, most, f"uniform over {count} ops, {most:.3g}")
  if any(heads):
    end_names(ax, heads, nats[-1], colors, height=LEAST_HEIGHT)
  ax.set(xlabel="move", ylabel="entropy, nats")
  return figure


@styled
def spread(
  names: Sequence[str],
  moves: Any,
  mean: Any,
  deviation: Any,
  *,
  begins: Sequence[float] = (),
  title: str = "",
) -> "Figure":
  """How far each parameter of the transformations spreads over training, as mean and deviation.

  For policies that make their own transformation for every image (Online bilevel, AutoDO): `mean`
  and `deviation` are [T, N], over images and draws; a panel for each parameter shows the mean
  within one deviation.
  """
  some("names", names)
  at = _ascending(moves)
  middle = array("mean", mean, len(at), len(names)).astype(np.float64)
  around = array("deviation", deviation, len(at), len(names)).astype(np.float64)
  if np.any(around < 0):
    raise ValueError(f"deviation takes numbers of at least 0, got {around.min():g}")
  columns = min(len(names), NARROW)
  figure, axes = panels(-(-len(names) // columns), columns, size=(3.1, 2.0), title=title)
  for i, (name, ax) in enumerate(zip(names, axes, strict=False)):
    color = op_color(name)
    below, above = middle[:, i] - around[:, i], middle[:, i] + around[:, i]
    room = 0.08 * (above.max() - below.min()) or 0.5
    axis(ax, at, low=below.min() - room, high=above.max() + room)
    marks(ax, begins)
    ax.fill_between(at, below, above, color=color, alpha=0.22, lw=0, label="deviation")
    ax.plot(at, middle[:, i], color=color, label="mean")
    last_row = i + columns >= len(names)
    ax.set(title=name, xlabel="move" if last_row else "")
  spare(axes, len(names))
  return figure


def _ascending(moves: Any) -> np.ndarray:
  at = array("moves", moves, "moves").astype(np.float64)
  some("moves", at)
  if np.any(np.diff(at) <= 0):
    raise ValueError("moves takes numbers that ascend")
  return at


def _titles(titles: Sequence[str], slots: int) -> Sequence[str]:
  if not titles:
    return [f"slot {slot + 1}" for slot in range(slots)] if slots > 1 else [""]
  if len(titles) != slots:
    raise ValueError(f"titles takes one for each of {slots} slots, got {len(titles)}")
  return titles
