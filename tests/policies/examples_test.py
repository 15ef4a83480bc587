"""Loss weights and soft labels: where they start, and whose rows move."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.policies import chain, example_weights, loss_weights, off_label, soft_labels
from autoaug_jax.types import Batch

KEY = jax.random.key(0)
LABELS = np.array([2, 0, 1, 2, 1], np.int32)


def batch_of(index=(3, 1)):
  index = jnp.asarray(index, jnp.int32)
  image = jnp.zeros((len(index), 4, 4, 1), jnp.uint8)
  return Batch(image, jnp.asarray(LABELS)[index], jnp.full(len(index), 0.5), index)


def test_weights_start_at_one_and_are_softplus():
  augmenter = example_weights(5)
  phi = augmenter.init(KEY)
  chex.assert_shape(phi, (5,))
  np.testing.assert_allclose(augmenter.augment(KEY, phi, batch_of()).weight, 0.5, rtol=1e-6)
  # 1.4427 ln(1 + e^x), the paper's 1.44 in full.
  np.testing.assert_allclose(
    loss_weights(jnp.array([0.0, 1.0, -30.0])), [1.0, 1.894636, 0.0], atol=1e-5
  )


@pytest.mark.parametrize(
  ("classes", "alpha", "logit", "share"),
  [
    (10, 0.05, 2.6261, 0.955),
    (10, 0.1, 2.2554, 0.910),
    (100, 0.05, 3.7751, 0.9505),
    (100, 0.1, 3.4018, 0.901),
    (1000, 0.1, 4.5525, 0.9001),
  ],
)
def test_soft_labels_start_smooth(classes, alpha, logit, share):
  augmenter = soft_labels(np.array([1, 0]), classes, alpha=alpha)
  phi = augmenter.init(KEY)
  np.testing.assert_allclose(phi[0, :3], [-logit, logit, -logit], atol=6e-5)
  batch = Batch(*batch_of()[:3], jnp.array([1, 0], jnp.int32))
  label = augmenter.augment(KEY, phi, batch).label
  np.testing.assert_allclose(label[1, 1], share, atol=1e-4)
  np.testing.assert_allclose(label[0, 1:], alpha / classes, rtol=1e-4)
  np.testing.assert_allclose(label.sum(1), 1, rtol=1e-5)


def test_rows_go_by_the_examples_number():
  augmenter = chain(example_weights(5), soft_labels(LABELS, 3))
  weight, label = augmenter.init(KEY)
  phi = (weight + jnp.arange(5.0), label)
  out = augmenter.augment(KEY, phi, batch_of((3, 1)))
  np.testing.assert_allclose(out.weight, 0.5 * loss_weights(jnp.array([3.0, 1.0])), rtol=1e-6)
  np.testing.assert_array_equal(jnp.argmax(out.label, 1), LABELS[[3, 1]])

  def value(phi):
    out = augmenter.augment(KEY, phi, batch_of((3, 1)))
    return jnp.sum(out.weight * jnp.sum(out.label**2, 1))

  for slope in jax.grad(value)(phi):
    there = np.asarray(slope != 0).reshape(5, -1).any(1)
    np.testing.assert_array_equal(there, [False, True, False, True, False])


def test_what_is_off_the_given_label():
  logits = jnp.log(jnp.array([[0.2, 0.5, 0.3], [0.7, 0.1, 0.2]]))
  np.testing.assert_allclose(off_label(logits, jnp.array([1, 2])), [0.5, 0.8], rtol=1e-5)


@pytest.mark.parametrize(
  ("labels", "classes", "alpha", "message"),
  [
    (np.zeros((2, 2), int), 3, 0.1, "shape"),
    (np.zeros(2), 3, 0.1, "float64"),
    (np.array([0, 3]), 3, 0.1, r"0..2, got 0..3"),
    (np.array([0, 1]), 3, 0.0, "got 0.0"),
  ],
  ids=["rank", "dtype", "class", "alpha"],
)
def test_mistakes_are_named(labels, classes, alpha, message):
  with pytest.raises(ValueError, match=message):
    soft_labels(labels, classes, alpha=alpha)


def test_an_empty_table_is_refused():
  with pytest.raises(ValueError, match="at least 1 example, got 0"):
    example_weights(0)
