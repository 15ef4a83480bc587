"""Feeds: a jitted step's batches are what NumPy gathers, resident or streamed."""

import subprocess
import sys

import chex
import jax
import numpy as np
import pytest

from autoaug_jax.data import (
  evaluation_batch,
  evaluation_feed,
  feeds,
  hold,
  in_memory,
  resident_feed,
  sequential,
  shuffled,
  streamed_feed,
)
from autoaug_jax.data.source import Take

COUNT = 23
IMAGES = np.random.default_rng(0).integers(0, 256, (COUNT, 4, 4, 3), np.uint8)
LABELS = (np.arange(COUNT) % 5).astype(np.int32)
EXAMPLES = in_memory(IMAGES, LABELS)
ON_DEMAND = EXAMPLES._replace(images=None, fetch=Take(IMAGES))
ORDER = shuffled(np.arange(COUNT), 5, seed=3)


def made(kind, order, *, labels=None):
  if kind == "resident":
    return resident_feed(hold(EXAMPLES, labels=labels), order)
  return streamed_feed(ON_DEMAND, order, labels=labels, workers=0)


@pytest.mark.parametrize("kind", ["resident", "streamed"])
def test_batches_are_what_numpy_gathers(kind):
  chex.clear_trace_counter()
  feed = made(kind, ORDER)
  step = jax.jit(chex.assert_max_traces(feed.batch, n=1))
  assert feed.steps_per_epoch == 4
  for number in (0, 1, 2, 3, 4, 9, 10, 1):
    batch = jax.device_get(step(feed.held, feed.draw(number)))
    index = ORDER(number)
    dtypes = [np.dtype(leaf.dtype).name for leaf in batch]
    assert dtypes == ["uint8", "int32", "float32", "int32"]
    np.testing.assert_array_equal(batch.image, IMAGES[index])
    np.testing.assert_array_equal(batch.label, LABELS[index])
    np.testing.assert_array_equal(batch.weight, np.ones(5))
    np.testing.assert_array_equal(batch.index, index)


@pytest.mark.parametrize("kind", ["resident", "streamed"])
def test_labels_may_be_replaced(kind):
  other = (LABELS + 1) % 5
  feed = made(kind, ORDER, labels=other)
  batch = feed.batch(feed.held, feed.draw(2))
  np.testing.assert_array_equal(batch.label, other[ORDER(2)])
  with pytest.raises(ValueError, match=r"labels of shape \(3,\) do not fit 23 examples"):
    made(kind, ORDER, labels=other[:3])


@pytest.mark.parametrize("budget", [1 << 30, 0], ids=["resident", "streamed"])
def test_evaluation_counts_every_example_once(budget):
  indices = np.arange(2, COUNT)
  feed = evaluation_feed(ON_DEMAND, indices, 8, memory_budget=budget, workers=0)
  assert feed.steps_per_epoch == 3
  batches = [feed.batch(feed.held, feed.draw(step)) for step in range(3)]
  index = np.concatenate([batch.index for batch in batches])
  weight = np.concatenate([batch.weight for batch in batches])
  assert weight.tolist() == [1] * 21 + [0] * 3
  assert index[weight == 1].tolist() == indices.tolist()
  labels = np.concatenate([batch.label for batch in batches])
  assert np.sum(labels * weight) == LABELS[indices].sum()


def test_large_images_are_judged_few_at_a_time():
  small, imagenet, patch, whole = (
    evaluation_batch((side, width, 3))
    for side, width in ((32, 32), (224, 224), (512, 512), (6000, 4000))
  )
  assert (small, imagenet, patch, whole) == (256, 256, 49, 1)
  assert 49 * 512**2 <= 256 * 224**2 < 50 * 512**2
  assert evaluation_batch((512, 512, 3), least=128) == 128


def test_the_budget_chooses_and_one_copy_is_shared():
  orders = (ORDER, sequential(np.arange(COUNT), 8))
  nbytes = COUNT * 4 * 4 * 3
  train, val = feeds(EXAMPLES, *orders, memory_budget=nbytes)
  assert train.held is val.held
  train, val = feeds(EXAMPLES, *orders, memory_budget=nbytes - 1, workers=0)
  assert train.held == val.held == ()


def test_nothing_heavy_is_imported_with_the_package():
  code = "import sys, autoaug_jax.data; print([n for n in sys.argv[1:] if n in sys.modules])"
  names = ["tensorflow_datasets", "tensorflow", "grain", "PIL", "array_record"]
  out = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True)
  assert out.stdout == "[]\n"
