"""Augments Pillow images, and uint8 arrays, with nothing but Pillow and NumPy."""

import random
from typing import Any

import numpy as np
from PIL import Image

from autoaug_jax.export.runtimes.array_run import apply
from autoaug_jax.export.runtimes.drawing import Step, draw


def augment(image: Any, generator: np.random.Generator | None = None) -> Any:
  """A random augmentation of a Pillow image (RGB or L) or of uint8 [H, W, C]; the same kind back.

  Without a generator Python's `random` seeds one, so that `random.seed` makes it repeatable and
  worker processes that seed it differ.
  """
  return apply_to_image(image, draw(generator or np.random.default_rng(random.getrandbits(64))))


def apply_to_image(image: Any, steps: list[Step]) -> Any:
  """What `draw` has drawn, on a Pillow image or an array."""
  if not isinstance(image, Image.Image):
    return apply(image, steps)
  if image.mode not in ("RGB", "L"):
    raise ValueError(f"an image has mode RGB or L, not {image.mode}: image.convert('RGB')")
  return Image.fromarray(apply(np.asarray(image), steps))
