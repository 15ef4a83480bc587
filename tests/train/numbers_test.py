"""Losses of several labels and of numbers, against their closed forms in float64."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.models import small_cnn
from autoaug_jax.train import multi_label, regression
from autoaug_jax.types import Batch

OUTPUTS = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32) * 2
FLAGS = np.random.default_rng(1).integers(0, 2, (5, 3)).astype(np.float32)


class Given(nn.Module):
  """Outputs that are read off the first pixels, plus 0 times a parameter."""

  @nn.compact
  def __call__(self, x, train):
    nothing = self.param("nothing", nn.initializers.zeros, (3,))
    return x[:, 0, :3, 0] + nothing[None]


def made(task, outputs, labels):
  """The task's outcome where its model makes these outputs."""
  images = jnp.zeros((len(outputs), 4, 4, 1)).at[:, 0, :3, 0].set(outputs)
  batch = Batch(images, jnp.asarray(labels), jnp.ones(len(outputs)), jnp.arange(len(outputs)))
  theta, model_state = task.init(jax.random.key(0), batch)
  return task.loss(theta, model_state, batch, train=True)


def test_multi_label_is_the_sigmoid_cross_entropy():
  done = made(multi_label(Given()), OUTPUTS, FLAGS)
  p = 1 / (1 + np.exp(-OUTPUTS.astype(np.float64)))
  expected = -(FLAGS * np.log(p) + (1 - FLAGS) * np.log(1 - p)).mean(1)
  np.testing.assert_allclose(done.losses, expected, rtol=1e-5)
  right = (OUTPUTS > 0) == (FLAGS > 0.5)
  np.testing.assert_allclose(done.scores["accuracy"], right.mean(1), rtol=1e-6)
  np.testing.assert_array_equal(done.scores["exact"], right.all(1))


def test_multi_label_takes_integers_and_does_not_overflow():
  far = np.asarray([[200.0, -200.0, 200.0]], np.float32)
  done = made(multi_label(Given()), far, np.asarray([[1, 0, 0]], np.int32))
  np.testing.assert_allclose(done.losses, 200 / 3, rtol=1e-6)


@pytest.mark.parametrize("kind", ["squared", "huber"])
def test_regression_is_in_deviations_from_the_mean(kind):
  labels = 10 + 4 * np.random.default_rng(2).normal(size=(5, 3)).astype(np.float32)
  task = regression(Given(), scale=(10.0, 4.0), kind=kind)
  done = made(task, OUTPUTS, labels)
  off = OUTPUTS.astype(np.float64) - (labels - 10) / 4
  huber = np.where(np.abs(off) <= 1, off**2 / 2, np.abs(off) - 0.5)
  expected = huber if kind == "huber" else off**2 / 2
  assert (np.abs(off) > 1).any(), "Huber's two branches"
  np.testing.assert_allclose(done.losses, expected.mean(1), rtol=1e-5)
  np.testing.assert_allclose(done.scores["explained"], 1 - (off**2).mean(1), rtol=1e-4)
  np.testing.assert_allclose(done.scores["error"], 4 * np.abs(off).mean(1), rtol=1e-5)
  assert task.score == "explained"


def test_explained_is_r_squared():
  labels = np.random.default_rng(3).normal(3, 2, (50, 3)).astype(np.float32)
  labels = labels[:, :1].repeat(3, 1)
  scale = float(labels.mean()), float(labels.std())
  outputs = (labels - scale[0]) / scale[1] + 0.5 * np.random.default_rng(4).normal(size=(50, 1))
  done = made(regression(Given(), scale=scale), outputs.astype(np.float32), labels)
  predicted = outputs[:, 0] * scale[1] + scale[0]
  total = np.sum((labels[:, 0] - labels[:, 0].mean()) ** 2)
  r_squared = 1 - np.sum((labels[:, 0] - predicted) ** 2) / total
  np.testing.assert_allclose(np.mean(done.scores["explained"]), r_squared, rtol=1e-4)


def test_one_number_an_image():
  task = regression(small_cnn(widths=(4,), classes=1))
  images = jnp.asarray(np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), np.uint8))
  batch = Batch(images, jnp.ones(4), jnp.ones(4), jnp.arange(4))
  theta, model_state = task.init(jax.random.key(0), batch)
  done = task.loss(theta, model_state, batch, train=True)
  assert done.losses.shape == (4,)
  moved = jax.tree.map(lambda a, b: bool((a != b).any()), done.model_state, model_state)
  assert any(jax.tree.leaves(moved)), "running statistics move"


@pytest.mark.parametrize(
  ("call", "words"),
  [
    (
      lambda: made(multi_label(Given()), OUTPUTS, FLAGS[:, :2]),
      r"\[3\] .*, and its labels are \[2\]",
    ),
    (lambda: made(regression(Given()), OUTPUTS, FLAGS[:, 0]), r"\[3\] .*, and its labels are \[\]"),
    (lambda: regression(Given(), scale=(0.0, 0.0)), r"positive deviation, not \(0.0, 0.0\)"),
    (lambda: regression(Given(), kind="l1"), "'squared', 'huber', not 'l1'"),
  ],
  ids=["labels", "numbers", "scale", "kind"],
)
def test_mistakes_get_one_sentence(call, words):
  with pytest.raises(ValueError, match=words):
    call()
