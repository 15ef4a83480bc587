"""What a method asks of the data, and what it is then built from."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autoaug_jax.ops import Space
from autoaug_jax.train import Task


def silent(line: str) -> None:
  """Tells nobody."""


class Needs(NamedTuple):
  """What a method needs of the data.

  Attributes:
    val: the share of training images held out to validate on; data that bring a part "val" of their
      own are taken as they are.
    valid_batch: images a validation batch; 0 is as many as a training batch has.
    resplit: whether the two sides change each epoch (Online bilevel).
    models: how many networks search together, each on its part of the batch.
  """

  val: float
  valid_batch: int = 0
  resplit: bool = False
  models: int = 1


class Ground(NamedTuple):
  """What a method is built from.

  Attributes:
    model: the network, a Flax module; normalised images go in.
    task: its cross-entropy, normalisation included.
    shape: of an image as a network sees it, (H, W, C).
    classes: their names.
    mean: of the training pixels in [0, 1], per channel.
    std: their standard deviation.
    space: ops in the place of the method's own; None for its own.
    flip: the probability of a left-right flip in the augmentation that comes with the method.
    epoch: training steps in a pass over the training images.
    examples: how many examples the set has in all: every `Batch.index` is below it.
    labels: int32 [examples], as training sees them.
    batch: images a training step.
    crop: the side of the squares that training cuts out of images; 0 for none.
    axis_name: the axis of devices; None on one.
    say: who is told what is left out.
  """

  model: Any
  task: Task
  shape: tuple[int, int, int]
  classes: tuple[str, ...]
  mean: tuple[float, ...]
  std: tuple[float, ...]
  space: Space | None
  flip: float
  epoch: int
  examples: int
  labels: np.ndarray
  batch: int
  crop: int = 0
  axis_name: str | None = None
  say: Callable[[str], None] = silent
