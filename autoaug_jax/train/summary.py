"""What a stretch of moves amounts to: fetched once, looked through, averaged."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

LAST = ("rate",)  # not averaged: the last one counts


class Made(NamedTuple):
  """Moves of one dispatch."""

  move: int  # the first one's number
  moves: int
  metrics: dict[str, Any]  # leaves [], [moves], [seeds] or [moves, seeds]


class Bad(NamedTuple):
  """The first move that met a number that is not finite."""

  move: int
  what: str
  rate: float | None


def fetch(made: Sequence[Made]) -> list[Made]:
  """The same with NumPy leaves [moves] or [moves, seeds]."""
  arrays = jax.device_get([m.metrics for m in made])
  return [
    m._replace(metrics={n: x if m.moves > 1 else np.asarray(x)[None] for n, x in a.items()})
    for m, a in zip(made, arrays, strict=True)
  ]


def first_bad(made: Sequence[Made]) -> Bad | None:
  """None where all fetched numbers are finite."""
  found = []
  for m in made:
    for name, x in m.metrics.items():
      rows = np.flatnonzero(~np.isfinite(x.reshape(m.moves, -1)).all(1))
      if len(rows):
        rate = m.metrics.get("rate")
        found.append(Bad(m.move + int(rows[0]), name, _rate(rate, int(rows[0]))))
  # Of one move the loss is named before the gradient that follows from it.
  return min(found, key=lambda bad: (bad.move, bad.what != "loss"), default=None)


def summary(made: Sequence[Made]) -> dict[str, float | list[float]]:
  """The mean of each metric over the moves that have it; lists where there are seeds."""
  names = dict.fromkeys(name for m in made for name in m.metrics)
  out: dict[str, float | list[float]] = {}
  for name in names:
    rows = np.concatenate([m.metrics[name] for m in made if name in m.metrics])
    out[name] = (rows[-1] if name in LAST else rows.mean(0, np.float64)).tolist()
  return out


def _rate(rates: Any, row: int) -> float | None:
  return None if rates is None else float(np.max(rates[row]))
