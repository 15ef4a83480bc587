"""How all pictures look, and how they become files."""

import contextlib
import functools
import io
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from autoaug_jax.files import write_whole

if TYPE_CHECKING:
  from matplotlib.axes import Axes
  from matplotlib.figure import Figure

P = ParamSpec("P")
R = TypeVar("R")

INK, GREY, LINE, PALE, PAPER = "#22262b", "#6b7078", "#c9cbcf", "#eeeff1", "#ffffff"
SMALL, NORMAL, LARGE = 8.0, 9.0, 11.0  # points
FORMATS = (".png", ".pdf", ".svg")
DOTS = 200  # per inch

_LOOK: dict[str, Any] = {
  "font.family": "sans-serif",
  "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib
  "font.size": NORMAL,
  "text.color": INK,
  "text.parse_math": False,  # a class may be called "$1_a$"
  "text.usetex": False,
  "figure.facecolor": PAPER,
  "savefig.facecolor": PAPER,
  "axes.facecolor": PAPER,
  "axes.edgecolor": LINE,
  "axes.linewidth": 0.8,
  "axes.labelcolor": GREY,
  "axes.labelsize": NORMAL,
  "axes.titlesize": NORMAL,
  "axes.titlecolor": INK,
  "axes.titlelocation": "left",
  "axes.titlepad": 7.0,
  "axes.spines.top": False,
  "axes.spines.right": False,
  "axes.axisbelow": True,
  "grid.color": PALE,
  "grid.linewidth": 0.8,
  "xtick.color": LINE,
  "ytick.color": LINE,
  "xtick.labelcolor": GREY,
  "ytick.labelcolor": GREY,
  "xtick.labelsize": SMALL,
  "ytick.labelsize": SMALL,
  "xtick.major.size": 3.0,
  "ytick.major.size": 0.0,
  "lines.linewidth": 1.6,
  "lines.solid_capstyle": "round",
  "legend.frameon": False,
  "legend.fontsize": SMALL,
  "image.interpolation": "nearest",
  "svg.fonttype": "path",  # looks the same where there is no such font
  "svg.hashsalt": "autoaug_jax",
  "pdf.fonttype": 42,
}


def styled(draw: Callable[P, R]) -> Callable[P, R]:
  """`draw`, in the house's style."""

  @functools.wraps(draw)
  def in_style(*args: P.args, **kwargs: P.kwargs) -> R:
    with _look():
      return draw(*args, **kwargs)

  return in_style


def save(figure: "Figure", path: str | os.PathLike[str]) -> None:
  """Writes a picture as .png, .pdf or .svg, whole or not at all."""
  suffix = pathlib.Path(path).suffix.lower()
  if suffix not in FORMATS:
    raise ValueError(f"a picture is written as {', '.join(FORMATS)}, not as {os.fspath(path)!r}")
  write_whole(path, drawn(figure, suffix[1:]))


def drawn(figure: "Figure", kind: str) -> bytes:
  """The content of a file of this kind; the same figure gives the same SVG."""
  content = io.BytesIO()
  metadata = {"Date": None} if kind == "svg" else None
  with _look():
    figure.savefig(content, format=kind, dpi=DOTS, metadata=metadata)
  return content.getvalue()


def panels(
  rows: int, columns: int, *, size: tuple[float, float], title: str = "", **shared: Any
) -> tuple["Figure", "list[Axes]"]:
  """A figure of equal panels of `size` inches, row by row, under a title."""
  from matplotlib.figure import Figure
  from matplotlib.layout_engine import ConstrainedLayoutEngine

  head = 0.35 if title else 0.0
  layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08, wspace=0.03, hspace=0.03)
  figure = Figure((columns * size[0], rows * size[1] + head), layout=layout)
  if title:
    figure.suptitle(
      title, fontsize=LARGE, x=0.08 / (columns * size[0]), ha="left", fontweight="bold"
    )
  return figure, list(figure.subplots(rows, columns, squeeze=False, **shared).flat)


def spare(axes: "list[Axes]", used: int) -> None:
  """Hides the panels from number `used` on."""
  for ax in axes[used:]:
    ax.set_visible(False)


@contextlib.contextmanager
def _look() -> Iterator[None]:
  """The house's style for what is drawn within; ImportError where matplotlib is missing."""
  try:
    import matplotlib as mpl
  except ImportError:
    raise ImportError(
      "pictures need matplotlib, which is not installed: pip install 'autoaug_jax[report]'"
    ) from None
  ours: Any = {**mpl.rcParamsDefault, **_LOOK}
  ours.pop("backend")  # which of them shows pictures is no matter of looks
  with mpl.rc_context(ours):
    yield
