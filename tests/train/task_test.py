import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.models import small_cnn
from autoaug_jax.train import classification, cross_entropy
from autoaug_jax.types import Batch
from tests.train import cases

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def batch(count: int = 6, dtype: type = np.uint8) -> Batch:
  images, labels = cases.images(count)
  images = images if dtype is np.uint8 else images.astype(dtype) / 255
  return Batch(jnp.asarray(images), jnp.asarray(labels), jnp.ones(count), jnp.arange(count))


def by_hand(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
  """Cross-entropy in float64 NumPy."""
  z = logits.astype(np.float64)
  log_sum = np.log(np.exp(z - z.max(1, keepdims=True)).sum(1)) + z.max(1)
  return log_sum * targets.sum(1) - (targets * z).sum(1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("soft", [False, True], ids=["integers", "soft"])
def test_cross_entropy_is_the_closed_form(smoothing, soft):
  rng = np.random.default_rng(0)
  logits = 3 * rng.normal(size=(5, 4)).astype(np.float32)
  if soft:
    labels = rng.dirichlet(np.ones(4), 5).astype(np.float32)
    targets = labels
  else:
    labels = rng.integers(0, 4, 5).astype(np.int32)
    targets = np.eye(4)[labels]
  losses = cross_entropy(jnp.asarray(logits), jnp.asarray(labels), label_smoothing=smoothing)
  expected = by_hand(logits, (1 - smoothing) * targets + smoothing / 4)
  np.testing.assert_allclose(losses, expected, rtol=2e-5)


def test_the_model_sees_normalised_images_whatever_their_dtype():
  pixels = batch()
  task = classification(cases.Tiny(), normalise=(MEAN, STD))
  theta, model_state = task.init(jax.random.key(0), pixels)
  of_bytes = task.loss(theta, model_state, pixels, train=True)
  of_floats = task.loss(theta, model_state, batch(dtype=np.float32), train=True)
  chex.assert_trees_all_close(of_bytes.losses, of_floats.losses, rtol=1e-6)
  colour = (np.asarray(pixels.image) / 255).mean((1, 2))
  head = jax.device_get(theta)["head"]
  logits = (colour - MEAN) / STD @ head["kernel"] + head["bias"]
  targets = np.eye(cases.CLASSES)[np.asarray(pixels.label)]
  np.testing.assert_allclose(of_bytes.losses, by_hand(logits, targets), rtol=1e-5)
  right = logits.argmax(1) == np.asarray(pixels.label)
  np.testing.assert_array_equal(of_bytes.scores["accuracy"], right)
  assert of_bytes.model_state == {}


def test_running_statistics_move_in_training_only_and_carry_no_gradient():
  images = batch()
  task = classification(small_cnn(widths=(4,), classes=cases.CLASSES))
  theta, model_state = task.init(jax.random.key(0), images)
  still = task.loss(theta, model_state, images, train=False)
  chex.assert_trees_all_equal(still.model_state, model_state)
  moved = task.loss(theta, model_state, images, train=True)
  chex.assert_trees_all_equal_shapes_and_dtypes(moved.model_state, model_state)
  assert not np.allclose(still.losses, moved.losses)

  def size(theta):
    moved = task.loss(theta, model_state, images, train=True).model_state
    return sum(jnp.sum(leaf) for leaf in jax.tree.leaves(moved))

  assert size(theta) != sum(jnp.sum(leaf) for leaf in jax.tree.leaves(model_state))
  chex.assert_trees_all_equal(jax.grad(size)(theta), jax.tree.map(jnp.zeros_like, theta))


def test_a_smoothing_of_one_is_refused():
  with pytest.raises(ValueError, match="label_smoothing must be"):
    classification(cases.Tiny(), label_smoothing=1.0)
