import numpy as np
import pytest

from autoaug_jax import report
from tests.report.looks import assert_readable, texts


def whiskers(ax):
  return [bar.get_segments()[0] for bar in ax.collections]


def test_rows_have_dots_and_whiskers():
  names, mean, half = ["none", "learned", "wide"], [96.0, 97.5, 95.0], [0.5, 0.25, np.nan]
  figure = report.accuracy_chart(names, mean, half, highlighted=["learned"], title="Digits")
  (ax,) = figure.axes
  # The first on top.
  dots = [tuple(map(float, np.ravel(container[0].get_data()))) for container in ax.containers]
  assert dots == [(96.0, 2.0), (97.5, 1.0), (95.0, 0.0)]
  np.testing.assert_allclose(whiskers(ax)[:2], [[[95.5, 2], [96.5, 2]], [[97.25, 1], [97.75, 1]]])
  assert len({container[0].get_color() for container in ax.containers}) == 2
  said = {text for text, _ in texts(figure)}
  assert {"96.00 ± 0.50", "97.50 ± 0.25", "95.00", *names} <= said
  assert_readable(figure)


def test_against_a_parameter():
  settings, error, half = [5, 60, "never"], [3.0, 3.25, 4.0], [0.5, np.nan, 0.25]
  levels = {"no augmentation": 5.0, "RandAugment": 4.9}
  figure = report.against(
    settings, error, half, cost=[9.0, 2.0, 1.0], label="steps", levels=levels, title="MADAO"
  )
  top, below = figure.axes
  np.testing.assert_array_equal(top.containers[0][0].get_data(), [[0, 1, 2], error])
  segments = top.collections[0].get_segments()
  np.testing.assert_allclose([s[:, 1] for s in segments], [[2.5, 3.5], [3.25, 3.25], [3.75, 4.25]])
  dashed = [line.get_ydata()[0] for line in top.lines if line.get_linestyle() == "--"]
  assert dashed == [5.0, 4.9]
  assert [bar.get_height() for bar in below.patches] == [9.0, 2.0, 1.0]
  assert [t.get_text() for t in below.get_xticklabels()] == ["5", "60", "never"]
  assert_readable(figure)


def test_the_cost_may_be_left_out():
  assert len(report.against([1, 2], [3.0, 4.0], [0.1, 0.1]).axes) == 1


@pytest.mark.parametrize(
  ("call", "message"),
  [
    (lambda: report.accuracy_chart([], [], []), "names takes at least one entry, got none"),
    (
      lambda: report.accuracy_chart(["a"], [1.0, 2.0], [0.1]),
      r"mean takes an array of shape \[1\]",
    ),
    (
      lambda: report.accuracy_chart(["a"], [1.0], [0.1], highlighted=["b"]),
      "highlighted takes names of rows, got 'b'",
    ),
    (
      lambda: report.against([1], [1.0], [0.1], cost=[0.0]),
      "cost takes positive numbers, got 0",
    ),
  ],
  ids=["empty", "shape", "highlight", "cost"],
)
def test_mistakes_get_one_sentence(call, message):
  with pytest.raises(ValueError, match=message):
    call()


def test_columns_stand_below_each_other_on_one_scale():
  columns = {
    "short": (["learned", "none"], [90.0, 80.0], [1.0, np.nan]),
    "long": (["learned", "none", "wide"], [90.0, 85.0, np.nan], [1.0, 2.0, np.nan]),
  }
  figure = report.accuracy_charts(columns, highlighted=["learned"], title="Digits")
  first, second = figure.axes
  assert first.get_xlim() == second.get_xlim()
  low, high = first.get_xlim()
  assert low < 80
  assert high > 91
  assert [ax.get_title(loc="left") for ax in figure.axes] == ["short", "long"]
  assert [t.get_text() for t in second.get_yticklabels()] == ["learned", "none", "wide"]
  for ax in figure.axes:  # a band over the learned row's interval
    (band,) = ax.patches
    np.testing.assert_allclose([band.get_x(), band.get_width()], [89.0, 2.0])
  assert [text.get_text() for text in second.texts] == ["90.00 ± 1.00", "85.00 ± 2.00", "–"]
  assert_readable(figure)
