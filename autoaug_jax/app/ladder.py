"""Networks and image sizes that a plan may choose from, and what a step of each takes, about."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from autoaug_jax.app.networks import network

SMALL = 64  # pixels up to which images are taken as they are, if they all have one size
SMALLEST = 32  # pixels, of what is made smaller
ASSUMED_CLASSES = 10  # hardly matters for the time that a step takes


class Rung(NamedTuple):
  """A network, and the side that images are resized to; 0 leaves them as they are."""

  model: str
  size: int


def ladder(side: int, *, even: bool) -> tuple[Rung, ...]:
  """From the largest network that suits images of `side` pixels down to the smallest.

  `even` images have one size and are square. Others are resized, and large ones made smaller.
  """
  keep = 0 if even else min(side, SMALL)
  if side <= SMALL:
    models = ("wrn-40-2", "wrn-16-2", "wrn-16-1", "small-cnn")
    smaller = (Rung("small-cnn", SMALLEST),) if side > SMALLEST else ()
    return (*(Rung(model, keep) for model in models), *smaller)
  large = [Rung("resnet-18", size) for size in (224, 128, 96) if size <= side]
  small = [Rung(model, SMALL) for model in ("wrn-40-2", "wrn-16-1", "small-cnn")]
  return (*large, *small, Rung("small-cnn", SMALLEST))


def side_of(shapes: Sequence[tuple[int, int]]) -> tuple[int, bool]:
  """(the median of the shorter sides, whether all images are squares of one size)."""
  shorter = sorted(min(shape) for shape in shapes)
  even = len(set(shapes)) == 1 and shapes[0][0] == shapes[0][1]
  return shorter[len(shorter) // 2], even


def operations(model: str, side: int, channels: int) -> float:
  """Floating-point operations of a forward pass and a gradient, an image, as XLA counts them."""
  net: Any = network(model, classes=ASSUMED_CLASSES, image_size=side)
  images = jax.ShapeDtypeStruct((1, side, side, channels), jnp.float32)
  variables = jax.eval_shape(
    lambda key, x: net.init(key, x, train=False), jax.eval_shape(lambda: jax.random.key(0)), images
  )
  forward = jax.jit(lambda v, x: net.apply(v, x, train=False)).lower(variables, images)
  counted: Any = forward.cost_analysis()
  return 3.0 * float(counted["flops"])
