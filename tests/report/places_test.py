import numpy as np
import pytest
from scipy import optimize

from autoaug_jax.report.places import apart


def test_what_is_apart_stays():
  np.testing.assert_array_equal(apart([0.9, 0.1, 0.5], 0.2), [0.9, 0.1, 0.5])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_moves_are_the_least_possible(seed):
  wanted = np.sort(np.random.default_rng(seed).uniform(0, 1, 6))
  gap = 0.25
  found = apart(wanted, gap)
  assert np.all(np.diff(found) >= gap - 1e-9)
  steps = {"type": "ineq", "fun": lambda x: np.diff(x) - gap}
  best = optimize.minimize(
    lambda x: np.sum((x - wanted) ** 2), np.linspace(0, 1.5, 6), constraints=steps
  )
  np.testing.assert_allclose(found, best.x, atol=1e-3)


def test_order_and_limits_are_kept():
  wanted = [0.99, 1.0, 0.98, 0.0]
  found = apart(wanted, 0.1, low=0.0, high=1.0)
  assert np.argsort(found).tolist() == np.argsort(wanted).tolist()
  np.testing.assert_allclose(found, [0.9, 1.0, 0.8, 0.0])


def test_gaps_shrink_where_there_is_no_room():
  np.testing.assert_allclose(apart([0.5] * 5, 1.0, low=0.0, high=1.0), [0, 0.25, 0.5, 0.75, 1])
  assert apart([], 1.0).shape == (0,)
