"""Feeds: batches by number, from images on the device or from a stream."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.data.order import Order, sequential
from autoaug_jax.data.source import Examples
from autoaug_jax.data.stream import Stream
from autoaug_jax.types import Array, Batch, Feed

DEVICE_BUDGET = 2 << 30  # bytes of images on the device
EVALUATED = 256  # images at a time where nothing is trained, up to this many pixels on a side:
EVALUATED_SIDE = 224


class Held(NamedTuple):
  """A whole set on the device."""

  images: Array  # uint8 [N, H, W, C]
  labels: Array  # int32 [N], or float32 [N] or [N, L]


def hold(examples: Examples, *, labels: np.ndarray | None = None) -> Held:
  """Puts a set on the device once, for any number of feeds; `labels` replace its own."""
  images = examples.images
  if images is None:
    images = examples.fetch(np.arange(len(examples.labels)))
  return Held(jnp.asarray(images), jnp.asarray(_labels(examples, labels)))


def resident_feed(held: Held, order: Order) -> Feed:
  """Batches that the jitted step gathers from the device; the host hands over indices alone."""
  return Feed(held, order, _gather, order.steps_per_epoch)


def streamed_feed(
  examples: Examples,
  order: Order,
  *,
  labels: np.ndarray | None = None,
  workers: int | None = None,
) -> Feed:
  """Batches that Grain decodes ahead of the step in worker processes, and puts on the device.

  They are the batches of `resident_feed`, bit for bit. Steps asked for in turn are ready; any
  other step starts the stream anew from there. `workers` = 0 decodes in threads of this process.
  With workers, the main script needs `if __name__ == "__main__":`, as for any child process.
  """
  stream = Stream(examples, order, _labels(examples, labels), workers=workers)
  return Feed((), stream, _unpack, order.steps_per_epoch)


def feeds(
  examples: Examples,
  *orders: Order,
  labels: np.ndarray | None = None,
  memory_budget: int = DEVICE_BUDGET,
  workers: int | None = None,
) -> tuple[Feed, ...]:
  """A feed for each order: resident, sharing one copy, within `memory_budget`, else streamed."""
  if examples.nbytes <= memory_budget:
    held = hold(examples, labels=labels)
    return tuple(resident_feed(held, order) for order in orders)
  return tuple(streamed_feed(examples, order, labels=labels, workers=workers) for order in orders)


def evaluation_feed(
  examples: Examples,
  indices: np.ndarray,
  batch: int,
  *,
  memory_budget: int = DEVICE_BUDGET,
  workers: int | None = None,
) -> Feed:
  """Every one of `indices` exactly once; the last batch is filled up with examples of weight 0."""
  order = sequential(indices, batch)
  return feeds(examples, order, memory_budget=memory_budget, workers=workers)[0]


def evaluation_batch(shape: tuple[int, ...], *, least: int = 1) -> int:
  """How many images [H, W, C] are judged at a time: 256, and of large ones as many as have no more

  pixels than 256 of 224 x 224. At least `least`: a batch that is trained on fits in memory anyway.
  """
  height, width = shape[:2]
  return max(least, min(EVALUATED, EVALUATED * EVALUATED_SIDE**2 // (height * width)))


def _gather(held: Held, drawn: Any) -> Batch:
  """(held, indices [B]) -> the batch; -1 is the first example with weight 0."""
  indices = jnp.asarray(drawn, jnp.int32)
  index = jnp.maximum(indices, 0)
  image = held.images.at[index].get(mode="promise_in_bounds")
  label = held.labels.at[index].get(mode="promise_in_bounds")
  return Batch(image, label, (indices >= 0).astype(jnp.float32), index)


def _unpack(held: tuple[()], drawn: Any) -> Batch:
  """((), what a stream drew) -> the batch."""
  del held
  return Batch(*jax.tree.map(jnp.asarray, drawn))


def _labels(examples: Examples, labels: np.ndarray | None) -> np.ndarray:
  if labels is None:
    return examples.labels
  if labels.shape != examples.labels.shape:
    raise ValueError(
      f"labels of shape {labels.shape} do not fit {len(examples.labels)} examples; a split's"
      " labels have one for each of them"
    )
  return np.asarray(labels, examples.labels.dtype)
