"""Small problems that the tests of this package share."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.policies.base import Augmenter
from autoaug_jax.train import Learner, Problem, classification, learner, optim, supervised
from autoaug_jax.types import Array, Batch, Feed, Key, Phi

SIDE, CLASSES = 8, 3


def images(count: int = 48, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
  """Noise with a class's own brightness in a class's own channel: learnable, not at once."""
  rng = np.random.default_rng(seed)
  labels = rng.integers(0, CLASSES, count).astype(np.int32)
  pixels = rng.integers(0, 160, (count, SIDE, SIDE, CLASSES))
  pixels[np.arange(count), :, :, labels] += 60
  return pixels.astype(np.uint8), labels


def feed(batch: int = 8, *, count: int = 48, seed: int = 0, held: Any = None) -> Feed:
  """Batches gathered on the device, in an order that depends on the seed and the epoch."""
  held = tuple(map(jnp.asarray, images(count))) if held is None else held
  per_epoch = count // batch

  def draw(step: int) -> np.ndarray:
    epoch, place = divmod(step, per_epoch)
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return order[place * batch : (place + 1) * batch].astype(np.int32)

  def make(held: Any, index: Array) -> Batch:
    pixels, labels = held
    weight = jnp.ones(index.shape, jnp.float32)
    return Batch(pixels[index], labels[index], weight, index)

  return Feed(held, draw, make, per_epoch)


class Tiny(nn.Module):
  """A linear map of the mean colour: compiles in no time."""

  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Array, train: bool) -> Array:
    x = jnp.mean(x.astype(self.dtype), axis=(1, 2))
    return nn.Dense(CLASSES, dtype=self.dtype, param_dtype=self.dtype, name="head")(x)


def brightness() -> Augmenter:
  """Adds phi times noise to each image, a different one at each place: differentiable."""

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    places = jnp.arange(len(batch.label), dtype=jnp.int32) + first
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, places)
    noise = jax.vmap(lambda k: jax.random.normal(k, (CLASSES,), phi.dtype))(keys)
    image = batch.image.astype(phi.dtype) / 255 + phi * noise[:, None, None]
    return batch._replace(image=image)

  return Augmenter(lambda key: jnp.asarray(0.1), augment)


def problem(*, model: Any = None, **kwargs: Any) -> Problem:
  return supervised(classification(model or Tiny()), brightness(), **kwargs)


def trainer(
  *, model: Any = None, rate: Any = 0.1, axis_name: str | None = None, **kwargs: Any
) -> Learner:
  """A learner that only trains."""
  optimizer = optim.sgd(rate, nesterov=True, weight_decay=1e-3, **kwargs)
  return learner(problem(model=model, axis_name=axis_name), optimizer, axis_name=axis_name)
