"""A model and its loss, example by example."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import jax
import jax.numpy as jnp
import optax

from autoaug_jax.types import Array, Batch, Key, Params

ModelState: TypeAlias = Any  # what a model updates while it is trained: running statistics


class Outcome(NamedTuple):
  """What a model made of a batch."""

  losses: Array  # [B], not yet weighted
  scores: dict[str, Array]  # [B] each: what is reported beside the loss, "accuracy" for one
  model_state: ModelState  # no gradient flows through it


class TaskLoss(Protocol):
  """With `train` the batch's own statistics normalise and move the running ones; without it the

  running ones normalise, and stay.
  """

  def __call__(
    self, theta: Params, model_state: ModelState, batch: Batch, *, train: bool
  ) -> Outcome: ...


class Task(NamedTuple):
  """A model and its per-example loss; a user's own loss goes here.

  The weights of the batch are none of its business: whoever averages the losses applies them.
  """

  init: Callable[[Key, Batch], tuple[Params, ModelState]]  # traced: no number of the batch is read
  loss: TaskLoss
  score: str = "accuracy"  # which of the scores is reported first, the larger the better


def classification(
  model: Any,
  *,
  normalise: tuple[Sequence[float], Sequence[float]] | None = None,
  label_smoothing: float = 0.0,
  crop: int = 0,
) -> Task:
  """The cross-entropy of a Flax module that is called as `model(images, train=...)`.

  Images are uint8, or float in [0, 1]; (x - mean) / std per channel comes before the model where
  `normalise` is (mean, std). Labels are integers [B] or probabilities [B, classes]; an image counts
  as right where its most likely class is its label's. Smoothing mixes labels with the uniform. With
  a `crop`, images that are larger are cut to the square of so many pixels in their middle.
  """
  if not 0 <= label_smoothing < 1:
    raise ValueError(f"label_smoothing must be at least 0 and below 1, not {label_smoothing}")

  init, outputs = prepared(model, normalise=normalise, crop=crop)

  def loss(theta: Params, model_state: ModelState, batch: Batch, *, train: bool) -> Outcome:
    logits, moved = outputs(theta, model_state, batch.image, train=train)
    losses = cross_entropy(logits, batch.label, label_smoothing=label_smoothing)
    right = (jnp.argmax(logits, -1) == hard(batch.label)).astype(losses.dtype)
    return Outcome(losses, {"accuracy": right}, jax.lax.stop_gradient(moved))

  return Task(init, loss)


def prepared(
  model: Any, *, normalise: tuple[Sequence[float], Sequence[float]] | None, crop: int
) -> tuple[Callable[[Key, Batch], tuple[Params, ModelState]], Callable[..., Any]]:
  """What tasks share: their `init`, and (theta, model_state, images, train=) -> (outputs, state).

  Images are as a batch has them, outputs [B, ...]; the statistics move in training.
  """

  def init(key: Key, batch: Batch) -> tuple[Params, ModelState]:
    images = _normalised(_middle(batch.image[:1], crop), normalise)
    variables = model.init(key, images, train=False)
    theta = variables["params"]
    return theta, {name: part for name, part in variables.items() if name != "params"}

  def outputs(
    theta: Params, model_state: ModelState, images: Array, *, train: bool
  ) -> tuple[Array, ModelState]:
    images = _normalised(_middle(images, crop), normalise)
    variables = {"params": theta, **model_state}
    if train and model_state:
      return model.apply(variables, images, train=True, mutable=list(model_state))
    return model.apply(variables, images, train=train), model_state

  return init, outputs


def cross_entropy(logits: Array, labels: Array, *, label_smoothing: float = 0.0) -> Array:
  """Logits [B, C], labels [B] or [B, C] -> [B]; differentiable in soft labels."""
  classes = logits.shape[-1]
  if labels.ndim == 1 and label_smoothing == 0:
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels)
  targets = jax.nn.one_hot(labels, classes, dtype=logits.dtype) if labels.ndim == 1 else labels
  targets = targets.astype(logits.dtype)
  if label_smoothing:
    targets = optax.smooth_labels(targets, label_smoothing)
  return -jnp.sum(targets * jax.nn.log_softmax(logits), -1)


def hard(labels: Array) -> Array:
  """Integers [B] from labels [B] or [B, classes]."""
  if labels.ndim > 1:
    return jnp.argmax(labels, -1)
  return labels.astype(jax.dtypes.canonicalize_dtype(int))


def _middle(images: Array, side: int) -> Array:
  """[B, H, W, C] -> [B, side, side, C]; as they are where `side` is 0."""
  if not side:
    return images
  top, left = ((length - side) // 2 for length in images.shape[1:3])
  return images[:, top : top + side, left : left + side]


def _normalised(images: Array, normalise: tuple[Sequence[float], Sequence[float]] | None) -> Array:
  """[B, H, W, C] -> [B, H, W, C], float and normalised."""
  if images.dtype == jnp.uint8:
    images = images.astype(jnp.float32) / 255
  if normalise is None:
    return images
  mean, std = (jnp.asarray(part, images.dtype).reshape(1, 1, 1, -1) for part in normalise)
  return (images - mean) / std
