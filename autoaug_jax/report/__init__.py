"""Pictures of searches and of what came of them: plain arrays in, matplotlib figures out.

  figure = report.policy_pie(names, probability, bound=bound)
  report.save(figure, "policy.png")

A figure shows itself in a notebook; `save` writes .png, .pdf or .svg. An op has the same colour in
every picture, none rests on colour alone, and no global state of matplotlib is touched.

  text = report.page(findings, pictures)

A page is one HTML file with everything in it, from a job's `Findings`: plain values.
"""

from autoaug_jax.report.changes import class_changes
from autoaug_jax.report.charts import accuracy_chart, accuracy_charts, against
from autoaug_jax.report.classes import confusion, embedding, tsne
from autoaug_jax.report.colors import op_color
from autoaug_jax.report.curves import Curve, learning_curves
from autoaug_jax.report.evolution import entropy, evolution, spread
from autoaug_jax.report.figures import figures
from autoaug_jax.report.findings import (
  EQUAL_COST,
  EQUAL_STEPS,
  ClassChange,
  Classes,
  Command,
  Cost,
  Data,
  Difference,
  Findings,
  LeftOut,
  OpShare,
  Plan,
  Result,
  Settings,
  Suspect,
)
from autoaug_jax.report.images import extremes, suspects, through_time
from autoaug_jax.report.page import page
from autoaug_jax.report.pie import policy_pie, policy_pies
from autoaug_jax.report.style import save

__all__ = [
  "EQUAL_COST",
  "EQUAL_STEPS",
  "ClassChange",
  "Classes",
  "Command",
  "Cost",
  "Curve",
  "Data",
  "Difference",
  "Findings",
  "LeftOut",
  "OpShare",
  "Plan",
  "Result",
  "Settings",
  "Suspect",
  "accuracy_chart",
  "accuracy_charts",
  "against",
  "class_changes",
  "confusion",
  "embedding",
  "entropy",
  "evolution",
  "extremes",
  "figures",
  "learning_curves",
  "op_color",
  "page",
  "policy_pie",
  "policy_pies",
  "save",
  "spread",
  "suspects",
  "through_time",
  "tsne",
]
