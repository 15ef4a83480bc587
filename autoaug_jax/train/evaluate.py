"""How good a network is on images that it was not trained on."""

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from autoaug_jax import devices
from autoaug_jax.train import optim
from autoaug_jax.train.state import SearchState, select
from autoaug_jax.train.task import Task, hard
from autoaug_jax.types import Array, Batch, Feed


class Counts(NamedTuple):
  """Sums over examples, each with its weight."""

  weight: Array  # []
  loss: Array  # []
  scores: dict[str, Array]  # [] each
  of_class: Array  # [classes], how much weight each class has
  right: Array  # [classes], how much of it is classified rightly


def evaluation(
  task: Task,
  feed: Feed,
  *,
  classes: int,
  seeds: int = 0,
  averaged: bool = False,
) -> Callable[[SearchState], dict[str, Any]]:
  """state -> {"loss", "accuracy", ..., "per_class": [classes]} over one pass of `feed`.

  The last batch is filled up with examples of weight 0. Running statistics normalise. A class
  without examples has None. With `seeds`, each value is a list over seeds. `averaged` looks at the
  moving average of theta that `sgd(ema=...)` keeps. Labels that are no classes take `classes` = 0.
  """

  @jax.jit
  def add(counts: Counts | None, theta: Any, model_state: Any, held: Any, drawn: Any) -> Counts:
    batch: Batch = feed.batch(held, drawn)
    outcome = task.loss(theta, model_state, batch, train=False)
    weight = batch.weight.astype(outcome.losses.dtype)
    label = hard(batch.label) if classes else jnp.zeros(weight.shape, jnp.int32)
    right = outcome.scores.get("accuracy", jnp.zeros_like(weight))
    new = Counts(
      jnp.sum(weight),
      jnp.sum(weight * outcome.losses),
      {n: jnp.sum(weight * x) for n, x in outcome.scores.items()},
      jax.ops.segment_sum(weight, label, classes),
      jax.ops.segment_sum(weight * right, label, classes),
    )
    return new if counts is None else jax.tree.map(jnp.add, counts, new)

  def of_one(state: SearchState) -> dict[str, Any]:
    theta = optim.averaged(state.opt_state) if averaged else state.theta
    counts, waiting = None, deque[Any]()
    for number in range(feed.steps_per_epoch):
      counts = add(counts, theta, state.model_state, feed.held, feed.draw(number))
      waiting.append(counts.weight)
      if len(waiting) > 2:
        jax.block_until_ready(waiting.popleft())
    return _report(jax.device_get(counts))

  def evaluate(state: SearchState) -> dict[str, Any]:
    here = devices.local(state)
    if not seeds:
      return of_one(here)
    each = [of_one(select(here, seed)) for seed in range(seeds)]
    return {name: [one[name] for one in each] for name in each[0]}

  return evaluate


def _report(counts: Any) -> dict[str, Any]:
  if counts is None or not counts.weight > 0:
    raise ValueError("an evaluation needs at least one example of positive weight")
  per_class = [
    float(right / weight) if weight > 0 else None
    for right, weight in zip(counts.right, counts.of_class, strict=True)
  ]
  scores = {name: float(value / counts.weight) for name, value in counts.scores.items()}
  return {"loss": float(counts.loss / counts.weight), **scores, "per_class": per_class}
