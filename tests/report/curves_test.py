import numpy as np
import pytest

from autoaug_jax import report
from tests.report.looks import assert_readable, lines


def test_curves_keep_their_colours_and_show_where_searches_begin():
  epochs = [1, 2, 4]
  one = report.Curve("baseline", epochs, [10.0, 20.0, 30.0])
  two = report.Curve("AutoDO", epochs, [12.0, 22.0, 31.0], begins=3)
  loss = report.Curve("AutoDO", epochs, [3.0, np.nan, 1.0])
  figure = report.learning_curves({"accuracy": [one, two], "loss": [loss]}, title="SVHN")
  left, right = figure.axes
  np.testing.assert_array_equal(lines(left)["baseline"], [epochs, one.values])
  np.testing.assert_array_equal(lines(left)["AutoDO"], [epochs, two.values])
  (dot,) = [line for line in left.lines if line.get_marker() == "o"]
  np.testing.assert_allclose(np.ravel(dot.get_data()), [3, 26.5])
  colors = [{l.get_label(): l.get_color() for l in ax.lines} for ax in (left, right)]
  assert colors[0]["AutoDO"] == colors[1]["AutoDO"] != colors[0]["baseline"]
  assert_readable(figure)


def test_eight_curves_that_end_alike_are_readable():
  curves = [report.Curve(f"E = {e}", range(20), np.full(20, 0.9)) for e in range(8)]
  assert_readable(report.learning_curves({"accuracy": curves, "validation accuracy": curves}))


def test_mistakes_get_one_sentence():
  with pytest.raises(ValueError, match=r"values takes an array of shape \[2\], got \[3\]"):
    report.learning_curves({"loss": [report.Curve("a", [1, 2], [1, 2, 3])]})
  with pytest.raises(ValueError, match="curves takes at least one entry"):
    report.learning_curves({})
