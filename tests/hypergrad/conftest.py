"""Small smooth bilevel problems, and central differences to hold gradients against."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree


class Toy(NamedTuple):
  """inner(theta, phi, k=0) has other images for each step k; outer contains phi itself too."""

  inner: Callable[..., Any]
  outer: Callable[..., Any]
  theta: Any
  phi: Any


def _differences(f: Callable[[Any], Any], at: Any, step: float = 1e-5) -> Any:
  flat, unravel = ravel_pytree(at)
  shifts = step * np.eye(flat.size)
  values = jax.jit(jax.vmap(lambda x: f(unravel(x))))
  return unravel((values(flat[None] + shifts) - values(flat[None] - shifts)) / (2 * step))


@pytest.fixture
def differences() -> Callable[..., Any]:
  """(f, at) -> the gradient of f by central differences; good to about 1e-9 in float64."""
  return _differences


@pytest.fixture
def optax_promotion() -> Iterator[None]:
  """optax's Adam and schedules promote dtypes (float ** int32), which tests forbid elsewhere."""
  with jax.numpy_dtype_promotion("standard"):
    yield


@pytest.fixture
def mlp(x64: None) -> Toy:
  """A two-layer network; phi shifts its inputs and weighs its examples."""
  keys = jax.random.split(jax.random.key(0), 5)
  x = jax.random.normal(keys[0], (3, 6, 3))
  y = jax.nn.one_hot(jnp.arange(6) % 2, 2)
  x_val = jax.random.normal(keys[1], (5, 3))
  y_val = jax.nn.one_hot(jnp.arange(5) % 2, 2)
  theta = {
    "body": {"kernel": 0.7 * jax.random.normal(keys[2], (3, 4)), "bias": jnp.zeros((4,))},
    "head": {"kernel": 0.7 * jax.random.normal(keys[3], (4, 2)), "bias": jnp.zeros((2,))},
  }
  phi = {
    "shift": 0.3 * jax.random.normal(keys[4], (3,)),
    "log_weight": jnp.linspace(-0.5, 0.5, 6),
  }

  def losses(theta: Any, x: Any, y: Any) -> Any:
    h = jnp.tanh(x @ theta["body"]["kernel"] + theta["body"]["bias"][None])
    logits = h @ theta["head"]["kernel"] + theta["head"]["bias"][None]
    return -jnp.sum(y * jax.nn.log_softmax(logits), axis=-1)

  def inner(theta: Any, phi: Any, k: int = 0) -> Any:
    images = jnp.sin(x[k] + phi["shift"][None])
    decay = sum(jnp.vdot(leaf, leaf) for leaf in jax.tree.leaves(theta))
    return jnp.mean(jnp.exp(phi["log_weight"]) * losses(theta, images, y)) + 0.05 * decay

  def outer(theta: Any, phi: Any) -> Any:
    return jnp.mean(losses(theta, x_val, y_val)) + 0.1 * jnp.vdot(phi["shift"], phi["shift"])

  return Toy(inner, outer, theta, phi)
