"""Batch normalisation whose statistics may be shared over devices."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.devices import mean_over
from autoaug_jax.types import Array


class BatchNorm(nn.Module):
  """`(x - mean) / sqrt(var + 1e-5) * scale + bias` over all axes of `x` but the last.

  The conventions are PyTorch's, which the papers' networks use: the batch is normalised by its
  biased variance, the running variance gathers the unbiased one, and
  `running = 0.9 running + 0.1 batch` (momentum 0.1 there is 0.9 in Flax). No gradient reaches the
  running statistics.

  Attributes:
    axis_name: the mapped axis over which training statistics are averaged; None keeps them local.
  """

  axis_name: str | None = None

  @nn.compact
  def __call__(self, x: Array, train: bool) -> Array:
    """[..., C] -> [..., C] in the dtype of `x`; statistics are float32 or wider."""
    dtype = wide(x.dtype)
    channels = x.shape[-1:]
    scale = self.param("scale", nn.initializers.ones, channels, dtype)
    bias = self.param("bias", nn.initializers.zeros, channels, dtype)
    running_mean = self.variable("batch_stats", "mean", jnp.zeros, channels, dtype)
    running_var = self.variable("batch_stats", "var", jnp.ones, channels, dtype)
    wide_x = x.astype(dtype)
    if train:
      mean_of = mean_over(self.axis_name)
      mean = mean_of(jnp.mean(wide_x, axis=range(x.ndim - 1)))
      # In two passes: the mean square less the squared mean cancels where means are large.
      var = mean_of(jnp.mean(jnp.square(wide_x - _row(mean, x)), axis=range(x.ndim - 1)))
      if not self.is_initializing():
        count = x.size // x.shape[-1]
        if self.axis_name is not None:
          count *= jax.lax.axis_size(self.axis_name)
        unbiased = var * (count / max(count - 1, 1))
        running_mean.value = jax.lax.stop_gradient(0.9 * running_mean.value + 0.1 * mean)
        running_var.value = jax.lax.stop_gradient(0.9 * running_var.value + 0.1 * unbiased)
    else:
      mean, var = running_mean.value, running_var.value
    # One multiplication and one addition a pixel; on CPUs that makes a training step 4% shorter.
    factor = scale * jax.lax.rsqrt(var + 1e-5)
    return (wide_x * _row(factor, x) + _row(bias - mean * factor, x)).astype(x.dtype)


def wide(dtype: Any) -> np.dtype:
  """The dtype of parameters, statistics and logits beside a computation in `dtype`."""
  # NumPy's rule, because jax.numpy's depends on a setting, and its strict one refuses.
  return np.promote_types(dtype, np.float32)


def _row(vector: Array, like: Array) -> Array:
  """[C] -> [1, ..., 1, C] of the rank of `like`."""
  return vector.reshape((1,) * (like.ndim - 1) + vector.shape)
