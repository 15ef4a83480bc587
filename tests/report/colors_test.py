import itertools

import numpy as np
import pytest

from autoaug_jax.ops import spaces
from autoaug_jax.report import op_color
from autoaug_jax.report.colors import FAMILIES, SERIES

SPACES = (spaces.slack_domainnet, spaces.uniform_augment, spaces.autodo, spaces.madao)
# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
DEUTERANOPIA = [
  [0.367322, 0.860646, -0.227968],
  [0.280085, 0.672501, 0.047413],
  [-0.011820, 0.042940, 0.968881],
]
PROTANOPIA = [
  [0.152286, 1.052583, -0.204868],
  [0.114503, 0.786281, 0.099216],
  [-0.003882, -0.048116, 1.051998],
]


def linear(color):
  parts = np.asarray([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
  return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb):
  """Linear RGB -> CIELAB under D65."""
  to_xyz = np.asarray(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
  )
  ratio = to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
  f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
  return np.asarray([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.__name__)
def test_ops_differ_and_are_known(space):
  names = [op.name for op in space()]
  assert len({op_color(name) for name in names}) == len(names)
  assert set(names) <= set(itertools.chain(*FAMILIES.values()))


def test_an_op_of_ones_own_has_a_colour_that_stays():
  assert op_color("Fisheye") in SERIES
  assert op_color("Fisheye") == op_color("Fisheye")


@pytest.mark.parametrize(
  "eye", [np.eye(3), DEUTERANOPIA, PROTANOPIA], ids=["usual", "deuteranopia", "protanopia"]
)
@pytest.mark.parametrize("colors", [SERIES, tuple(FAMILIES)], ids=["series", "families"])
def test_every_eye_tells_them_apart(colors, eye):
  """A distance of 15 in CIELAB is seen at a glance."""
  seen = [lab(np.asarray(eye) @ linear(color)) for color in colors]
  distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
  assert min(distances) > 15
