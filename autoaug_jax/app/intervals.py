"""What a few runs with different seeds say about the mean."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from jax.scipy.special import betainc

CONFIDENCE = 0.95


class Interval(NamedTuple):
  """A mean and the half-width of its 95% interval; NaN where one run tells nothing of it."""

  mean: float
  half_width: float


def interval(values: Sequence[float]) -> Interval:
  """Student's t interval of the mean of independent runs."""
  count = len(values)
  if not count:
    raise ValueError("an interval takes at least one value, got none")
  mean = math.fsum(values) / count
  if count == 1:
    return Interval(mean, math.nan)
  variance = math.fsum((v - mean) ** 2 for v in values) / (count - 1)
  return Interval(mean, student_quantile(count - 1) * math.sqrt(variance / count))


def percent(found: Interval) -> str:
  """Shares of 1 as people read them: 96.52 ± 0.45, or 96.52 of a single run."""
  mean, half = (100 * each for each in found)
  return f"{mean:.2f}" if math.isnan(half) else f"{mean:.2f} ± {half:.2f}"


def student_quantile(degrees: int) -> float:
  """How many standard errors either side of the mean hold 95% of Student's t distribution."""
  if degrees < 1:
    raise ValueError(f"degrees must be at least 1, not {degrees}")

  def outside(t: float) -> float:
    return float(betainc(degrees / 2, 0.5, degrees / (degrees + t * t)))

  low, high = 1.0, 16.0  # 1.96 for many degrees, 12.7 for one
  for _ in range(40):
    middle = (low + high) / 2
    low, high = (middle, high) if outside(middle) > 1 - CONFIDENCE else (low, middle)
  return (low + high) / 2
