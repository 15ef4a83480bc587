"""How much fits into a time: never more than it, and more of it buys more."""

import itertools

import pytest

from autoaug_jax.app.sizing import SHAPES, Costs, least, sizes

SLACK = Costs(1.0, 5.0, 15.0, lambda epochs: 1.5 * epochs, joint=False)
JOINT = SLACK._replace(search=lambda epochs: 2.0 * epochs, joint=True)


@pytest.mark.parametrize("costs", [SLACK, JOINT], ids=["slack", "joint"])
@pytest.mark.parametrize("time", [300.0, 600.0, 1200.0, 3600.0, 36_000.0])
def test_what_is_planned_fits(costs, time):
  found = sizes(time, costs)
  assert found is not None
  assert found.seconds <= time
  assert found.shape.epochs <= found.epochs <= 200
  per_seed = found.longer if costs.joint else found.epochs + found.search_cost / found.shape.seeds
  assert per_seed <= found.longer < per_seed + 1, "a longer baseline costs what the search costs"


def test_more_time_buys_more():
  found = [sizes(time, SLACK) for time in (300.0, 600.0, 1200.0, 3600.0, 7200.0)]
  ranks = [SHAPES.index(one.shape) for one in found]
  assert ranks == sorted(ranks, reverse=True)
  assert ranks[0] > ranks[-1] == 0, "the richest shape has all baselines at equal cost"
  for one, other in itertools.pairwise(found):
    assert one.shape != other.shape or one.epochs < other.epochs


def test_the_least_is_the_least():
  time = least(SLACK)
  assert sizes(time, SLACK) is not None
  assert sizes(time / 1.1, SLACK) is None
  assert sizes(10.0, SLACK) is None
