"""The trainings that a plan compares: one for each policy and seed, kept as they are done."""

import json
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from autoaug_jax import data
from autoaug_jax.app.plan import FROZEN, LEARNED, Plan
from autoaug_jax.app.retrain import How, as_json, retrain
from autoaug_jax.app.setting import Setting
from autoaug_jax.app.verdict import Row


class Entry(NamedTuple):
  """A policy in the comparison."""

  policy: str
  longer: bool = False

  @property
  def name(self) -> str:
    """As a folder."""
    return self.policy.replace(", ", "-") + ("-longer" if self.longer else "")


class Measured(NamedTuple):
  """What is compared of one network."""

  accuracy: float
  per_class: dict[str, float | None]
  seconds: float


def entries(plan: Plan, *, joint: bool) -> tuple[Entry, ...]:
  """What is compared, in the order in which it is trained; a joint method's policy also frozen."""
  frozen = (Entry(FROZEN),) if joint else ()
  rows = [Entry(name) for name in plan.rows]
  longer = [Entry(name, longer=True) for name in plan.longer_rows]
  return (Entry(LEARNED), *rows[:1], *longer[:1], *rows[1:], *frozen, *longer[1:])


def trained(setting: Setting, *, how: How, source: data.Source) -> Measured | None:
  """One network, or what was kept of it; None where it was asked to stop."""
  kept = None if how.workdir is None else pathlib.Path(how.workdir) / "result.json"
  if kept is not None and kept.is_file():
    told = json.loads(kept.read_text(encoding="utf-8"))
    if told["setting"] == setting._asdict():
      return _measured(told)
  result = retrain(setting, how=how, source=source)
  return None if result is None else _measured(as_json(result))


def _measured(told: dict[str, Any]) -> Measured:
  return Measured(told["accuracy"][0], told["per_class"], told["seconds"])


def row_of(plan: Plan, entry: Entry, found: Sequence[Measured], *, joint: bool) -> Row:
  """What came of one policy."""
  classes = {name: [one.per_class[name] for one in found] for name in found[0].per_class}
  return Row(
    policy=entry.policy,
    longer=entry.longer,
    epochs=plan.longer if entry.longer else plan.epochs,
    cost=_cost_of(plan, entry, joint=joint),
    accuracy=tuple(one.accuracy for one in found),
    per_class={
      name: None if None in values else sum(values) / len(values)  # type: ignore[arg-type]
      for name, values in classes.items()
    },
    seconds=sum(one.seconds for one in found),
  )


def _cost_of(plan: Plan, entry: Entry, *, joint: bool) -> float:
  """Of one network, in epochs of plain training: of a learned one, its share of the search too.

  A search that gives a policy serves the networks of all seeds; one that trains its network jointly
  is made for each.
  """
  if entry.policy == LEARNED:
    return plan.search_cost if joint else plan.epochs + plan.search_cost / len(plan.seeds)
  return float(plan.longer if entry.longer else plan.epochs)
