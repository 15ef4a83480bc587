"""What is left out when time runs short: whole seeds, then whole baselines."""

from collections.abc import Mapping
from typing import NamedTuple

from autoaug_jax.app.comparison import Entry, entries
from autoaug_jax.app.plan import WIDE, Plan
from autoaug_jax.app.verdict import FEWEST_SEEDS


class Time(NamedTuple):
  """Of a job, in seconds."""

  spent: float
  limit: float
  each: Mapping[str, float]  # what one network of an entry takes, by the entry's name


def before_seed(plan: Plan, done: int, time: Time, *, joint: bool) -> Plan:
  """The plan, as far as there is time for it, before the seed after the first `done` begins.

  After as many seeds as a verdict takes, those that do not fit are left out; before, baselines are,
  first those that train longer, then the uniform policy, crop and flip, and none. The learned
  policy and TrivialAugment-Wide stay for one seed whatever they take, for further ones if they fit.
  """
  if done >= FEWEST_SEEDS:
    return plan if _fits(plan, time, joint=joint) else without_seeds(plan, done)
  while not _fits(plan, time, seeds=min(FEWEST_SEEDS, len(plan.seeds)) - done, joint=joint):
    if plan.longer_rows:
      plan = _without(plan, plan.longer_rows[-1], longer=True)
    elif plan.rows[-1:] != (WIDE,) and plan.rows:
      plan = _without(plan, plan.rows[-1], longer=False)
    else:
      return without_seeds(plan, done) if done else plan
  return plan


def without_seeds(plan: Plan, done: int) -> Plan:
  """With the first `done` seeds alone."""
  if done >= len(plan.seeds):
    return plan
  gone = ", ".join(map(str, plan.seeds[done:]))
  said = f"seed{'s' if len(plan.seeds) - done > 1 else ''} {gone}: no time was left"
  return plan._replace(seeds=plan.seeds[:done], dropped=(*plan.dropped, said))


def _fits(plan: Plan, time: Time, *, joint: bool, seeds: int = 1) -> bool:
  block = sum(time.each.get(entry.name, 0.0) for entry in entries(plan, joint=joint))
  return time.spent + seeds * block <= time.limit


def _without(plan: Plan, row: str, *, longer: bool) -> Plan:
  said = f"{row}{', trained longer' if longer else ''}: no time was left"
  dropped = (*plan.dropped, said)
  if longer:
    rows = tuple(name for name in plan.longer_rows if name != row)
    return plan._replace(longer_rows=rows, dropped=dropped)
  return plan._replace(rows=tuple(name for name in plan.rows if name != row), dropped=dropped)


def over(entry: Entry, time: Time) -> bool:
  """Whether an entry would end after the limit."""
  return time.spent + time.each.get(entry.name, 0.0) > time.limit
