"""What AutoDO learns of single training examples beside their images: loss weights, soft labels.

Rows are found by `Batch.index`, so that the gradient of every other row is zero.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.policies.base import Augmenter
from autoaug_jax.types import Array, Batch, Key, Phi

PER_SOFTPLUS = 1 / math.log(2)  # 1.4427 (the paper prints 1.44), so that a weight starts at 1


def example_weights(num_examples: int) -> Augmenter:
  """Multiplies each image's loss by its example's weight; phi [num_examples], at first all 0.

  w = 1.4427 softplus(phi) (AutoDO, Section 4.2): 1 at the start, never negative, not normalised.
  """
  _check_count(num_examples)

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    own = loss_weights(phi[batch.index])
    return batch._replace(weight=batch.weight.astype(own.dtype) * own)

  return Augmenter(lambda key: jnp.zeros(num_examples), augment)


def soft_labels(labels: np.ndarray, classes: int, *, alpha: float = 0.1) -> Augmenter:
  """Gives each image its example's own label distribution; phi [N, classes], logits.

  `labels` [N] are those that the data set has. softmax(phi) starts as label smoothing by `alpha`
  makes it (Section 4.2, whose formula has a wrong sign): 1 - alpha + alpha / classes for the given
  class, alpha / classes for each other one. The paper's alpha is 0.1, the released code's 0.05.
  """
  given = np.asarray(labels)
  if given.ndim != 1 or not np.issubdtype(given.dtype, np.integer):
    raise ValueError(f"labels are integers [n], got {given.dtype} of shape {given.shape}")
  _check_count(len(given))
  low, high = int(given.min()), int(given.max())
  if low < 0 or high >= classes or classes < 2:
    raise ValueError(f"labels lie in 0..{classes - 1}, got {low}..{high}")
  if not 0 < alpha < 1:
    raise ValueError(f"alpha lies between 0 and 1, got {alpha}")
  reach = math.log(1 - classes + classes / alpha)
  stored = given.astype(np.int32)

  def init(key: Key) -> Array:
    right = jnp.asarray(stored)[:, None] == jnp.arange(classes, dtype=jnp.int32)[None, :]
    return jnp.where(right, reach / 2, -reach / 2).astype(jnp.result_type(float))

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    return batch._replace(label=jax.nn.softmax(phi[batch.index]))

  return Augmenter(init, augment)


def loss_weights(phi: Array) -> Array:
  """The loss weights that logits phi [...] stand for."""
  return PER_SOFTPLUS * jax.nn.softplus(phi)


def off_label(phi: Array, labels: Array) -> Array:
  """[N]: the share of each soft label, of logits [N, classes], that is off the given class [N]."""
  own = jnp.take_along_axis(jax.nn.softmax(phi), labels[:, None].astype(jnp.int32), axis=1)
  return 1 - own[:, 0]


def _check_count(count: int) -> None:
  if count < 1:
    raise ValueError(f"a table takes at least 1 example, got {count}")
