"""The bilevel problem: what theta is trained on, and what phi is to be good for."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import jax
import jax.numpy as jnp

from autoaug_jax.devices import first_place
from autoaug_jax.policies.base import Augment, Augmenter
from autoaug_jax.train.state import SearchState
from autoaug_jax.train.task import ModelState, Outcome, Task
from autoaug_jax.types import Array, Batch, Key, Loss, Params, Phi


class Aux(NamedTuple):
  """What an inner loss knows beside its value."""

  scores: dict[str, Array]  # [] each: unweighted means over examples and draws
  model_state: ModelState
  losses: Array  # [B], weighted: their mean is the loss
  log_probs: Array  # [B]: 0, with the derivative in phi of each draw's log-probability


class Inner(Protocol):
  """The training loss, as all draws make it or as one of them does."""

  def __call__(self, theta: Params, phi: Phi, draw: int | None = None) -> tuple[Array, Aux]: ...


# (key, state, batch) -> a loss of (theta, phi); of the state, only model_state and pinned are read
Bind: TypeAlias = Callable[[Key, SearchState, Batch], Inner]
BindOuter: TypeAlias = Callable[[Key, SearchState, Batch], Loss]


class Problem(NamedTuple):
  """min over phi of outer(theta*(phi), phi), where theta*(phi) minimises train(., phi).

  `inner` is `train` as the estimator sees it: they differ in the statistics that normalise.
  """

  init: Callable[[Key, Batch], tuple[Params, ModelState, Phi]]
  train: Bind
  inner: Bind
  outer: BindOuter
  draws: int = 1


def supervised(
  task: Task,
  augmenter: Augmenter,
  *,
  draws: int = 1,
  inner_train: bool = True,
  outer_train: bool = True,
  validation: Augment | None = None,
  penalty: Callable[[Phi, Any], Array] | None = None,
  decay: Callable[[Params], Array] | None = None,
  axis_name: str | None = None,
) -> Problem:
  """Learning from labelled images: both losses are mean(weight * losses) of the task.

  Args:
    task: the model and its loss.
    augmenter: what phi does to training images.
    draws: how many augmented copies of the batch a training step averages over (SLACK has 8);
      running statistics move once, by the mean over copies.
    inner_train: whether the search normalises training images by the batch (SLACK, Online bilevel)
      or by running statistics (AutoDO). Training always does by the batch.
    outer_train: the same for validation images: by the batch (SLACK, Online bilevel), or by running
      statistics (MADAO, AutoDO). They never move the running ones.
    validation: how validation images are augmented; None leaves them as they are.
    penalty: (phi, pinned) -> a scalar that is added to the outer loss.
    decay: theta -> a scalar that is added to the inner loss: weight decay that second derivatives
      see (`half_l2`).
    axis_name: the axis of devices over which a batch is spread.
  """
  if draws < 1:
    raise ValueError(f"draws must be at least 1, not {draws}")

  def init(key: Key, batch: Batch) -> tuple[Params, ModelState, Phi]:
    for_task, for_phi = jax.random.split(key)
    return (*task.init(for_task, batch), augmenter.init(for_phi))

  def bound(train: bool) -> Bind:
    def bind(key: Key, state: SearchState, batch: Batch) -> Inner:
      first = first_place(len(batch.label), axis_name)

      def one(theta: Params, phi: Phi, draw: int) -> tuple[Array, Aux]:
        augmented = augmenter.augment(jax.random.fold_in(key, draw), phi, batch, first=first)
        outcome = task.loss(theta, state.model_state, augmented, train=train)
        losses = _weighted(outcome, augmented)
        if decay is not None:
          losses = losses + decay(theta)
        aux = Aux(_means(outcome), outcome.model_state, losses, _log_probs(augmented))
        return jnp.mean(losses), aux

      def inner(theta: Params, phi: Phi, draw: int | None = None) -> tuple[Array, Aux]:
        # A loop of Python: in one of XLA, gradients of convolutions are 30 times slower on CPUs.
        each = [one(theta, phi, d) for d in (range(draws) if draw is None else [draw])]
        loss, aux = mean_of(each)
        return loss, aux

      return inner

    return bind

  def outer(key: Key, state: SearchState, batch: Batch) -> Loss:
    def loss(theta: Params, phi: Phi) -> Array:
      seen = batch
      if validation is not None:
        first = first_place(len(batch.label), axis_name)
        seen = validation(key, phi, batch, first=first)
      outcome = task.loss(theta, state.model_state, seen, train=outer_train)
      value = jnp.mean(_weighted(outcome, seen))
      return value if penalty is None else value + penalty(phi, state.pinned)

    return loss

  return Problem(init, bound(True), bound(inner_train), outer, draws)


def by_draw(inner: Inner) -> Callable[..., Any]:
  """inner for estimators that weigh single draws: (theta, phi, d) -> (loss, (log_prob, aux))."""

  def drawn(theta: Params, phi: Phi, draw: int) -> tuple[Array, tuple[Array, Aux]]:
    loss, aux = inner(theta, phi, draw)
    return loss, (jnp.mean(aux.log_probs), aux)

  return drawn


def by_image(inner: Inner) -> Callable[..., Any]:
  """inner for estimators that weigh single images: (theta, phi) -> ((losses, log_probs), aux)."""

  def imaged(theta: Params, phi: Phi) -> tuple[tuple[Array, Array], Aux]:
    _, aux = inner(theta, phi)
    return (aux.losses, aux.log_probs), aux

  return imaged


def half_l2(weight: float, *, mask: Callable[[Params], Any] | None = None) -> Any:
  """theta -> weight / 2 |theta|^2, over the parameters for which mask(theta) is true."""

  def decay(theta: Params) -> Array:
    kept = jax.tree.map(lambda _: True, theta) if mask is None else mask(theta)
    squares = jax.tree.map(lambda x, keep: jnp.vdot(x, x) if keep else None, theta, kept)
    return weight / 2 * sum(jax.tree.leaves(squares), jnp.zeros(()))

  return decay


def mean_of(each: Sequence[Any]) -> Any:
  """The mean of pytrees; of a single one, itself."""
  if len(each) == 1:
    return each[0]
  return jax.tree.map(lambda *x: sum(x[1:], x[0]) / len(x), *each)


def _weighted(outcome: Outcome, batch: Batch) -> Array:
  """weight * losses [B]: never divided by the weights' sum, which would kill their score."""
  return batch.weight.astype(outcome.losses.dtype) * outcome.losses


def _means(outcome: Outcome) -> dict[str, Array]:
  return {name: jnp.mean(each) for name, each in outcome.scores.items()}


def _log_probs(batch: Batch) -> Array:
  """[B]: the score that rides on each weight, exp(log_prob - stop_gradient(log_prob)), as a sum.

  Their logarithm; 0 as a number, because what is not a score is divided out.
  """
  still = jax.lax.stop_gradient(batch.weight)
  return jnp.log(jnp.where(still == 0, 1, batch.weight / jnp.where(still == 0, 1, still)))
