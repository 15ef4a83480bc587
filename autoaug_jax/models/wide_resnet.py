"""Wide residual networks (Zagoruyko and Komodakis 2016), as SLACK, AutoDO and MADAO use them."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from autoaug_jax.models.classifier import Classifier
from autoaug_jax.models.layers import INITS, Layers, one_of
from autoaug_jax.types import Array


def wide_resnet(
  depth: int,
  width: int,
  *,
  classes: int = 10,
  activation: Callable[[Array], Array] = nn.relu,
  init: str = "torch",
  conv_bias: bool = True,
  dtype: Any = jnp.float32,
  axis_name: str | None = None,
) -> Classifier:
  """WRN-`depth`-`width` without dropout, for images of about 32 x 32 pixels.

  The defaults are SLACK's network, and TrivialAugment's: biases on convolutions, PyTorch's default
  initialisation. MADAO's has `init="he", conv_bias=False`; AutoDO's has `activation=nn.celu`.
  """
  if depth < 10 or (depth - 4) % 6:
    raise ValueError(f"depth must be 6 n + 4 with n >= 1 (16, 28, 40 ...), not {depth}")
  if width < 1:
    raise ValueError(f"width must be at least 1, not {width}")
  one_of("init", init, INITS)
  layers = Layers(activation, init, conv_bias, dtype, axis_name)
  return Classifier(WideResNet((depth - 4) // 6, width, layers), classes, dtype)


class WideResNet(nn.Module):
  """Three groups of `blocks` residual blocks of 16, 32 and 64 times `width` channels."""

  blocks: int
  width: int
  layers: Layers

  @nn.compact
  def __call__(self, x: Array, train: bool) -> Array:
    """[B, H, W, C] -> [B, 64 width]."""
    x = self.layers.conv(x, 16, 3, name="stem")
    for group, base in enumerate((16, 32, 64)):
      for block in range(self.blocks):
        stride = 2 if group > 0 and block == 0 else 1
        name = f"group{group}_block{block}"
        x = WideBlock(base * self.width, stride, self.layers, name=name)(x, train)
    return jnp.mean(self.layers.norm_act(x, train, name="norm"), axis=(1, 2))


class WideBlock(nn.Module):
  """Norm, activation, convolution, twice, beside a shortcut that is a 1 x 1 where shapes differ."""

  features: int
  stride: int
  layers: Layers

  @nn.compact
  def __call__(self, x: Array, train: bool) -> Array:
    """[B, H, W, C] -> [B, ceil(H / stride), ceil(W / stride), features]."""
    layers = self.layers
    y = layers.norm_act(x, train, name="norm0")
    y = layers.conv(y, self.features, 3, name="conv0")
    y = layers.norm_act(y, train, name="norm1")
    y = layers.conv(y, self.features, 3, stride=self.stride, name="conv1")
    if self.stride > 1 or x.shape[-1] != self.features:
      x = layers.conv(x, self.features, 1, stride=self.stride, name="shortcut")
    return x + y
