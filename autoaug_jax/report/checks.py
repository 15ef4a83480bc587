"""What pictures take, checked."""

from collections.abc import Sized
from typing import Any

import numpy as np


def array(name: str, value: Any, *shape: int | str) -> np.ndarray:
  """`value` as an array of `shape`, in which a word stands for any size."""
  found = np.asarray(value)
  fits = len(found.shape) == len(shape) and all(
    isinstance(want, str) or have == want for have, want in zip(found.shape, shape, strict=True)
  )
  if not fits:
    wanted = ", ".join(map(str, shape))
    raise ValueError(f"{name} takes an array of shape [{wanted}], got {list(found.shape)}")
  return found


def shares(name: str, value: Any, *shape: int | str) -> np.ndarray:
  """`value` as an array of numbers in [0, 1]."""
  found = array(name, value, *shape).astype(np.float64)
  outside = found[~((found >= -1e-6) & (found <= 1 + 1e-6))]
  if outside.size:
    raise ValueError(f"{name} takes numbers in [0, 1], got {outside[0]:g}")
  return found


def some(name: str, value: Sized) -> None:
  """Raises a ValueError where there is nothing to draw."""
  if not len(value):
    raise ValueError(f"{name} takes at least one entry, got none")
