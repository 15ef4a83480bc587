"""Losses of labels that are no classes: several at once, or numbers."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax

from autoaug_jax.train.task import ModelState, Outcome, Task, prepared
from autoaug_jax.types import Array, Batch, Params

LOSSES = ("squared", "huber")


def multi_label(
  model: Any,
  *,
  normalise: tuple[Sequence[float], Sequence[float]] | None = None,
  crop: int = 0,
) -> Task:
  """Several labels an image: the sigmoid cross-entropy, a mean over labels.

  The model makes a logit for each of L labels; labels are float [B, L], 1 where one is there and 0
  where not, or a probability. Scores are "accuracy", the share of an image's labels that are right,
  and "exact", whether all are. Images, `normalise` and `crop` are as in `classification`.
  """
  init, outputs = prepared(model, normalise=normalise, crop=crop)

  def loss(theta: Params, model_state: ModelState, batch: Batch, *, train: bool) -> Outcome:
    logits, moved = outputs(theta, model_state, batch.image, train=train)
    labels = _labels(batch.label, logits)
    losses = jnp.mean(optax.sigmoid_binary_cross_entropy(logits, labels), -1)
    right = (logits > 0) == (labels > 0.5)
    scores = {"accuracy": jnp.mean(right, -1, dtype=losses.dtype), "exact": jnp.all(right, -1)}
    scores = {name: score.astype(losses.dtype) for name, score in scores.items()}
    return Outcome(losses, scores, jax.lax.stop_gradient(moved))

  return Task(init, loss)


def regression(
  model: Any,
  *,
  normalise: tuple[Sequence[float], Sequence[float]] | None = None,
  crop: int = 0,
  scale: tuple[float, float] = (0.0, 1.0),
  kind: str = "squared",
) -> Task:
  """Numbers as labels, float [B] or [B, D]: half the squared error or Huber's, a mean over D.

  The model's outputs [B, D] are the labels less their mean and by their deviation, `scale`. The
  score is "explained", 1 - (error / deviation)^2: its mean over images is R^2 where `scale` holds
  the labels' moments. "error" is the absolute error in the labels' unit. Huber's loss ("huber") is
  linear beyond one deviation. Images, `normalise` and `crop` are as in `classification`.
  """
  middle, width = (float(number) for number in scale)
  if not width > 0:
    raise ValueError(f"scale takes a mean and a positive deviation, not {scale}")
  if kind not in LOSSES:
    raise ValueError(f"kind must be one of {', '.join(map(repr, LOSSES))}, not {kind!r}")
  init, outputs = prepared(model, normalise=normalise, crop=crop)

  def loss(theta: Params, model_state: ModelState, batch: Batch, *, train: bool) -> Outcome:
    made, moved = outputs(theta, model_state, batch.image, train=train)
    off = made - (_labels(batch.label, made) - middle) / width
    each = optax.huber_loss(off) if kind == "huber" else off**2 / 2
    scores = {
      "explained": 1 - jnp.mean(off**2, -1),
      "error": width * jnp.mean(jnp.abs(off), -1),
    }
    return Outcome(jnp.mean(each, -1), scores, jax.lax.stop_gradient(moved))

  return Task(init, loss, "explained")


def _labels(labels: Array, outputs: Array) -> Array:
  """Labels in the shape and dtype of outputs [B, L]; ValueError where they have another shape."""
  wanted = labels[:, None] if labels.ndim == 1 else labels
  if outputs.ndim != 2 or wanted.shape != outputs.shape:
    raise ValueError(
      f"the model makes {list(outputs.shape[1:])} of an image, and its labels are "
      f"{list(labels.shape[1:])}"
    )
  return wanted.astype(outputs.dtype)
