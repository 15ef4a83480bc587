"""A second implementation of the layers in NumPy and float64, against which networks are run."""

from collections.abc import Callable
from typing import Any

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest


class Reference:
  """Layers by their paths in Flax's variables; `stats` becomes the statistics after one step."""

  def __init__(self, variables: dict, train: bool):
    self.params = _flat(variables["params"])
    self.stats = _flat(variables["batch_stats"])
    self.train = train

  def conv(self, x: np.ndarray, path: str, stride: int = 1) -> np.ndarray:
    kernel = self.params[f"{path}/kernel"]
    k, pad = len(kernel), len(kernel) // 2
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    height, width = ((padded.shape[i] - k) // stride + 1 for i in (1, 2))
    out = np.zeros((len(x), height, width, kernel.shape[-1]))
    for i in range(height):
      for j in range(width):
        patch = padded[:, i * stride : i * stride + k, j * stride : j * stride + k]
        out[:, i, j] = np.tensordot(patch, kernel, 3)
    return out + self.params.get(f"{path}/bias", 0.0)

  def norm(self, x: np.ndarray, path: str) -> np.ndarray:
    mean, var = self.stats[f"{path}/mean"], self.stats[f"{path}/var"]
    if self.train:
      rows = x.reshape(-1, x.shape[-1])
      self.stats[f"{path}/mean"] = 0.9 * mean + 0.1 * rows.mean(0)
      self.stats[f"{path}/var"] = 0.9 * var + 0.1 * rows.var(0, ddof=1)
      mean, var = rows.mean(0), rows.var(0)
    standard = (x - mean) / np.sqrt(var + 1e-5)
    return standard * self.params[f"{path}/scale"] + self.params[f"{path}/bias"]

  def norm_relu(self, x: np.ndarray, path: str) -> np.ndarray:
    return np.maximum(self.norm(x, path), 0)

  def dense(self, x: np.ndarray, path: str) -> np.ndarray:
    return x @ self.params[f"{path}/kernel"] + self.params[f"{path}/bias"]


@pytest.fixture
def drawn() -> Callable[..., dict]:
  """Variables drawn by NumPy, which costs no compilation."""

  def draw(model: nn.Module, shape: tuple[int, ...]) -> dict:
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(lambda k: model.init(k, jnp.zeros(shape), False), jax.random.key(0))
    # Scales and variances away from 1 and biases away from 0, so that none can be left out.
    variables = jax.tree.map(lambda a: rng.uniform(0.2, 0.6, a.shape).astype(a.dtype), shapes)
    centre = np.float32(0.3)
    variables["params"] = jax.tree.map(lambda a: a - centre * (a.ndim > 1), variables["params"])
    return variables

  return draw


@pytest.fixture
def agrees(x64: None, drawn: Callable[..., dict]) -> Callable[..., None]:
  """Asserts that a network and a forward pass written with Reference agree in both modes."""

  def check(model: nn.Module, forward: Callable, shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(1).normal(size=shape)
    variables = drawn(model, shape)
    for train in (False, True):
      apply = jax.jit(lambda v, x, t=train: model.apply(v, x, train=t, mutable=["batch_stats"]))
      logits, updated = apply(variables, images)
      reference = Reference(variables, train)
      # Both are float64: only the order of summation differs.
      chex.assert_trees_all_close(logits, forward(reference, images), rtol=1e-8, atol=1e-10)
      stats = _flat(updated["batch_stats"])
      chex.assert_trees_all_close(stats, reference.stats, rtol=1e-8, atol=1e-10)

  return check


@pytest.fixture
def twice_differentiable(drawn: Callable[..., dict]) -> Callable[..., None]:
  """Asserts that a Hessian-vector product in (parameters, image) is finite, and not zero."""

  def check(model: nn.Module, shape: tuple[int, ...]) -> None:
    images = jax.random.uniform(jax.random.key(0), shape)
    variables = drawn(model, shape)

    def loss(params: Any, x: jax.Array) -> jax.Array:
      logits, _ = model.apply({**variables, "params": params}, x, True, mutable=["batch_stats"])
      return -jnp.mean(jax.nn.log_softmax(logits)[:, 0])

    @jax.jit
    def product(params: Any, x: jax.Array) -> Any:
      ones = jax.tree.map(jnp.ones_like, (params, x))
      return jax.jvp(jax.grad(loss, argnums=(0, 1)), (params, x), ones)[1]

    params = variables["params"]
    assert any(jnp.any(leaf != 0) for leaf in jax.tree.leaves(product(params, images)))
    # A constant image, and one that no pixel of differs from black, make variances zero.
    for x in (images, jnp.full(shape, 0.5), jnp.zeros(shape)):
      chex.assert_tree_all_finite(product(params, x))

  return check


@pytest.fixture
def count() -> Callable[..., int]:
  """The number of parameters, found without making them."""

  def total(model: nn.Module, shape: tuple[int, ...]) -> int:
    def init(key):
      return model.init(key, jnp.zeros(shape), train=False)

    params = jax.eval_shape(init, jax.random.key(0))["params"]
    return sum(leaf.size for leaf in jax.tree.leaves(params))

  return total


def _flat(tree: dict, prefix: str = "") -> dict[str, np.ndarray]:
  """{"a": {"b": leaf}} -> {"a/b": leaf}."""
  flat = {}
  for name, value in tree.items():
    is_leaf = not isinstance(value, dict)
    flat |= {prefix + name: np.asarray(value)} if is_leaf else _flat(value, f"{prefix}{name}/")
  return flat
