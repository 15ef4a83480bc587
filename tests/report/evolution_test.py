import numpy as np
import pytest
from scipy import stats

from autoaug_jax import report
from autoaug_jax.ops import spaces
from tests.report.looks import assert_readable, lines

NAMES = ["Rotate", "Invert", "Cutout"]
MOVES = [0, 10, 20, 50]


def probabilities(*shape):
  return np.random.default_rng(0).dirichlet(np.ones(3), shape)


def test_every_op_of_every_slot_is_drawn():
  values = probabilities(4, 2)
  figure = report.evolution(NAMES, MOVES, values, uniform=1 / 3)
  assert [ax.get_title("left") for ax in figure.axes] == ["slot 1", "slot 2"]
  for slot, ax in enumerate(figure.axes):
    drawn = lines(ax)
    assert list(drawn) == NAMES
    for op, name in enumerate(NAMES):
      np.testing.assert_array_equal(drawn[name], [MOVES, values[:, slot, op]])


def test_one_slot_may_be_left_out_and_numbers_fall_below_zero():
  values = np.linspace(-1, 1, 12).reshape(4, 3)
  (ax,) = report.evolution(NAMES, MOVES, values, label="strength").axes
  np.testing.assert_array_equal(lines(ax)["Cutout"], [MOVES, values[:, 2]])
  assert ax.get_ylim()[0] <= -1
  assert ax.get_ylabel() == "strength"


def test_entropy_is_scipys():
  values = probabilities(4, 2)
  values[3, 0] = [1, 0, 0]
  (ax,) = report.entropy(MOVES, values, titles=["first", "second"]).axes
  for slot, name in enumerate(["first", "second"]):
    np.testing.assert_allclose(lines(ax)[name][1], stats.entropy(values[:, slot], axis=-1))
  dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
  np.testing.assert_allclose(dashed[0].get_ydata(), np.log(3))


def test_a_spread_is_a_band_around_the_mean():
  mean, deviation = np.random.default_rng(0).uniform(0, 1, (2, 4, 3))
  figure = report.spread(NAMES, MOVES, mean, deviation)
  for op, ax in enumerate(figure.axes):
    assert ax.get_title("left") == NAMES[op]
    np.testing.assert_array_equal(lines(ax)["mean"][1], mean[:, op])
    heights = np.unique(ax.collections[0].get_paths()[0].vertices[:, 1])
    sides = np.concatenate([mean[:, op] - deviation[:, op], mean[:, op] + deviation[:, op]])
    np.testing.assert_allclose(heights, np.unique(sides))


def test_twenty_ops_are_readable():
  names = [op.name for op in spaces.slack_domainnet()]
  values = np.random.default_rng(0).dirichlet(np.full(20, 0.1), (4, 3))
  assert_readable(report.evolution(names, MOVES, values, uniform=0.05, begins=[20], title="Three"))
  assert_readable(report.entropy(MOVES, values, title="Three"))
  assert_readable(report.spread(names, MOVES, values[:, 0], values[:, 1], title="Twenty"))


def test_one_move_is_enough(tmp_path):
  report.save(report.evolution(NAMES, [0], probabilities(1)), tmp_path / "one.png")
  report.save(report.spread(NAMES, [0], np.zeros((1, 3)), np.zeros((1, 3))), tmp_path / "two.png")


@pytest.mark.parametrize(
  ("moves", "values", "options", "message"),
  [
    ([0, 1], np.zeros((3, 3)), {}, r"values takes an array of shape \[2, slots, 3\]"),
    ([0, 0], np.zeros((2, 3)), {}, "moves takes numbers that ascend"),
    ([0, 1], np.zeros((2, 2, 3)), {"titles": ["a"]}, "titles takes one for each of 2 slots, got 1"),
  ],
)
def test_mistakes_get_one_sentence(moves, values, options, message):
  with pytest.raises(ValueError, match=message):
    report.evolution(NAMES, moves, values, **options)
