"""What every network is made of: convolutions, normalisation, activation, agreed once."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from autoaug_jax.models.norm import BatchNorm, wide
from autoaug_jax.types import Array, Key

INITS = ("torch", "he")


class Layers(NamedTuple):
  """The choices that the layers of one network share; its methods are called in a compact method.

  Attributes:
    activation: nn.relu, or nn.celu as in AutoDO, or any elementwise function.
    init: "torch", PyTorch's default, uniform in +-1/sqrt(fan_in) for kernels and biases; or "he",
      normal with variance 2/fan_out for convolutions, whose biases are then zero.
    bias: whether convolutions have a bias.
    dtype: the dtype of the computation; parameters, statistics and logits are float32 or wider.
    axis_name: see BatchNorm.
  """

  activation: Callable[[Array], Array] = nn.relu
  init: str = "torch"
  bias: bool = False
  dtype: Any = jnp.float32
  axis_name: str | None = None

  def conv(self, x: Array, features: int, kernel: int, *, stride: int = 1, name: str) -> Array:
    """[B, H, W, C] -> [B, ceil(H / stride), ceil(W / stride), features] for an odd kernel."""
    he = self.init == "he"
    bound = 1 / math.sqrt(kernel * kernel * x.shape[-1])
    # Padding by half a kernel on either side is what PyTorch does; "SAME" is not, at stride 2.
    return nn.Conv(
      features,
      (kernel, kernel),
      strides=stride,
      padding=kernel // 2,
      use_bias=self.bias,
      dtype=self.dtype,
      param_dtype=wide(self.dtype),
      kernel_init=he_normal if he else torch_uniform,
      bias_init=nn.initializers.zeros if he else _uniform_within(bound),
      name=name,
    )(x)

  def norm(self, x: Array, train: bool, *, name: str) -> Array:
    """[B, H, W, C] -> [B, H, W, C], normalised."""
    return BatchNorm(self.axis_name, name=name)(x, train)

  def norm_act(self, x: Array, train: bool, *, name: str) -> Array:
    """[B, H, W, C] -> [B, H, W, C], normalised and activated."""
    return self.activation(self.norm(x, train, name=name))


def dense(x: Array, features: int, dtype: Any, *, name: str) -> Array:
  """[B, F] -> [B, features], initialised as PyTorch's default; parameters float32 or wider."""
  return nn.Dense(
    features,
    dtype=dtype,
    param_dtype=wide(dtype),
    kernel_init=torch_uniform,
    bias_init=_uniform_within(1 / math.sqrt(x.shape[-1])),
    name=name,
  )(x)


torch_uniform = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")
he_normal = nn.initializers.variance_scaling(2, "fan_out", "normal")


def _uniform_within(bound: float) -> Callable[..., Array]:
  """An initialiser, uniform in [-bound, bound]."""

  def init(key: Key, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    return jax.random.uniform(key, shape, dtype, -bound, bound)

  return init


def one_of(name: str, value: Any, accepted: tuple[Any, ...]) -> None:
  """Raises a ValueError unless `value` is one of `accepted`."""
  if value not in accepted:
    raise ValueError(f"{name} must be one of {', '.join(map(repr, accepted))}, not {value!r}")
