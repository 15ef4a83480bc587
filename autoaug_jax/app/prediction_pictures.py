"""Pictures of what a network makes of test images (AutoDO, Figure 6)."""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autoaug_jax import report
from autoaug_jax.app.predictions import Predictions, confused

PLACED = 1000  # images, evenly spread over all: t-SNE takes seconds for so many


def prediction_pictures(
  found: Predictions, classes: Sequence[str], *, say: Callable[[str], None]
) -> dict[str, Any]:
  """ "confusion", and "embedding" where scikit-learn is installed; else one sentence is said."""
  pictures = {"confusion": report.confusion(confused(found, len(classes)), classes)}
  count = len(found.label)
  chosen = np.linspace(0, count - 1, min(count, PLACED)).astype(np.int64)
  if count < 4:
    return pictures
  try:
    places = report.tsne(found.features[chosen])
  except ImportError as error:
    say(f"no picture of the embedding: {error}")
    return pictures
  return {**pictures, "embedding": report.embedding(places, found.label[chosen], classes)}


def save_predictions(
  found: Predictions,
  classes: Sequence[str],
  *,
  folder: str | pathlib.Path,
  say: Callable[[str], None],
) -> None:
  """Writes them as .png files, where matplotlib is installed; else one sentence is said."""
  try:
    for name, figure in prediction_pictures(found, classes, say=say).items():
      report.save(figure, pathlib.Path(folder) / f"{name}.png")
  except ImportError as error:
    say(f"no pictures: {error}")
