"""What an op is given, as a function of its strength (a float32), and its colours."""

from collections.abc import Callable
from typing import Any

import numpy as np


def as_it_is(strength: Any) -> Any:
  return strength


def truncated(strength: Any) -> Any:
  """int(strength), forgiving a rounding error."""
  return np.trunc(strength + np.float32(1e-4) * np.sign(strength))


def one_plus(strength: Any) -> Any:
  return np.float32(1) + strength


def one_minus(strength: Any) -> Any:
  return np.float32(1) - strength


def below_white(strength: Any) -> Any:
  return np.float32(255) - strength


def above_white(strength: Any) -> Any:
  return np.float32(256) - strength


def above_white_truncated(strength: Any) -> Any:
  return np.float32(256) - truncated(strength)


def bits_left(strength: Any) -> Any:
  return np.float32(8) - strength


def bits_left_truncated(strength: Any) -> Any:
  return np.float32(8) - truncated(strength)


VALUES: dict[str, Callable[[Any], Any]] = {
  "strength": as_it_is,
  "truncated": truncated,
  "one_plus": one_plus,
  "one_minus": one_minus,
  "255_minus": below_white,
  "256_minus": above_white,
  "256_minus_truncated": above_white_truncated,
  "8_minus": bits_left,
  "8_minus_truncated": bits_left_truncated,
}
