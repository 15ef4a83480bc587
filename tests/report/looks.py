"""What a reader of a picture needs: no text beyond the edge, none over another."""

import itertools
from unittest import mock

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text


def texts(figure):
  """(string, box) of all that is really written, in dots; ticks out of sight are not."""
  written, draw = [], Text.draw

  def recording(text, *args, **kwargs):
    written.append(text)
    return draw(text, *args, **kwargs)

  renderer = FigureCanvasAgg(figure).get_renderer()
  with mock.patch.object(Text, "draw", recording):
    figure.draw(renderer)
  found = [text for text in written if text.get_visible() and text.get_text().strip()]
  return [(text.get_text(), text.get_window_extent(renderer)) for text in found]


def assert_readable(figure, *, slack=1.0):
  """No two texts overlap by more than `slack` dots, and all are on the page."""
  written = texts(figure)
  width, height = figure.bbox.width, figure.bbox.height
  for name, box in written:
    margins = (box.x0, box.y0, width - box.x1, height - box.y1)
    assert min(margins) >= -slack, f"{name!r} leaves the page"
  for (a, one), (b, other) in itertools.combinations(written, 2):
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0)
    assert min(across, down) <= slack, f"{a!r} covers {b!r}"


def lines(ax):
  """label -> [2, n], of the curves that have a name."""
  return {
    line.get_label(): line.get_data() for line in ax.lines if not line.get_label().startswith("_")
  }
