"""Batch normalisation whose statistics may be shared over devices."""

import flax.linen as nn
import jax
import jax.numpy as jnp

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
    dtype = jnp.promote_types(x.dtype, jnp.float32)
    channels = x.shape[-1:]
    scale = self.param("scale", nn.initializers.ones, channels, dtype)
    bias = self.param("bias", nn.initializers.zeros, channels, dtype)
    running_mean = self.variable("batch_stats", "mean", jnp.zeros, channels, dtype)
    running_var = self.variable("batch_stats", "var", jnp.ones, channels, dtype)
    if not train:
      mean, var = running_mean.value, running_var.value
      centred = x.astype(dtype) - _row(mean, x)
    else:
      reduce = mean_over(self.axis_name)
      mean = reduce(jnp.mean(x.astype(dtype), axis=range(x.ndim - 1)))
      centred = x.astype(dtype) - _row(mean, x)
      var = reduce(jnp.mean(jnp.square(centred), axis=range(x.ndim - 1)))
      if not self.is_initializing():
        count = x.size // x.shape[-1]
        if self.axis_name is not None:
          count *= jax.lax.axis_size(self.axis_name)
        unbiased = var * (count / max(count - 1, 1))
        running_mean.value = jax.lax.stop_gradient(0.9 * running_mean.value + 0.1 * mean)
        running_var.value = jax.lax.stop_gradient(0.9 * running_var.value + 0.1 * unbiased)
    factor = scale * jax.lax.rsqrt(var + 1e-5)
    return (centred * _row(factor, x) + _row(bias, x)).astype(x.dtype)


def _row(vector: Array, like: Array) -> Array:
  """[C] -> [1, ..., 1, C] of the rank of `like`."""
  return vector.reshape((1,) * (like.ndim - 1) + vector.shape)
