import matplotlib.colors
import numpy as np
import pytest
from matplotlib.patches import Wedge

from autoaug_jax import report
from autoaug_jax.ops import spaces
from tests.report.looks import assert_readable, texts

NAMES = ["Rotate", "Invert", "Cutout", "Identity"]


def wedges(figure, panel=0):
  return [patch for patch in figure.axes[panel].patches if isinstance(patch, Wedge)]


def test_angles_are_probabilities_and_radii_bounds():
  rows = [[0.5, 0.25, 0.125, 0.125], [0.1, 0.45, 0.325, 0.125]]
  figure = report.policy_pie(NAMES, rows, bound=[0.4, 0.2, 1.0, 0.1])
  found = wedges(figure)
  assert [w.get_label() for w in found] == NAMES
  np.testing.assert_allclose([w.theta2 - w.theta1 for w in found], [108, 126, 81, 45])
  # Clockwise from the top, each where the one before ends.
  np.testing.assert_allclose([w.theta2 for w in found], [90, -18, -144, -225])
  assert [w.r for w in found] == [0.4, 1.0, 1.0, 1.0]  # Invert and Identity have no magnitude
  assert [matplotlib.colors.to_hex(w.get_facecolor()) for w in found] == [
    report.op_color(name) for name in NAMES
  ]


def test_without_bounds_slices_are_full():
  assert {w.r for w in wedges(report.policy_pie(NAMES, [0.25] * 4))} == {1.0}


def test_shares_are_written():
  said = {text for text, _ in texts(report.policy_pie(NAMES, [0.9, 0.096, 0.004, 0.0]))}
  assert {"Rotate  90%", "Invert  10%", "Cutout  <1%", "Identity  0%"} <= said


def test_policies_side_by_side():
  both = {"a": ([0.25] * 4, None), "b": ([1, 0, 0, 0], [0.5] * 4)}
  figure = report.policy_pies(NAMES, both)
  assert [w.theta2 - w.theta1 for w in wedges(figure, 1)] == [360, 0, 0, 0]
  assert [ax.get_title() for ax in figure.axes if ax.get_visible()] == ["a", "b"]


@pytest.mark.parametrize("peak", [0.0, 3.0, 8.0])
def test_twenty_ops_are_readable(peak):
  names = [op.name for op in spaces.slack_domainnet()]
  logits = peak * np.random.default_rng(0).normal(size=20)
  share = np.exp(logits) / np.exp(logits).sum()
  assert_readable(report.policy_pie(names, share, bound=np.linspace(0, 1, 20), title="A policy"))


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    ({"probability": [0.5, 0.5]}, r"probability takes an array of shape \[slots, 4\]"),
    ({"probability": [0.25, 0.25, 0.125, 0.125]}, r"rows that sum to 1, got \[0.75"),
    ({"probability": [1.5, -0.5, 0, 0]}, r"numbers in \[0, 1\], got 1.5"),
    ({"probability": [0.25] * 4, "bound": [1.0]}, r"bound takes an array of shape \[4\]"),
  ],
)
def test_mistakes_get_one_sentence(arguments, message):
  with pytest.raises(ValueError, match=message):
    report.policy_pie(NAMES, **arguments)
