"""Which ops a search chooses from, by the kind of images."""

from collections.abc import Callable, Sequence

from autoaug_jax.app.networks import LARGE
from autoaug_jax.ops import Space, fitting, spaces


def slack_space(shape: tuple[int, int, int], mean: tuple[float, ...]) -> Space:
  """SLACK's ops for CIFAR, or from 96 pixels on those for ImageNet-100. Cutout paints in `mean`."""
  if min(shape[:2]) < LARGE:
    return spaces.slack_cifar(cutout_fill=mean)
  return spaces.slack_imagenet(cutout_fill=mean)


def fitted(space: Space, channels: int, *, say: Callable[[str], None]) -> Space:
  """The ops that images of so many channels have; `say` is told which are left out."""
  kept, left_out = fitting(space, channels)
  tell_left_out(left_out, channels, say=say)
  return kept


def tell_left_out(names: Sequence[str], channels: int, *, say: Callable[[str], None]) -> None:
  """Tells which ops are left out for images of so many channels, if any."""
  if names:
    plural = "" if channels == 1 else "s"
    say(f"left out for images of {channels} channel{plural}, being for RGB: {', '.join(names)}")
