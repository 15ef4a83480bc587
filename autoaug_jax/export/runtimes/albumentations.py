"""Augments uint8 arrays in pipelines of Albumentations."""

from typing import Any

import albumentations as A
import numpy as np

from autoaug_jax.export.runtimes.array_run import apply
from autoaug_jax.export.runtimes.drawing import Step, draw


class Augment(A.ImageOnlyTransform):
  """The policy as a transform of uint8 images [H, W, C]; masks and boxes stay as they are.

  Drawn with the transform's own generator, so that the seed of a Compose makes it repeatable.
  """

  def __init__(self, p: float = 1.0):
    super().__init__(p=p)

  def get_params(self) -> dict[str, Any]:
    return {"steps": draw(self.random_generator)}

  def apply(self, img: np.ndarray, steps: list[Step], **params: Any) -> np.ndarray:
    return apply(img, steps)
