"""What is left out when time runs short, in which order, and what never is."""

import pytest

from autoaug_jax.app.builtin import DIGITS
from autoaug_jax.app.plan import BASELINES
from autoaug_jax.app.pressure import Time, before_seed, without_seeds

PLAN = DIGITS._replace(seeds=(0, 1, 2), rows=BASELINES, longer_rows=BASELINES[:1])
EACH = dict.fromkeys(("learned", *BASELINES, "trivial-augment-wide-longer"), 10.0)


def after(done, left):
  return before_seed(PLAN, done, Time(0.0, left, EACH), joint=False)


def test_with_time_nothing_is_left_out():
  assert after(0, 120.0) == PLAN


@pytest.mark.parametrize(
  ("left", "longer", "rows"),
  [
    (119.0, 0, 4),  # two seeds of six trainings take 120
    (100.0, 0, 4),
    (99.0, 0, 3),
    (60.0, 0, 2),
    (1.0, 0, 1),
  ],
)
def test_before_the_first_seed_baselines_go(left, longer, rows):
  plan = after(0, left)
  assert (len(plan.longer_rows), len(plan.rows)) == (longer, rows)
  assert plan.rows == BASELINES[:rows], "from the end of the list, TrivialAugment-Wide stays"
  assert plan.seeds == (0, 1, 2)
  assert len(plan.dropped) == 5 - longer - rows


def test_the_second_seed_goes_if_not_even_two_policies_fit():
  plan = after(1, 19.0)
  assert plan.seeds == (0,)
  assert after(1, 20.0).seeds == (0, 1, 2)


def test_from_the_third_on_seeds_go():
  plan = after(2, 59.0)
  assert plan.seeds == (0, 1)
  assert plan.rows == PLAN.rows
  assert plan.dropped == ("seed 2: no time was left",)
  assert after(2, 60.0) == PLAN


def test_several_seeds_are_named_together():
  assert without_seeds(PLAN, 1).dropped == ("seeds 1, 2: no time was left",)
  assert without_seeds(PLAN, 3) == PLAN
