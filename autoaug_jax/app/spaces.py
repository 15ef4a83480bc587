"""Which ops a search chooses from, by the kind of images."""

from autoaug_jax.app.networks import LARGE
from autoaug_jax.ops import Space, select, spaces

RGB_ONLY = ("Color", "Hue", "Grayscale")


def slack_space(shape: tuple[int, int, int], mean: tuple[float, ...]) -> Space:
  """SLACK's ops for CIFAR, or from 96 pixels on those for ImageNet-100, without what grey images

  do not have. Cutout paints in `mean`.
  """
  height, width, channels = shape
  if min(height, width) < LARGE:
    return without_color(spaces.slack_cifar(cutout_fill=mean), channels)
  return without_color(spaces.slack_imagenet(cutout_fill=mean), channels)


def without_color(space: Space, channels: int) -> Space:
  """The ops that images of so many channels have."""
  if channels == 3:
    return space
  return select(space, (op.name for op in space if op.name not in RGB_ONLY))
