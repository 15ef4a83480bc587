"""Searches with ops and losses of one's own, on problems that one op solves.

Training images show bright squares on dark ground, validation images dark ones on bright ground.
"""

import flax.linen as nn
import jax
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
  before = None
  for phase in method.phases:
    program = train.program(phase.learner, feed, valid=valid, seed=0)
    if before is not None:
      fresh = jax.device_get(program.init())
      start = jax.tree.map(np.array, phase.begin(fresh, before))
      program = program._replace(init=lambda p=program, s=start: p.place(s))
    fitted = train.fit(program, phase.schedule, progress=train.silent())
    before = jax.device_get(fitted.state)
  shares = method.watch(before.phi)["probability"][0]
  print(shares, before.phi.bound)
  assert shares[0] > 0.6, "from a third"
