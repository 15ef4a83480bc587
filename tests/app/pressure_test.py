"""What is left out when time runs short, in which order, and what never is."""

import pytest

from autoaug_jax.app.builtin import DIGITS
from autoaug_jax.app.plan import BASELINES
from autoaug_jax.app.pressure import Time, before_seed, without_seeds

PLAN = DIGITS._replace(seeds=(0, 1, 2, 3), rows=BASELINES, longer_rows=BASELINES[:1])
EACH = dict.fromkeys(("learned", *BASELINES, "trivial-augment-wide-longer"), 10.0)


def after(done, left):
  return before_seed(PLAN, done, Time(0.0, left, EACH), joint=False)


def test_with_time_nothing_is_left_out():
  assert after(0, 180.0) == PLAN


@pytest.mark.parametrize(
  ("left", "longer", "rows"),
  [
    (179.0, 0, 4),  # three seeds of six trainings take 180
    (150.0, 0, 4),
    (149.0, 0, 3),
    (90.0, 0, 2),
    (1.0, 0, 1),
  ],
)
def test_before_the_first_seed_baselines_go(left, longer, rows):
  plan = after(0, left)
  assert (len(plan.longer_rows), len(plan.rows)) == (longer, rows)
  assert plan.rows == BASELINES[:rows], "from the end of the list, TrivialAugment-Wide stays"
  assert plan.seeds == PLAN.seeds
  assert len(plan.dropped) == 5 - longer - rows


def test_the_second_and_third_seed_go_if_not_even_two_policies_fit():
  assert after(1, 39.0).seeds == (0,)
  assert after(1, 40.0).seeds == PLAN.seeds
  assert after(2, 19.0).seeds == (0, 1)
  assert after(2, 20.0).seeds == PLAN.seeds


def test_after_the_third_seeds_go():
  plan = after(3, 59.0)
  assert plan.seeds == (0, 1, 2)
  assert plan.rows == PLAN.rows
  assert plan.dropped == ("seed 3: no time was left",)
  assert after(3, 60.0) == PLAN


def test_several_seeds_are_named_together():
  assert without_seeds(PLAN, 1).dropped == ("seeds 1, 2, 3: no time was left",)
  assert without_seeds(PLAN, 4) == PLAN
