"""Plain stacks of convolutions: Online bilevel's BadGAN classifier, and a small one for digits."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from autoaug_jax.models.classifier import Classifier
from autoaug_jax.models.layers import INITS, Layers, dense, one_of
from autoaug_jax.types import Array


def _leaky_relu(x: Array) -> Array:
  """Slope 0.2 below zero, as the GAN literature has it."""
  return jax.nn.leaky_relu(x, 0.2)


def badgan(
  *,
  width: int = 96,
  classes: int = 10,
  activation: Callable[[Array], Array] = _leaky_relu,
  init: str = "torch",
  dtype: Any = jnp.float32,
  axis_name: str | None = None,
) -> Classifier:
  """Online bilevel's smallest classifier: 9 convolutions with Leaky ReLU and an MLP (Section 4.2).

  The paper prints no widths. These are those of the discriminator of Salimans et al. (2016) that
  the Bad GAN (Dai et al. 2017) inherits: six 3 x 3 convolutions of `width` and then 2 `width`
  channels, every third at stride 2, and a 3 x 3 and two 1 x 1 of 2 `width`. Batch normalisation
  stands for that network's weight normalisation, and its noise and dropout are left out: the
  augmenter is the regulariser under study.
  """
  one_of("init", init, INITS)
  if width < 1:
    raise ValueError(f"width must be at least 1, not {width}")
  stack: tuple[Conv, ...] = ((width, 3, 1), (width, 3, 1), (width, 3, 2))
  stack += ((2 * width, 3, 1), (2 * width, 3, 1), (2 * width, 3, 2))
  stack += ((2 * width, 3, 1), (2 * width, 1, 1), (2 * width, 1, 1))
  layers = Layers(activation, init, False, dtype, axis_name)
  return Classifier(Stack(stack, 2 * width, layers), classes, dtype)


def small_cnn(
  *,
  widths: tuple[int, ...] = (16, 32, 32),
  classes: int = 10,
  activation: Callable[[Array], Array] = nn.relu,
  init: str = "torch",
  dtype: Any = jnp.float32,
  axis_name: str | None = None,
) -> Classifier:
  """One 3 x 3 convolution for each of `widths`, all but the first at stride 2.

  It is for built-in digits of 8 x 8 or 16 x 16 pixels and for tests; no paper's network.
  """
  one_of("init", init, INITS)
  if not widths or min(widths) < 1:
    raise ValueError(f"widths must be one or more positive numbers, not {widths}")
  stack = tuple((width, 3, 1 if i == 0 else 2) for i, width in enumerate(widths))
  return Classifier(
    Stack(stack, None, Layers(activation, init, False, dtype, axis_name)), classes, dtype
  )


Conv = tuple[int, int, int]  # channels, kernel size, stride


class Stack(nn.Module):
  """Convolutions, each normalised and activated, a mean over space, perhaps a hidden layer."""

  convs: tuple[Conv, ...]
  hidden: int | None
  layers: Layers

  @nn.compact
  def __call__(self, x: Array, train: bool) -> Array:
    """[B, H, W, C] -> [B, F]."""
    for i, (width, kernel, stride) in enumerate(self.convs):
      x = self.layers.conv(x, width, kernel, stride=stride, name=f"conv{i}")
      x = self.layers.norm_act(x, train, name=f"norm{i}")
    x = jnp.mean(x, axis=(1, 2))
    if self.hidden is not None:
      x = self.layers.activation(dense(x, self.hidden, self.layers.dtype, name="hidden"))
    return x
