"""Where labels stand so that none covers another."""

from collections.abc import Sequence

import numpy as np


def apart(
  wanted: Sequence[float], gap: float, *, low: float = -np.inf, high: float = np.inf
) -> np.ndarray:
  """Places at least `gap` apart within low..high, in the order of `wanted`, near to it.

  The sum of squared moves is the least possible (pooled neighbours); where there is no room for
  all, gaps shrink alike.
  """
  places = np.asarray(wanted, np.float64)
  if not len(places):
    return places
  gap = min(gap, (high - low) / max(len(places) - 1, 1))
  order = np.argsort(places, kind="stable")
  steps = gap * np.arange(len(places))
  # Less its steps, a spread-out sequence is one that does not fall: isotonic regression.
  blocks: list[tuple[float, int]] = []  # (mean, count)
  for value in places[order] - steps:
    mean, count = float(value), 1
    while blocks and blocks[-1][0] > mean:
      before, weight = blocks.pop()
      mean, count = (mean * count + before * weight) / (count + weight), count + weight
    blocks.append((mean, count))
  rising = np.concatenate([np.full(count, mean) for mean, count in blocks])
  placed = np.clip(rising, low, high - steps[-1]) + steps
  result = np.empty_like(placed)
  result[order] = placed
  return result
