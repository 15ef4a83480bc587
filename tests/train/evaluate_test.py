import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.models import small_cnn
from autoaug_jax.train import Numbers, classification, evaluation, program
from autoaug_jax.types import Batch, Feed
from tests.train import cases

COUNT, SIZE = 22, 8


def padded(batch: int = SIZE, classes_seen: int = cases.CLASSES) -> Feed:
  """All examples in order, the last batch filled up with example 0 at weight 0."""
  images, labels = cases.images(COUNT)
  labels = np.minimum(labels, classes_seen - 1)

  def draw(number: int) -> np.ndarray:
    index = np.arange(number * batch, (number + 1) * batch)
    return np.where(index < COUNT, index, -1).astype(np.int32)

  def make(held, index):
    place = jnp.maximum(index, 0)
    return Batch(held[0][place], held[1][place], (index >= 0).astype(jnp.float32), place)

  held = (jnp.asarray(images), jnp.asarray(labels))
  return Feed(held, draw, make, -(-COUNT // batch))


def trained(seed=0, **kwargs):
  model = small_cnn(widths=(4,), classes=cases.CLASSES)
  feeds = [cases.feed()] * len(seed) if isinstance(seed, list) else cases.feed()
  made = program(cases.trainer(model=model, **kwargs), feeds, seed=seed)
  state = made.init()
  for step in range(5):
    state, _ = made.moves["train"](state, Numbers(step, 0), 1)
  return classification(model), state


def by_hand(task, theta, model_state, labels=None):
  images, own = cases.images(COUNT)
  labels = own if labels is None else labels
  batch = Batch(jnp.asarray(images), jnp.asarray(labels), jnp.ones(COUNT), jnp.arange(COUNT))
  outcome = task.loss(theta, model_state, batch, train=False)
  right = np.asarray(outcome.scores["accuracy"])
  per_class = [right[labels == c].mean() for c in range(cases.CLASSES)]
  return {"loss": outcome.losses.mean(), "accuracy": right.mean(), "per_class": per_class}


def close(found, expected):
  np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-5)
  np.testing.assert_allclose(found["accuracy"], expected["accuracy"], rtol=1e-6)
  np.testing.assert_allclose(found["per_class"], expected["per_class"], rtol=1e-6)


@pytest.mark.parametrize("batch", [SIZE, COUNT, 5])
def test_padding_changes_nothing(batch):
  task, state = trained()
  found = evaluation(task, padded(batch), classes=cases.CLASSES)(state)
  close(found, by_hand(task, state.theta, state.model_state))


def test_of_each_seed():
  task, state = trained([1, 2])
  found = evaluation(task, padded(), classes=cases.CLASSES, seeds=2)(state)
  for seed in range(2):
    one = {name: values[seed] for name, values in found.items()}
    theta, model_state = jax.tree.map(lambda x, s=seed: x[s], (state.theta, state.model_state))
    close(one, by_hand(task, theta, model_state))


def test_of_the_average_of_theta():
  task, state = trained(ema=0.5)
  found = evaluation(task, padded(), classes=cases.CLASSES, averaged=True)(state)
  average = state.opt_state[-1].average
  close(found, by_hand(task, average, state.model_state))
  assert found["loss"] != evaluation(task, padded(), classes=cases.CLASSES)(state)["loss"]


def test_a_class_without_examples_has_no_accuracy():
  task, state = trained()
  found = evaluation(task, padded(classes_seen=2), classes=cases.CLASSES)(state)
  assert found["per_class"][2] is None
  assert found["per_class"][0] is not None


def test_one_compilation_for_all_batches_but_the_first():
  task, state = trained()
  chex.clear_trace_counter()
  task = task._replace(loss=chex.assert_max_traces(task.loss, n=2))
  evaluate = evaluation(task, padded(5), classes=cases.CLASSES)
  assert evaluate(state) == evaluate(state)


def test_an_evaluation_of_nothing_is_refused():
  task, state = trained()
  feed = padded()._replace(steps_per_epoch=0)
  with pytest.raises(ValueError, match="at least one example"):
    evaluation(task, feed, classes=cases.CLASSES)(state)
