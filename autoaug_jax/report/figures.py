"""The comparisons that a page draws, as pictures for files and slides."""

from typing import TYPE_CHECKING

from autoaug_jax.report.changes import class_changes
from autoaug_jax.report.charts import accuracy_charts
from autoaug_jax.report.findings import Findings

if TYPE_CHECKING:
  from matplotlib.figure import Figure


def figures(findings: Findings) -> "dict[str, Figure]":
  """accuracy, and classes where changes class by class are known."""
  found: dict[str, Figure] = {}
  columns: dict[str, tuple[list[str], list[float], list[float]]] = {}
  for row in findings.results:
    names, mean, half_width = columns.setdefault(row.column, ([], [], []))
    names.append(row.policy)
    mean.append(row.mean)
    half_width.append(row.half_width)
  if columns:
    learned = sorted({row.policy for row in findings.results if row.learned})
    found["accuracy"] = accuracy_charts(columns, highlighted=learned, title=findings.title)
  told = findings.classes
  if told is not None and told.changes:
    found["classes"] = class_changes(
      [c.name for c in told.changes],
      [c.change for c in told.changes],
      half_width=[c.half_width for c in told.changes],
      label=f"{told.policy} less {told.baseline}, points of accuracy",
    )
  return found
