"""Doubted labels held against those that are known to be wrong."""

from typing import NamedTuple

import numpy as np

from autoaug_jax.methods import Verdicts


class Caught(NamedTuple):
  """How well wrong labels were found.

  Attributes:
    wrong: how many there are.
    auc_weight: the area under the ROC curve of low loss weights; None where none were learned.
    auc_label: that of what a soft label has off the given one.
    precision: how many of the first `wrong` suspects are wrong; of so many, recall is the same.
  """

  wrong: int
  auc_weight: float | None
  auc_label: float | None
  precision: float | None


def caught(learned: Verdicts, wrong: np.ndarray, rows: np.ndarray) -> Caught:
  """Of the training examples `rows`, with `wrong` a bool [N] of all examples.

  None stands for what was not learned, and for all where there is nothing to find.
  """
  count = int(wrong[rows].sum())
  learns = [_varies(score[rows]) for score in (learned.weight, learned.off_label)]
  if not 0 < count < len(rows) or not any(learns):
    return Caught(count, None, None, None)
  listed = of_training(learned, rows)
  return Caught(
    count,
    auc(-learned.weight[rows], wrong[rows]) if learns[0] else None,
    auc(learned.off_label[rows], wrong[rows]) if learns[1] else None,
    precision_recall(listed, wrong, count)[0],
  )


def of_training(learned: Verdicts, rows: np.ndarray) -> np.ndarray:
  """The suspects among the examples `rows`, the most suspect first."""
  return learned.suspects[np.isin(learned.suspects, rows)]


def auc(score: np.ndarray, positive: np.ndarray) -> float:
  """The chance that a positive has the higher score than a negative, ties counting half."""
  score, positive = np.asarray(score, np.float64), np.asarray(positive, bool)
  count, others = int(positive.sum()), int((~positive).sum())
  if not count or not others:
    raise ValueError(f"an AUC takes both kinds of examples, got {count} and {others}")
  _, place, times = np.unique(score, return_inverse=True, return_counts=True)
  rank = (np.cumsum(times) - (times - 1) / 2)[place]
  return float((rank[positive].sum() - count * (count + 1) / 2) / (count * others))


def precision_recall(suspects: np.ndarray, wrong: np.ndarray, listed: int) -> tuple[float, float]:
  """Of the first `listed` suspects, how many are wrong; and how many of the wrong are listed."""
  if not 0 < listed <= len(suspects):
    raise ValueError(f"listed lies in 1..{len(suspects)}, not {listed}")
  hits = float(wrong[suspects[:listed]].sum())
  return hits / listed, hits / max(int(wrong.sum()), 1)


def caught_line(found: Caught) -> str:
  """In words, for a terminal; "" where there is nothing to tell."""
  if found.precision is None:
    return ""
  areas = {"weight": found.auc_weight, "soft label": found.auc_label}
  known = [f"{area:.3f} by {name}" for name, area in areas.items() if area is not None]
  return (
    f"wrong labels: {found.precision:.1%} of the first {found.wrong} suspects, of {found.wrong} "
    f"wrong ones in all; area under the ROC curve {', '.join(known)}"
  )


def _varies(score: np.ndarray) -> bool:
  return bool(len(score) and np.ptp(score) > 0)
