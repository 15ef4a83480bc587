"""The picture of a recipe whose rows differ in one number: errors and costs against it."""

from typing import Any

from autoaug_jax import report
from autoaug_jax.app import Interval
from experiments.recipes.madao_records import Recipe


def figure(recipe: Recipe, errors: list[Interval], costs: list[float]) -> Any:
  """MADAO's Figure 2: a point for each row; rows that have no policy are lines across.

  Args:
    recipe: names its rows "letter = number".
    errors: of its rows.
    costs: of its rows, in training steps of their network.
  """
  points = [number for number, row in enumerate(recipe.rows) if not row.plain]
  return report.against(
    [recipe.rows[number].name.split(" = ")[-1] for number in points],
    [100 * errors[number].mean for number in points],
    [100 * errors[number].half_width for number in points],
    cost=[costs[number] for number in points],
    label=recipe.against,
    error_label="test error, %",
    levels={
      row.name: 100 * found.mean
      for row, found in zip(recipe.rows, errors, strict=True)
      if row.plain
    },
    title=recipe.title,
  )
