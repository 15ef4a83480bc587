"""Residual networks (He et al. 2016) with the stem for ImageNet or the one for CIFAR."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from autoaug_jax.models.classifier import Classifier
from autoaug_jax.models.layers import INITS, Layers, one_of
from autoaug_jax.types import Array

_DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


def resnet(
  depth: int,
  *,
  stem: str = "cifar",
  classes: int = 10,
  activation: Callable[[Array], Array] = nn.relu,
  init: str = "he",
  dtype: Any = jnp.float32,
  axis_name: str | None = None,
) -> Classifier:
  """ResNet-18, -34 or -50 (basic blocks up to 34, bottlenecks from 50), without convolution biases.

  `stem="cifar"` is one 3 x 3 convolution and keeps the resolution (Online bilevel's ResNet-18 on
  CIFAR); `stem="imagenet"` is a 7 x 7 convolution at stride 2 and a 3 x 3 max-pool at stride 2.
  He initialisation by fan-out is SLACK's on ImageNet-100 and DomainNet; Online bilevel's has
  `init="torch"`. Bottlenecks stride at their 3 x 3 convolution.
  """
  one_of("depth", depth, tuple(_DEPTHS))
  one_of("stem", stem, ("cifar", "imagenet"))
  one_of("init", init, INITS)
  layers = Layers(activation, init, False, dtype, axis_name)
  body = ResNet(_DEPTHS[depth], depth >= 50, stem == "imagenet", layers)
  return Classifier(body, classes, dtype)


class ResNet(nn.Module):
  """A stem and groups of residual blocks of `width`, 2 `width`, 4 `width` ... channels."""

  blocks: tuple[int, ...]
  bottleneck: bool
  downsample: bool
  layers: Layers
  width: int = 64

  @nn.compact
  def __call__(self, x: Array, train: bool) -> Array:
    """[B, H, W, C] -> [B, 512], or [B, 2048] with bottlenecks."""
    if self.downsample:
      x = self.layers.conv(x, self.width, 7, stride=2, name="stem")
    else:
      x = self.layers.conv(x, self.width, 3, name="stem")
    x = self.layers.norm_act(x, train, name="stem_norm")
    if self.downsample:
      x = nn.max_pool(x, (3, 3), strides=(2, 2), padding=((1, 1), (1, 1)))
    block_type = Bottleneck if self.bottleneck else Basic
    for group, blocks in enumerate(self.blocks):
      for block in range(blocks):
        stride = 2 if group > 0 and block == 0 else 1
        name = f"group{group}_block{block}"
        x = block_type(self.width << group, stride, self.layers, name=name)(x, train)
    return jnp.mean(x, axis=(1, 2))


class Basic(nn.Module):
  """Two 3 x 3 convolutions beside a shortcut."""

  features: int
  stride: int
  layers: Layers

  @nn.compact
  def __call__(self, x: Array, train: bool) -> Array:
    """[B, H, W, C] -> [B, ceil(H / stride), ceil(W / stride), features]."""
    layers = self.layers
    y = layers.conv(x, self.features, 3, stride=self.stride, name="conv0")
    y = layers.norm_act(y, train, name="norm0")
    y = layers.conv(y, self.features, 3, name="conv1")
    y = layers.norm(y, train, name="norm1")
    return layers.activation(y + _shortcut(x, y, self.stride, layers, train))


class Bottleneck(nn.Module):
  """A 1 x 1, a 3 x 3 and a widening 1 x 1 convolution beside a shortcut."""

  features: int
  stride: int
  layers: Layers

  @nn.compact
  def __call__(self, x: Array, train: bool) -> Array:
    """[B, H, W, C] -> [B, ceil(H / stride), ceil(W / stride), 4 features]."""
    layers = self.layers
    y = layers.conv(x, self.features, 1, name="conv0")
    y = layers.norm_act(y, train, name="norm0")
    y = layers.conv(y, self.features, 3, stride=self.stride, name="conv1")
    y = layers.norm_act(y, train, name="norm1")
    y = layers.conv(y, 4 * self.features, 1, name="conv2")
    y = layers.norm(y, train, name="norm2")
    return layers.activation(y + _shortcut(x, y, self.stride, layers, train))


def _shortcut(x: Array, y: Array, stride: int, layers: Layers, train: bool) -> Array:
  """`x` in the shape of `y`: itself, or a normalised 1 x 1 convolution of it."""
  if x.shape == y.shape:
    return x
  x = layers.conv(x, y.shape[-1], 1, stride=stride, name="shortcut")
  return layers.norm(x, train, name="shortcut_norm")
