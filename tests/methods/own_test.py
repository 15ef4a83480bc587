"""Searches with ops and losses of one's own, on problems that one op solves.

Training images show bright squares on dark ground, validation images dark ones on bright ground.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax import data, train
from autoaug_jax.methods import Inside, Times, slack
from autoaug_jax.ops import op, select, spaces

SIDE, COUNT = 4, 64


@op("Negative", low=0.9, high=1.0)
def negative(image, strength):
  """One's own Invert."""
  return strength * (1 - image) + (1 - strength) * image


SPACE = (negative, *select(spaces.slack_cifar(), ["Posterize", "Identity"]))


class Linear(nn.Module):
  """The mean of the left half, and of the right, through a matrix."""

  outputs: int

  @nn.compact
  def __call__(self, images, train):
    halves = images.reshape(len(images), SIDE, 2, -1).mean((1, 3)) - 0.5
    kernel = self.param("kernel", nn.initializers.normal(0.1), (2, self.outputs))
    return 3 * halves @ kernel


def problem(seed):
  """(images as in training, flags [N, 2]): whether there is a square on the left, on the right."""
  random = np.random.default_rng(seed)
  flags = random.integers(0, 2, (COUNT, 2))
  images = np.repeat(flags, SIDE // 2, 1)[:, None, :, None] * 200 + random.integers(
    0, 50, (COUNT, SIDE, SIDE, 1)
  )
  return images.astype(np.uint8), flags


def several(flags):
  return flags.astype(np.float32)


def a_number(flags):
  return (flags[:, 0] - 0.5 * flags[:, 1]).astype(np.float32)


def classes(flags):
  return flags[:, 0].astype(np.int32)


@pytest.mark.parametrize(
  ("task_of", "labels_of", "outputs", "rate"),
  [
    (train.classification, classes, 2, 3.0),
    (train.multi_label, several, 2, 5.0),
    (train.regression, a_number, 1, 3.0),
  ],
  ids=["classes", "several labels", "a number"],
)
def test_the_right_op_is_found(task_of, labels_of, outputs, rate):
  (x, y), (u, v) = problem(0), problem(1)
  sides = (data.in_memory(x, labels_of(y)), data.in_memory(255 - u, labels_of(v)))
  feed, valid = (
    data.feeds(side, data.shuffled(np.arange(COUNT), 32, seed=i))[0] for i, side in enumerate(sides)
  )
  method = slack(
    task_of(Linear(outputs)),
    SPACE,
    times=Times(pretrain=5, rounds=1, retrain=1, search=100),
    inside=Inside(rate=0.1, pretrain_rate=0.1),
    k=1,
    flip=0.0,
    each_image=True,
    rate=rate,
  )
  phi = found(method, feed, valid).phi
  assert method.watch(phi)["probability"][0, 0] > 0.6, "from a third"


def found(method, feed, valid):
  """Where its last phase ends."""
  before = None
  for phase in method.phases:
    program = train.program(phase.learner, feed, valid=valid, seed=0)
    if before is not None:
      fresh = jax.device_get(program.init())
      start = jax.tree.map(np.array, phase.begin(fresh, before))
      program = program._replace(init=lambda p=program, s=start: p.place(s))
    before = jax.device_get(train.fit(program, phase.schedule, progress=train.silent()).state)
  return before


class Columns(nn.Module):
  """The mean of each column, through a matrix."""

  @nn.compact
  def __call__(self, images, train):
    columns = 4 * images.mean((1, 3))
    return columns @ self.param("kernel", nn.initializers.zeros, (columns.shape[1], 2))


SHIFTS = tuple(
  op(name)(lambda image, strength, by=by: jnp.roll(image, by, axis=1))
  for name, by in (("ByTwo", 2), ("ByThree", 3), ("ByFive", 5))
)


def test_each_class_finds_its_own_op():
  """A bright column, at the same place in training; in validation 2 or 3 columns further right.

  No policy of both classes could tell them from each other.
  """

  def side(places, seed):
    labels = np.random.default_rng(seed).integers(0, 2, COUNT)
    images = np.random.default_rng(seed).integers(0, 50, (COUNT, SIDE, 8, 1))
    images[np.arange(COUNT), :, np.asarray(places)[labels]] += 200
    return data.in_memory(images.astype(np.uint8), labels)

  sides = side((0, 0), 0), side((2, 3), 1)
  feed, valid = (
    data.feeds(one, data.shuffled(np.arange(COUNT), 32, seed=i))[0] for i, one in enumerate(sides)
  )
  method = slack(
    train.classification(Columns()),
    SHIFTS,
    times=Times(pretrain=5, rounds=1, retrain=1, search=60),
    inside=Inside(rate=0.3, pretrain_rate=0.3),
    k=1,
    flip=0.0,
    each_image=True,
    classes=("first", "second"),
    rate=1.0,
  )
  phi = found(method, feed, valid).phi
  shares = np.asarray(method.watch(phi)["class_probability"])[:, 0]
  assert shares.shape == (2, 3)
  assert shares[0, 0] > 0.6, "from a third"
  assert shares[1, 1] > 0.6
  learned = method.by_class(phi)
  assert learned.classes == ("first", "second")
  for row, policy in zip(shares, learned.policies, strict=True):
    np.testing.assert_allclose(policy.stages[0].probability[0], row, rtol=1e-5)
  np.testing.assert_allclose(
    method.learned(phi).stages[0].probability[0], shares.mean(0), rtol=1e-5
  )


def test_a_policy_for_each_class_takes_draws_of_its_own():
  with pytest.raises(ValueError, match="takes a composite for each image"):
    slack(train.classification(Columns()), SHIFTS, times=Times(1), classes=("a", "b"))
