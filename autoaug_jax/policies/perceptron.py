"""Networks from noise to numbers."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from autoaug_jax.types import Array, Key


def outputs(
  key: Key,
  weights: Sequence[Array],
  biases: Sequence[Array],
  *,
  squash: str = "none",
  dropout: float = 0.0,
) -> Array:
  """[outputs] of one draw of noise; see `stages.Network`."""
  dtype = weights[0].dtype
  noise = jax.random.uniform(jax.random.fold_in(key, 0), (len(weights[0]),), dtype, -1.0, 1.0)
  keys = [jax.random.fold_in(key, 1 + i) for i in range(len(weights) - 1)]
  kept = None
  if dropout:
    kept = [
      jax.random.bernoulli(k, 1 - dropout, (len(b),)) for k, b in zip(keys, biases, strict=False)
    ]
    kept = [mask.astype(dtype) / (1 - dropout) for mask in kept]
  return _forward(noise, weights, biases, squash=squash, kept=kept)


def _forward(
  noise: Array,
  weights: Sequence[Array],
  biases: Sequence[Array],
  *,
  squash: str = "none",
  kept: Sequence[Array] | None = None,
) -> Array:
  """noise [inputs] -> [outputs]; `kept` multiplies the units of each hidden layer."""
  x = noise
  for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
    # On accelerators products are rounded more unless one asks, and these are coordinates.
    x = jnp.matmul(x, weight, precision="highest") + bias
    if i < len(weights) - 1:
      x = jnp.maximum(x, 0) if kept is None else jnp.maximum(x, 0) * kept[i]
  return jnp.tanh(x) if squash == "tanh" else x
