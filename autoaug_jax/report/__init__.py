"""Pictures of searches and of what came of them: plain arrays in, matplotlib figures out.

  figure = report.policy_pie(names, probability, bound=bound)
  report.save(figure, "policy.png")

A figure shows itself in a notebook; `save` writes .png, .pdf or .svg. An op has the same colour in
every picture, none rests on colour alone, and no global state of matplotlib is touched.
"""

from autoaug_jax.report.charts import accuracy_chart, against
from autoaug_jax.report.classes import confusion, embedding, tsne
from autoaug_jax.report.colors import op_color
from autoaug_jax.report.curves import Curve, learning_curves
from autoaug_jax.report.evolution import entropy, evolution, spread
from autoaug_jax.report.images import extremes, suspects, through_time
from autoaug_jax.report.pie import policy_pie, policy_pies
from autoaug_jax.report.style import save

__all__ = [
  "Curve",
  "accuracy_chart",
  "against",
  "confusion",
  "embedding",
  "entropy",
  "evolution",
  "extremes",
  "learning_curves",
  "op_color",
  "policy_pie",
  "policy_pies",
  "save",
  "spread",
  "suspects",
  "through_time",
  "tsne",
]
