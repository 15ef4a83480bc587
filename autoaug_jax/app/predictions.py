"""What a network makes of test images: its predictions, and what its last layer reads."""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.train import SearchState, Task
from autoaug_jax.types import Array, Batch, Feed

HEAD = "head"  # the last layer of every network of ours, and of those that AutoDO takes


class Predictions(NamedTuple):
  """Images and what became of them, in the order of their feed; NumPy."""

  label: np.ndarray  # int32 [n], the classes that they have
  predicted: np.ndarray  # int32 [n], those that they are given
  features: np.ndarray  # float32 [n, F], what the last layer reads


def predictions(task: Task, feed: Feed, state: SearchState) -> Predictions:
  """One pass of `feed`, with running statistics; images of weight 0 are left out.

  Labels are numbers of classes. The features are the input of the layer called `head`, whatever the
  rest of the network is.
  """

  @jax.jit
  def look(theta: Any, model_state: Any, held: Any, drawn: Any) -> tuple[Array, ...]:
    batch: Batch = feed.batch(held, drawn)
    read: list[tuple[Array, Array]] = []
    with nn.intercept_methods(_recorder(read)):
      task.loss(theta, model_state, batch, train=False)
    if not read:
      raise ValueError(f"the features of a network are read at its layer {HEAD!r}, and it has none")
    features, logits = read[-1]
    label = batch.label.astype(jnp.int32)
    predicted = jnp.argmax(logits, -1).astype(jnp.int32)
    return batch.weight > 0, label, predicted, features.astype(jnp.float32)

  parts = []
  for number in range(feed.steps_per_epoch):
    made = look(state.theta, state.model_state, feed.held, feed.draw(number))
    there, *values = jax.device_get(made)
    parts.append([value[there] for value in values])
  label, predicted, features = (np.concatenate(part) for part in zip(*parts, strict=True))
  return Predictions(label, predicted, features.reshape(len(label), -1))


def confused(found: Predictions, classes: int) -> np.ndarray:
  """int64 [C, C]: how often each class, down, is given as each class, across."""
  counts = np.zeros((classes, classes), np.int64)
  np.add.at(counts, (found.label, found.predicted), 1)
  return counts


def _recorder(read: list[tuple[Array, Array]]) -> Callable[..., Any]:
  """Notes what goes into the head and what comes out, and changes nothing."""

  def intercept(call: Any, args: Any, kwargs: Any, context: Any) -> Any:
    made = call(*args, **kwargs)
    if context.module.path == (HEAD,) and context.method_name == "__call__":
      read.append((args[0], made))
    return made

  return intercept
