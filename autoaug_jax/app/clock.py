"""How long a job has taken, over all the times that it was started."""

import json
import pathlib
import time
from collections.abc import Callable
from typing import NamedTuple

from autoaug_jax.app.writing import write_json


class Clock(NamedTuple):
  """Seconds of the stages that are done, and of the one that is under way.

  Attributes:
    spent: () -> seconds in all. What a killed process had done of a stage is not counted.
    stages: () -> {stage: seconds} of those that are done.
    done: stage -> nothing; notes that it took the time since the one before.
  """

  spent: Callable[[], float]
  stages: Callable[[], dict[str, float]]
  done: Callable[[str], None]


def clock(
  path: pathlib.Path | None,
  *,
  before: dict[str, float] | None = None,
  now: Callable[[], float] = time.monotonic,
) -> Clock:
  """A clock kept in the file `path`; None keeps it in memory. `before` are stages done already."""
  stages: dict[str, float] = dict(before or {})
  if path is not None and path.is_file():
    stages.update(json.loads(path.read_text(encoding="utf-8")))
  since = now()

  def spent() -> float:
    return sum(stages.values()) + now() - since

  def done(stage: str) -> None:
    nonlocal since
    moment = now()
    stages[stage] = stages.get(stage, 0.0) + moment - since
    since = moment
    if path is not None:
      write_json(path, stages)

  return Clock(spent, lambda: dict(stages), done)
