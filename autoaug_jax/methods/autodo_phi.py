"""What AutoDO learns, and what can be read from it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.policies import (
  GaussianPhi,
  gaussian_chances,
  gaussian_deviations,
  loss_weights,
  off_label,
)
from autoaug_jax.types import Array, Phi

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


class AutodoPhi(NamedTuple):
  """What AutoDO learns; () where a part is switched off, or has nothing to learn."""

  base: Phi  # ((), ())
  image: Phi  # A: a GaussianPhi of leaves [N, ops], or [ops] where it is shared
  weight: Phi  # W: logits [N]
  label: Phi  # S: logits [N, classes]


class Verdicts(NamedTuple):
  """What was learned of single examples: [N] each, NumPy."""

  weight: np.ndarray  # of the loss; 1 where weights are not learned
  off_label: np.ndarray  # the soft label's share off the given label; 0 where it is not learned
  label: np.ndarray  # int32, the soft label's most likely class
  suspects: np.ndarray  # int32, all examples, the most suspect first


def verdicts(phi: AutodoPhi, labels: np.ndarray) -> Verdicts:
  """Which examples AutoDO believes to be mislabelled, from what it learned of them.

  They are ranked by the share of their soft label that is off the given one, or where soft labels
  are not learned by their weight, the lowest first; of equal ones the lower number comes first.
  """
  given = np.asarray(labels, np.int32)
  count = len(given)
  weight, off, label = np.ones(count), np.zeros(count), given.copy()
  if not _empty(phi.weight):
    weight = np.asarray(loss_weights(jnp.asarray(phi.weight)))
  if not _empty(phi.label):
    logits = jnp.asarray(phi.label)
    off = np.asarray(off_label(logits, jnp.asarray(given)))
    label = np.asarray(jnp.argmax(logits, -1), np.int32)
  score = off if not _empty(phi.label) else -weight
  order = np.argsort(-score, kind="stable").astype(np.int32)
  return Verdicts(weight, off, label, order)


def watched(
  phi: AutodoPhi, labels: np.ndarray, start: GaussianPhi, *, variance: bool = False
) -> dict[str, Array]:
  """Mean chances and deviations, and quantiles of weights, of the examples that have moved.

  Of all examples: the share whose soft label has another most likely class than the given one, and
  the mean share of a soft label that is off it. `start` is one image's row as it begins.
  """
  told: dict[str, Array] = {}
  if not _empty(phi.image):
    chance = gaussian_chances(phi.image)
    spread = gaussian_deviations(phi.image, variance=variance)
    one = chance.ndim == 1
    told["probability"] = chance if one else _mean(chance, moved(phi.image, start))
    told["deviation"] = spread if one else _mean(spread, moved(phi.image, start))
  if not _empty(phi.weight):
    known = jnp.where(phi.weight != 0, loss_weights(phi.weight), jnp.nan)
    ranks = jnp.asarray(QUANTILES, known.dtype)
    told["weight"] = jnp.nan_to_num(jnp.nanquantile(known, ranks), nan=1.0)
  if not _empty(phi.label):
    other = jnp.argmax(phi.label, -1).astype(jnp.int32) != jnp.asarray(labels, jnp.int32)
    told["disagreement"] = jnp.mean(other.astype(phi.label.dtype))
    told["off_label"] = jnp.mean(off_label(phi.label, jnp.asarray(labels, jnp.int32)))
  return told


def moved(phi: GaussianPhi, start: GaussianPhi) -> Array:
  """bool [N]: the rows that are no longer as they began; all of them where none has moved."""
  pairs = zip(phi, start, strict=True)
  changed = jnp.any(jnp.stack([jnp.any(x != y[None], axis=-1) for x, y in pairs]), axis=0)
  return changed | ~jnp.any(changed)


def _mean(values: Array, rows: Array) -> Array:
  """[A], of the chosen rows of [N, A]."""
  share = rows.astype(values.dtype)
  return share @ values / jnp.sum(share)


def _empty(part: Phi) -> bool:
  return not jax.tree.leaves(part)
