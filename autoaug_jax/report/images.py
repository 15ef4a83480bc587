"""What augmentations do to images, seen."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autoaug_jax.report.checks import array, some
from autoaug_jax.report.style import GREY, INK, LARGE, LINE, NORMAL, PAPER, styled

if TYPE_CHECKING:
  from matplotlib.axes import Axes
  from matplotlib.figure import Figure

SIDE = 1.2  # inches of an image
HEAD, TITLE, LEFT, GAP = 0.3, 0.4, 1.1, 0.07
TINY, LINE_HEIGHT, LETTERS = 8.0, 0.14, 19  # of captions: points, inches, and letters in a line


@styled
def extremes(
  before: Any,
  likely: Any,
  unlikely: Any,
  *,
  likely_names: Sequence[Sequence[str]],
  unlikely_names: Sequence[Sequence[str]],
  rows: Sequence[str] = (),
  title: str = "",
) -> "Figure":
  """Images under the most and the least likely augmentations (SLACK, Figure 1).

  Args:
    before: [R, H, W, C], uint8 or in [0, 1]; a row for each.
    likely: [R, M, H, W, C], the same images under M likely augmentations.
    unlikely: [R, M', H, W, C].
    likely_names: R times M captions.
    unlikely_names: R times M'.
    rows: a name for each row: a data set, a class.
    title: above all.
  """
  original = _pixels("before", before, 4)
  groups = [("as it is", original[:, None], [[""] for _ in original])]
  for head, name, images, captions in (
    ("most likely", "likely", likely, likely_names),
    ("least likely", "unlikely", unlikely, unlikely_names),
  ):
    pixels = _pixels(name, images, 5)
    array(name, pixels, len(original), "augmentations", *original.shape[1:])
    if [len(row) for row in captions] != [pixels.shape[1]] * len(original):
      raise ValueError(f"{name}_names takes {len(original)} rows of {pixels.shape[1]} captions")
    groups.append((head, pixels, [list(row) for row in captions]))
  return _page(groups, rows=rows, title=title)


@styled
def through_time(
  images: Any,
  labels: Sequence[str],
  *,
  before: Any = None,
  title: str = "",
) -> "Figure":
  """The same images as augmented at different times of a search (Online bilevel, Figure 3).

  Args:
    images: [E, n, H, W, C], uint8 or in [0, 1]; a row for each of E times.
    labels: of the times: "epoch 1" ...
    before: [n, H, W, C], the images as they are, in a first row.
    title: above all.
  """
  pixels = _pixels("images", images, 5)
  if len(labels) != len(pixels):
    raise ValueError(f"labels takes one for each of {len(pixels)} rows, got {len(labels)}")
  names = list(labels)
  if before is not None:
    first = array("before", _pixels("before", before, 4), *pixels.shape[1:])
    pixels, names = np.concatenate([first[None], pixels]), ["as they are", *names]
  return _page([("", pixels, None)], rows=names, title=title)


@styled
def suspects(
  images: Any,
  given: Any,
  weights: Any,
  *,
  proposed: Any = None,
  names: Sequence[str] = (),
  columns: int = 8,
  title: str = "",
) -> "Figure":
  """The examples whose labels a search doubts most, the most doubtful first.

  Args:
    images: [n, H, W, C], uint8 or in [0, 1], in the order in which they are shown.
    given: int [n], their labels.
    weights: [n], what the search counts them for.
    proposed: int [n], the labels that it would give.
    names: of the classes; numbers if left out.
    columns: images side by side.
    title: above all.
  """
  pixels = _pixels("images", images, 4)
  count = len(pixels)
  labels = array("given", given, count)
  counted = array("weights", weights, count)
  others = labels if proposed is None else array("proposed", proposed, count)

  def called(label: Any) -> str:
    if not names:
      return str(label)
    if not 0 <= label < len(names):
      raise ValueError(f"labels lie below the {len(names)} classes there are, got {label}")
    return names[label]

  said = [
    f"{called(a)} → {called(b)}\nweight {w:.2g}" if a != b else f"{called(a)}\nweight {w:.2g}"
    for a, b, w in zip(labels, others, counted, strict=True)
  ]
  across = min(columns, count)
  blank = -count % across
  grid = np.concatenate([pixels, np.ones((blank, *pixels.shape[1:]))])
  captions = np.reshape([*said, *[""] * blank], (-1, across)).tolist()
  return _page(
    [("", grid.reshape(-1, across, *pixels.shape[1:]), captions)], title=title, shown=count
  )


def _pixels(name: str, value: Any, rank: int) -> np.ndarray:
  """Floats in [0, 1]."""
  found = np.asarray(value)
  axes = ("images", "augmentations")[: rank - 3]
  array(name, found, *axes, "height", "width", "channels")
  some(name, found)
  if found.shape[-1] not in (1, 3):
    raise ValueError(f"{name} takes images of 1 or 3 channels, got {found.shape[-1]}")
  if found.dtype == np.uint8:
    return found / 255.0
  return np.clip(found.astype(np.float64), 0.0, 1.0)


Group = tuple[str, np.ndarray, list[list[str]] | None]  # (head, [R, M, H, W, C], captions)


def _page(
  groups: Sequence[Group], *, rows: Sequence[str] = (), title: str = "", shown: int | None = None
) -> "Figure":
  """Groups of columns beside each other, measured out in inches."""
  from matplotlib.figure import Figure

  count, _, height, width = groups[0][1].shape[:4]
  if rows and len(rows) != count:
    raise ValueError(f"rows takes a name for each of {count} rows, got {len(rows)}")
  tall = SIDE * height / width
  groups = [(head, pixels, captions and _wrapped(captions)) for head, pixels, captions in groups]
  captions = [c for group in groups for row in group[2] or [] for c in row if c]
  lines = max((c.count("\n") + 1 for c in captions), default=0)
  below = lines * LINE_HEIGHT + (0.08 if lines else 0.0)
  top = (TITLE if title else 0.05) + (HEAD if any(head for head, *_ in groups) else 0.0)
  left = LEFT if rows else 0.08
  columns = sum(pixels.shape[1] for _, pixels, _ in groups)
  wide = left + columns * (SIDE + GAP) + (len(groups) - 1) * 2 * GAP + 0.05
  high = top + count * (tall + below + GAP) + 0.03
  figure = Figure((wide, high))

  def place(x: float, y: float) -> tuple[float, float]:
    return x / wide, 1 - y / high

  if title:
    figure.text(*place(0.08, 0.1), title, fontsize=LARGE, fontweight="bold", va="top")
  for row, name in enumerate(rows):
    middle = top + row * (tall + below + GAP) + tall / 2
    figure.text(*place(left - 0.1, middle), name, ha="right", va="center", fontsize=NORMAL)
  x = left
  for head, pixels, said in groups:
    figure.text(*place(x, top - 0.1), head, fontsize=NORMAL, color=GREY)
    for column in range(pixels.shape[1]):
      for row in range(count):
        if shown is not None and row * pixels.shape[1] + column >= shown:
          continue
        y = top + row * (tall + below + GAP)
        ax = figure.add_axes((*place(x, y + tall), SIDE / wide, tall / high))
        _image(ax, pixels[row, column])
        if said is not None:
          ax.set_xlabel(said[row][column], fontsize=TINY, color=INK, labelpad=3)
      x += SIDE + GAP
    x += 2 * GAP
  return figure


def _wrapped(captions: list[list[str]]) -> list[list[str]]:
  def wrap(caption: str) -> str:
    return "\n".join("\n".join(textwrap.wrap(c, LETTERS)) for c in caption.split("\n"))

  return [[wrap(caption) for caption in row] for row in captions]


def _image(ax: "Axes", pixels: np.ndarray) -> None:
  grey = pixels.shape[-1] == 1
  ax.imshow(pixels[..., 0] if grey else pixels, cmap="gray", vmin=0, vmax=1, aspect="auto")
  ax.set(xticks=[], yticks=[], facecolor=PAPER)
  for spine in ax.spines.values():
    spine.set(visible=True, color=LINE, linewidth=0.5)
