"""A network in two parts: a body that makes features, and the linear `head` that reads them."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from autoaug_jax.models.layers import dense
from autoaug_jax.models.norm import wide
from autoaug_jax.types import Array


class Classifier(nn.Module):
  """Images -> logits. Its parameters are `{"body": ..., "head": {"kernel", "bias"}}`.

  A method that works on the last layer alone computes the features once,

      features = model.apply(variables, images, train=False, method="features")   # [B, F]
      logits = model.apply({"params": {"head": head}}, features, method="logits")  # [B, classes]

  Attributes:
    body: a module (images [B, H, W, C], train) -> features [B, F].
    classes: the number of logits.
  """

  body: nn.Module
  classes: int
  dtype: Any = jnp.float32

  def __call__(self, images: Array, train: bool) -> Array:
    """[B, H, W, C] -> [B, classes]."""
    return self.logits(self.features(images, train))

  def features(self, images: Array, train: bool) -> Array:
    """[B, H, W, C] -> [B, F], what the head reads."""
    return self.body(images, train)

  @nn.compact
  def logits(self, features: Array) -> Array:
    """[B, F] -> [B, classes]; float32 or wider whatever the dtype of the body."""
    return dense(features, self.classes, wide(self.dtype), name="head")
