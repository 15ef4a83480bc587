"""DenseNet-BC (Huang et al. 2017), of which MADAO's Table 2 trains depth 40, growth 12."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from autoaug_jax.models.classifier import Classifier
from autoaug_jax.models.layers import INITS, Layers, one_of
from autoaug_jax.types import Array


def densenet_bc(
  depth: int,
  growth: int,
  *,
  classes: int = 10,
  activation: Callable[[Array], Array] = nn.relu,
  init: str = "he",
  dtype: Any = jnp.float32,
  axis_name: str | None = None,
) -> Classifier:
  """DenseNet-BC for images of about 32 x 32: bottlenecks of 4 `growth`, compression by a half.

  No convolution has a bias, and there is no dropout, as in its paper wherever data are augmented.
  """
  if depth < 10 or (depth - 4) % 6:
    raise ValueError(f"depth must be 6 n + 4 with n >= 1 (22, 40, 100 ...), not {depth}")
  if growth < 1:
    raise ValueError(f"growth must be at least 1, not {growth}")
  one_of("init", init, INITS)
  layers = Layers(activation, init, False, dtype, axis_name)
  return Classifier(DenseNet((depth - 4) // 6, growth, layers), classes, dtype)


class DenseNet(nn.Module):
  """Three groups of `blocks` dense blocks; the transition between two halves height, width, C."""

  blocks: int
  growth: int
  layers: Layers

  @nn.compact
  def __call__(self, x: Array, train: bool) -> Array:
    """[B, H, W, C] -> [B, F]."""
    layers = self.layers
    x = layers.conv(x, 2 * self.growth, 3, name="stem")
    for group in range(3):
      if group > 0:
        x = layers.norm_act(x, train, name=f"transition{group}_norm")
        x = layers.conv(x, x.shape[-1] // 2, 1, name=f"transition{group}_conv")
        # Not nn.avg_pool, which divides floats by integers: strict promotion refuses that.
        x = nn.pool(x, 0.0, jax.lax.add, (2, 2), (2, 2), "VALID") * 0.25
      for block in range(self.blocks):
        new = DenseBlock(self.growth, layers, name=f"group{group}_block{block}")(x, train)
        x = jnp.concatenate([x, new], axis=-1)
    return jnp.mean(layers.norm_act(x, train, name="norm"), axis=(1, 2))


class DenseBlock(nn.Module):
  """Norm, activation, 1 x 1 to 4 `growth` channels; norm, activation, 3 x 3 to `growth`."""

  growth: int
  layers: Layers

  @nn.compact
  def __call__(self, x: Array, train: bool) -> Array:
    """[B, H, W, C] -> [B, H, W, growth], the new channels alone."""
    y = self.layers.norm_act(x, train, name="norm0")
    y = self.layers.conv(y, 4 * self.growth, 1, name="conv0")
    y = self.layers.norm_act(y, train, name="norm1")
    return self.layers.conv(y, self.growth, 3, name="conv1")
