import math

import numpy as np
import pytest
from matplotlib.ticker import MaxNLocator

from autoaug_jax.report import strips
from tests.report.pages import find

NAN = math.nan


def test_a_scale_holds_all_intervals_with_room_at_both_ends():
  found = strips.scale([(90.0, 2.0), (80.0, NAN), (NAN, 5.0), (math.inf, 1.0)])
  # 80 to 92, and 6% of that on either side.
  np.testing.assert_allclose([found.low, found.high], [79.28, 92.72])
  assert found.at(found.low) == 0
  assert found.at(found.high) == 100
  np.testing.assert_allclose(found.at(86.0), 50.0)


def test_zero_is_on_the_scale_on_demand():
  assert strips.scale([(5.0, 1.0)]).low > 0
  assert 0.0 in strips.scale([(5.0, 1.0)], zero=True).ticks


@pytest.mark.parametrize(
  ("values", "ends"),
  [([], (-0.06, 1.06)), ([(7.0, NAN)], (6.5, 7.5))],
  ids=["nothing", "one number"],
)
def test_a_scale_of_little(values, ends):
  found = strips.scale(values)
  np.testing.assert_allclose([found.low, found.high], ends)


@pytest.mark.parametrize("width", [1e-6, 0.013, 0.7, 1.0, 3.2, 47.0, 1e5])
def test_ticks_are_round_numbers_as_matplotlib_has_them(width):
  found = strips.scale([(0.37 * width, 0.5 * width)])
  steps = np.diff(found.ticks)
  assert 2 <= len(found.ticks) <= 5
  # matplotlib's steps of 1, 2, 5 and 10 with as many intervals.
  wanted = MaxNLocator(nbins=strips.TICKS, steps=[1, 2, 5, 10]).tick_values(found.low, found.high)
  np.testing.assert_allclose(steps, np.diff(wanted)[0], rtol=1e-6)
  assert found.low <= found.ticks[0] <= found.ticks[-1] <= found.high


def test_marks_stand_where_their_numbers_are():
  scale = strips.Scale(-1.0, 3.0, (0.0, 2.0))
  lines = [
    strips.Line("a", 1.0, 0.5, ("x", ""), strong=True),
    strips.Line("b", -1.0, NAN, ("y", "")),
    strips.Line("c", NAN, NAN, ("z", "")),
  ]
  text = strips.table(
    ("name", "one", ""), lines, scale, label="all", tick=str, band=(1.0, 1.0)
  ).text
  assert [c.attributes["cx"] for c in find(text, "circle")] == ["50.0%", "0.0%"]
  (whisker,) = find(text, "line", class_="whisker")
  assert (whisker.attributes["x1"], whisker.attributes["x2"]) == ("37.5%", "62.5%")
  bands = find(text, "rect", class_="band")
  assert {(b.attributes["x"], b.attributes["width"]) for b in bands} == {("25.0%", "50.00%")}
  assert [len(find(text, "line", class_=kind)) for kind in ("zero", "grid")] == [3, 3]
  assert [t.text for t in find(text, "text")] == ["0.0", "2.0"]
  assert [t.attributes["x"] for t in find(text, "text")] == ["25.0%", "75.0%"]
  assert [row.text for row in find(text, "tr")] == [
    "name0.02.0one",
    "ax",
    "by",
    "cz",
  ]
  assert len(find(text, "tr", class_="strong")) == 1
