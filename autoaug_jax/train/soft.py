"""Losses for labels that are learned themselves."""

import jax
import jax.numpy as jnp

from autoaug_jax.train.task import ModelState, Outcome, Task
from autoaug_jax.types import Array, Batch, Params


def divergence(task: Task, *, symmetric: bool = True) -> Task:
  """`task` with a KL divergence where labels are soft [B, classes]; hard labels [B] as before.

  1/2 [KL(S || P) + KL(P || S)] with S the label and P the prediction (AutoDO, Section 4.2), whose
  gradient moves either towards the other. Without `symmetric` it is KL(S || P), as in the released
  code where nothing is distorted: the cross-entropy less the entropy of S.

  `task` is any whose loss is a cross-entropy, linear in a soft label, without label smoothing. Its
  derivative in the label is then -log P, so that no pass through the network is added and nothing
  else need be known of it.
  """

  def loss(theta: Params, model_state: ModelState, batch: Batch, *, train: bool) -> Outcome:
    if batch.label.ndim == 1:
      return task.loss(theta, model_state, batch, train=train)

    def of(label: Array) -> tuple[Array, Outcome]:
      outcome = task.loss(theta, model_state, batch._replace(label=label), train=train)
      return outcome.losses, outcome

    cross, pull, outcome = jax.vjp(of, batch.label, has_aux=True)
    (negative,) = pull(jnp.ones_like(cross))
    return outcome._replace(losses=_between(batch.label, -negative, symmetric))

  return task._replace(loss=loss)


def _between(label: Array, log_p: Array, symmetric: bool) -> Array:
  """[B], from probabilities and log-probabilities [B, classes]."""
  # Below the smallest number there is no logarithm; its gradient is 0 from there on.
  log_s = jnp.log(jnp.maximum(label, jnp.finfo(label.dtype).tiny)).astype(log_p.dtype)
  label = label.astype(log_p.dtype)
  if not symmetric:
    return jnp.sum(label * (log_s - log_p), -1)
  return jnp.sum((label - jnp.exp(log_p)) * (log_s - log_p), -1) / 2
