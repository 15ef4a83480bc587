"""What can be seen of a set of images before anything is trained on it."""

from typing import NamedTuple

import numpy as np

from autoaug_jax.data import Source


class Facts(NamedTuple):
  """What a plan rests on, and a report tells."""

  name: str
  shape: tuple[int, int, int]  # of an image as it was loaded, (H, W, C)
  counts: dict[str, int]  # training images of each class
  parts: dict[str, int]  # images of each part
  left_out: tuple[str, ...]  # files and classes that could not be used, and why

  @property
  def images(self) -> int:
    """Training images."""
    return self.parts["train"]

  @property
  def ratio(self) -> float:
    """How many times larger the largest class is than the smallest."""
    return max(self.counts.values()) / max(min(self.counts.values()), 1)


def facts_of(source: Source) -> Facts:
  """Counted."""
  train = source.parts["train"]
  counts = np.bincount(train.labels, minlength=len(source.classes))
  return Facts(
    name=source.name,
    shape=train.shape,
    counts={name: int(n) for name, n in zip(source.classes, counts, strict=True)},
    parts={part: len(examples.labels) for part, examples in source.parts.items()},
    left_out=tuple(map(str, source.skipped)),
  )
