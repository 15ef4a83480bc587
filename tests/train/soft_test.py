"""Divergences between soft labels and predictions, of a task that is known by its cross-entropy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from autoaug_jax.train import classification, divergence
from autoaug_jax.types import Batch
from tests.train import cases

PIXELS, LABELS = cases.images(6)
TASK = classification(cases.Tiny())


def batch_of(label):
  image = jnp.asarray(PIXELS / np.float32(255))
  return Batch(image, jnp.asarray(label), jnp.ones(6), jnp.arange(6, dtype=jnp.int32))


def soft(seed=0):
  return np.random.default_rng(seed).dirichlet(np.ones(3), 6).astype(np.float32)


def predicted(theta):
  head = jax.tree.map(np.asarray, theta["head"])
  features = (PIXELS / 255).mean((1, 2))
  return scipy.special.softmax(features @ head["kernel"] + head["bias"], -1)


@pytest.mark.parametrize("symmetric", [True, False], ids=["both", "one"])
def test_the_losses_are_divergences(symmetric):
  theta, state = TASK.init(jax.random.key(0), batch_of(LABELS))
  theta = jax.tree.map(lambda x: 3 * x, theta)
  out = divergence(TASK, symmetric=symmetric).loss(theta, state, batch_of(soft()), train=True)
  p = predicted(theta)
  forward, backward = (scipy.stats.entropy(*pair, axis=-1) for pair in ((soft(), p), (p, soft())))
  expected = (forward + backward) / 2 if symmetric else forward
  np.testing.assert_allclose(out.losses, expected, rtol=1e-4, atol=1e-6)
  right = np.argmax(p, -1) == np.argmax(soft(), -1)
  np.testing.assert_array_equal(out.scores["accuracy"], right)


def test_hard_labels_have_their_cross_entropy():
  theta, state = TASK.init(jax.random.key(0), batch_of(LABELS))
  got = divergence(TASK).loss(theta, state, batch_of(LABELS), train=False)
  expected = -np.log(predicted(theta))[np.arange(6), LABELS]
  np.testing.assert_allclose(got.losses, expected, rtol=1e-5)


def test_gradients_are_those_of_differences(x64):
  """In theta, in the labels, and mixed, as a search takes them."""
  task = divergence(classification(cases.Tiny(dtype=jnp.float64)))
  batch = batch_of(soft().astype(np.float64))
  theta, state = task.init(jax.random.key(0), batch)
  logits = jnp.log(batch.label)
  kernel = theta["head"]["kernel"]

  @jax.jit
  def value(kernel, logits):
    inside = {"head": {**theta["head"], "kernel": kernel}}
    labelled = batch._replace(label=jax.nn.softmax(logits))
    return jnp.sum(task.loss(inside, state, labelled, train=True).losses)

  rng = np.random.default_rng(1)
  one, two = rng.normal(size=kernel.shape), rng.normal(size=logits.shape)
  step = 1e-4

  def at(a, b):
    return value(kernel + a * step * one, logits + b * step * two)

  def along(f, direction):
    return jax.jvp(f, (kernel,), (jnp.asarray(direction),))[1]

  slopes = jax.grad(value, (0, 1))(kernel, logits)
  np.testing.assert_allclose(jnp.vdot(slopes[0], one), (at(1, 0) - at(-1, 0)) / 2 / step, rtol=1e-6)
  np.testing.assert_allclose(jnp.vdot(slopes[1], two), (at(0, 1) - at(0, -1)) / 2 / step, rtol=1e-6)
  mixed = along(lambda k: jax.grad(value, 1)(k, logits), one)
  crossed = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / 4 / step**2
  np.testing.assert_allclose(jnp.vdot(mixed, two), crossed, rtol=1e-4)


def test_a_label_without_a_class_stays_finite():
  hard = jax.nn.one_hot(jnp.asarray(LABELS), 3)
  theta, state = TASK.init(jax.random.key(0), batch_of(LABELS))

  def value(label):
    return jnp.sum(divergence(TASK).loss(theta, state, batch_of(label), train=True).losses)

  number, slope = jax.value_and_grad(value)(hard)
  assert np.isfinite(number)
  assert np.isfinite(slope).all()
