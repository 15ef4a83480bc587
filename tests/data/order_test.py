"""Orders: every example as often as it should be, from a seed and a step's number alone."""

import pickle

import numpy as np
import pytest

from autoaug_jax.data import resplit, sequential, shuffled
from autoaug_jax.data.order import permutation

INDICES = np.arange(100, 123, dtype=np.int32)


def steps(order, epoch=0):
  count = order.steps_per_epoch
  return np.stack([order(step) for step in range(epoch * count, (epoch + 1) * count)])


def test_permutation_is_pinned_and_uniform():
  assert permutation(8, 3, 1).tolist() == [5, 6, 3, 7, 0, 1, 2, 4]
  drawn = np.stack([permutation(4, seed) for seed in range(2400)])
  assert np.all(np.sort(drawn) == np.arange(4))
  codes = np.unique(drawn @ [64, 16, 4, 1], return_counts=True)[1]
  assert len(codes) == 24  # all orders of 4, each about 100 times
  assert np.sum((codes - 100) ** 2 / 100) < 52  # chi-square, 23 degrees, p = 0.0005


def test_shuffled_epochs():
  order = shuffled(INDICES, 5, seed=1)
  assert order.steps_per_epoch == 4
  epochs = [steps(order, epoch) for epoch in range(3)]
  for batches in epochs:
    assert (batches.shape, batches.dtype) == ((4, 5), np.int32)
    assert len(np.unique(batches)) == 20  # nothing twice; 3 of 23 wait
    assert set(batches.ravel()) <= set(INDICES)
  assert not np.array_equal(epochs[0], epochs[1])
  left = [set(INDICES) - set(batches.ravel()) for batches in epochs]
  assert left[0] != left[1]


def test_any_step_at_any_time():
  order = shuffled(INDICES, 5, seed=1)
  forwards = [order(step) for step in range(40)]
  again = pickle.loads(pickle.dumps(shuffled(INDICES, 5, seed=1)))
  for step in (39, 0, 17, 4):
    np.testing.assert_array_equal(again(step), forwards[step])


def test_seeds_and_streams_differ():
  orders = [shuffled(INDICES, 20, seed=s, stream=t)(0).tolist() for s in (0, 1) for t in (0, 1)]
  assert len({tuple(order) for order in orders}) == 4


@pytest.mark.parametrize("batch", [1, 5, 23, 40])
def test_sequential_covers_everything_once(batch):
  order = sequential(INDICES, batch)
  batches = steps(order)
  assert batches.shape == (-(-23 // batch), batch)
  assert batches[batches >= 0].tolist() == INDICES.tolist()
  assert np.all(batches.ravel()[23:] == -1)
  np.testing.assert_array_equal(steps(order, 3), batches)


def test_resplit_changes_each_epoch():
  train, val = resplit(INDICES, 3, seed=2, fraction=0.3)  # 7 held out, 16 for training
  assert (train.steps_per_epoch, val.steps_per_epoch) == (5, 5)
  members = []
  for epoch in range(4):
    trained, validated = steps(train, epoch), steps(val, epoch)
    assert trained.shape == validated.shape == (5, 3)
    assert len(np.unique(trained)) == 15
    assert not set(trained.ravel()) & set(validated.ravel())
    for turn in (validated[:2], validated[2:4]):  # one pass over the 7 fills 2 batches
      assert len(np.unique(turn)) == 6
    assert len(np.unique(validated)) <= 7
    members.append(frozenset(validated.ravel().tolist()))
  assert len(set(members)) == 4
  np.testing.assert_array_equal(
    steps(resplit(INDICES, 3, seed=2, fraction=0.3)[1], 2), steps(val, 2)
  )


def test_every_example_is_held_out_at_times():
  _, val = resplit(INDICES, 4, seed=0, fraction=0.2)
  seen = np.concatenate([steps(val, epoch).ravel() for epoch in range(60)])
  assert set(seen) == set(INDICES)


def test_mistakes_are_sentences():
  with pytest.raises(ValueError, match="23 examples do not fill one batch of 24"):
    shuffled(INDICES, 24, seed=0)
  with pytest.raises(ValueError, match="a batch holds at least 1 example, not 0"):
    shuffled(INDICES, 0, seed=0)
  with pytest.raises(ValueError, match="a batch holds at least 1 example, not 0"):
    sequential(INDICES, 0)
  with pytest.raises(ValueError, match="0 examples do not fill"):
    sequential(INDICES[:0], 4)
  with pytest.raises(ValueError, match="seed must be 0 or more, not -1"):
    shuffled(INDICES, 4, seed=-1)
  with pytest.raises(ValueError, match=r"must lie between 0 and 1, not 1.2"):
    resplit(INDICES, 4, seed=0, fraction=1.2)
  with pytest.raises(ValueError, match="23 examples with 2 held out do not fill a batch of 4"):
    resplit(INDICES, 4, seed=0, fraction=0.1)
