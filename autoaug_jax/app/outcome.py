"""What came of a job."""

from typing import Any, NamedTuple

from autoaug_jax.app.doubts import Doubts
from autoaug_jax.app.facts import Facts
from autoaug_jax.app.plan import Plan
from autoaug_jax.app.searched import Searched
from autoaug_jax.app.verdict import Difference, Row
from autoaug_jax.policies import Fixed


class Outcome(NamedTuple):
  """A policy, and what it is worth.

  Attributes:
    plan: what was done, without what there was no time for.
    facts: about the data.
    found: the search, of the first seed where there are several.
    rows: what was measured, a policy each.
    differences: the learned policy less each baseline.
    verdict: one sentence.
    doubts: labels that other networks disagree with; None where none were asked.
    stages: seconds, by name.
    workdir: where everything is.
  """

  plan: Plan
  facts: Facts
  found: Searched
  rows: tuple[Row, ...]
  differences: tuple[Difference, ...]
  verdict: str
  doubts: Doubts | None
  stages: dict[str, float]
  workdir: str

  @property
  def policy(self) -> Fixed:
    """What was learned, with nothing left to learn."""
    return self.found.policy


def as_json(outcome: Outcome) -> dict[str, Any]:
  """The comparison in plain JSON values."""
  return {
    "verdict": outcome.verdict,
    "rows": [row._asdict() for row in outcome.rows],
    "differences": [
      {**one._asdict(), "accuracy": one.accuracy._asdict()} for one in outcome.differences
    ],
    "stages": outcome.stages,
    "dropped": list(outcome.plan.dropped),
  }


def outcome_lines(outcome: Outcome) -> str:
  """The comparison and the verdict, for a terminal."""
  width = max(len(row.policy) for row in outcome.rows) + len(", longer")
  lines = []
  for row in outcome.rows:
    name = row.policy + (", longer" if row.longer else "")
    each = "  ".join(f"{100 * a:6.2f}" for a in row.accuracy)
    lines.append(f"{name:{width}}  {row.epochs:4d} epochs  {each}")
  return "\n".join((*lines, outcome.verdict))
