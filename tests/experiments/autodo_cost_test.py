import pytest

from experiments.benchmarks import autodo_cost
from experiments.benchmarks.autodo_cost import Case, calls_of, ratios, table


@pytest.mark.slow
def test_every_move_runs():
  for call in calls_of(Case("small-cnn", batch=4, size=8, examples=16, rows=40)).values():
    call()
    call()


def test_ratios_are_taken_within_a_round():
  seconds = {"baseline": [1.0, 2.0, 4.0], "training": [2.0, 2.0, 5.0], "search": [1.0, 4.0, 3.0]}
  found = ratios(seconds)
  assert found["active epoch / baseline's"] == (3.0, 2.0, 3.0)
  assert found["active epoch / epoch before"] == (1.6, 1.5, 3.0)
  assert found["search / training"] == (0.6, 0.5, 2.0)
  lines = table(found).splitlines()
  assert lines[-1] == "| active epoch / baseline's | 3.00 | 2.00-3.00 |"
  assert autodo_cost.GOAL == 2.3
