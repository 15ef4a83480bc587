import matplotlib.colors
import numpy as np
import pytest

from autoaug_jax import report
from tests.report.looks import assert_readable, texts

NAMES = ["cat", "dog", "emu", "owl"]


def bars(figure):
  """(place from above, length) of each bar."""
  return [(-b.get_y() - b.get_height() / 2, b.get_width()) for b in figure.axes[0].patches]


def test_gains_are_above_losses():
  figure = report.class_changes(NAMES, [-1.0, 2.5, np.nan, 0.5], half_width=[0.5, 1, 1, np.nan])
  np.testing.assert_allclose(bars(figure), [(0, 2.5), (1, 0.5), (2, -1.0)], atol=1e-12)
  ax = figure.axes[0]
  assert [t.get_text() for t in ax.get_yticklabels()] == ["dog", "owl", "cat"]
  whiskers = ax.collections[0].get_segments()
  np.testing.assert_allclose(whiskers, [[[1.5, 0], [3.5, 0]], [[-1.5, -2], [-0.5, -2]]])
  said = {text.replace("\u00a0", " ") for text, _ in texts(figure)}
  assert {"+2.5 ± 1.0", "+0.5", "−1.0 ± 0.5"} <= said
  shades = [matplotlib.colors.to_hex(b.get_facecolor()) for b in ax.patches]
  assert shades[0] == shades[1] != shades[2]
  assert_readable(figure)


def test_of_many_classes_the_first_and_the_last_are_shown():
  change = np.random.default_rng(0).permutation(np.arange(-50.0, 51.0))
  figure = report.class_changes([f"class {i}" for i in range(101)], change, most=7)
  shown = [(0, 50), (1, 49), (2, 48), (4, -47), (5, -48), (6, -49), (7, -50)]
  np.testing.assert_allclose(bars(figure), shown, atol=1e-12)
  assert "94 more classes, from −46.0 to +47.0" in {text for text, _ in texts(figure)}
  assert_readable(figure)


def test_long_names_leave_room():
  figure = report.class_changes(["long " * 40, "short"], [1.0, -2.0], title="Classes")
  names = [t.get_text() for t in figure.axes[0].get_yticklabels()]
  assert len(names[0]) <= 32
  assert "…" in names[0]
  assert_readable(figure)


def test_where_nothing_is_known_nothing_is_drawn():
  assert not bars(report.class_changes(NAMES, [np.nan] * 4))


@pytest.mark.parametrize(
  ("call", "message"),
  [
    (lambda: report.class_changes([], []), "names takes at least one entry, got none"),
    (lambda: report.class_changes(["a"], [1.0, 2.0]), r"change takes an array of shape \[1\]"),
    (lambda: report.class_changes(["a"], [1.0], most=1), "most must be at least 2, not 1"),
  ],
  ids=["empty", "shape", "most"],
)
def test_mistakes_get_one_sentence(call, message):
  with pytest.raises(ValueError, match=message):
    call()
