import math

import numpy as np
import pytest
from scipy import stats

from autoaug_jax.app import Interval, interval, percent, student_quantile


@pytest.mark.parametrize("degrees", [1, 2, 4, 9, 30])
def test_quantiles_are_scipys(degrees):
  # float32: an error of 1e-7 in a probability of 0.05.
  assert student_quantile(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-4)


def test_interval_of_five_runs():
  values = [0.91, 0.93, 0.9, 0.92, 0.95]
  low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
  found = interval(values)
  assert found.mean == pytest.approx(np.mean(values))
  assert found.half_width == pytest.approx((high - low) / 2, rel=1e-4)


def test_one_run_has_no_interval():
  found = interval([0.5])
  assert found.mean == 0.5
  assert math.isnan(found.half_width)
  assert percent(found) == "50.00"
  with pytest.raises(ValueError, match="at least one value"):
    interval([])


def test_shares_are_told_in_percent():
  assert percent(Interval(0.96524, 0.004)) == "96.52 ± 0.40"
