"""Draws judged against the batch's mean."""

import jax
import jax.numpy as jnp

from autoaug_jax.devices import mean_over
from autoaug_jax.policies.base import Augmenter
from autoaug_jax.types import Array, Batch, Key, Phi


def against_mean(augmenter: Augmenter, *, axis_name: str | None = None) -> Augmenter:
  """`augmenter`, whose weights keep their mean whatever phi does to them.

  A draw's score then multiplies by how much its image's loss, or the loss's gradient, differs from
  the batch's mean, and no longer the whole of it: what all images have in common was noise. Without
  bias, but for a factor of 1 - 1/n, n being the number of a batch's independent draws; so nothing
  is left of a draw that all images share. Only for weights in which phi has scores alone.

  Args:
    augmenter: of a policy that has a log_prob.
    axis_name: the axis of devices over which batches are spread; the mean is that of all of them.
  """
  mean = mean_over(axis_name)

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    drawn = augmenter.augment(key, phi, batch, first=first)
    moved = mean(jnp.mean(drawn.weight))
    still = jax.lax.stop_gradient(moved)
    nothing = still == 0  # not one image has a weight
    kept = jnp.where(nothing, 1, still / jnp.where(nothing, 1, moved))  # x / x is 1 to the bit
    return drawn._replace(weight=kept * drawn.weight)

  return Augmenter(augmenter.init, augment)
