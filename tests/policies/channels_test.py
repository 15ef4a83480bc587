"""Policies that do not learn, without what images of other channels lack."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.ops import select, spaces
from autoaug_jax.policies import (
  Fixed,
  Gaussian,
  Network,
  Step,
  Steps,
  SubPolicies,
  augmenter,
  check_fixed,
  fixed,
  in_channels,
  uniform_slots,
)
from autoaug_jax.types import Batch

SPACE = select(spaces.slack_cifar(), ["Rotate", "Color", "Brightness", "Contrast"])
OPS = tuple(op.name for op in SPACE)


@pytest.mark.parametrize("channels", [1, 3])
def test_one_channel_and_three_keep_all(channels):
  policy = fixed.trivial_augment_wide()
  assert in_channels(policy, channels) == (policy, ())


@pytest.mark.parametrize(
  ("policy", "lacking"),
  [
    (fixed.none(), set()),
    (fixed.standard_cutout(fill=0.5), set()),
    (fixed.trivial_augment_wide(then=fixed.none()), {"Color", "Contrast"}),
    (fixed.autoaugment_cifar(then=fixed.none()), {"Color", "Contrast"}),
    (fixed.domainbed(), {"JitterContrast", "JitterColor", "Grayscale"}),
  ],
  ids=["none", "standard", "trivial augment", "autoaugment", "domainbed"],
)
def test_five_channels(policy, lacking):
  made, left_out = in_channels(policy, 5)
  assert set(left_out) == lacking
  check_fixed(made)
  images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 5), np.uint8)
  batch = Batch(jnp.asarray(images), jnp.zeros(4, jnp.int32), jnp.ones(4), jnp.arange(4))
  done = jax.eval_shape(lambda b: augmenter(made).augment(jax.random.key(0), (), b), batch)
  assert (done.image.shape, done.image.dtype) == (images.shape, jnp.uint8)


def test_slots_share_what_they_lack():
  slots = uniform_slots(OPS, 2)._replace(
    probability=((0.4, 0.3, 0.2, 0.1), (0.0, 0.5, 0.0, 0.5)), high=((0.1, 0.2, 0.3, 0.4),) * 2
  )
  made, _ = in_channels(Fixed(SPACE, (slots,), ("Color",), ("Rotate",)), 4)
  (left,) = made.stages
  assert left.ops == ("Rotate", "Brightness")
  np.testing.assert_allclose(left.probability, [[2 / 3, 1 / 3], [0.5, 0.5]])
  assert left.high == ((0.1, 0.3),) * 2
  assert (made.first, made.last) == ((), ("Rotate",))


def test_a_branch_of_nothing_else_does_nothing():
  branches = ((Step("Color"), Step("Contrast")), (Step("Color"), Step("Rotate")))
  stages = (SubPolicies(branches, (0.5, 0.5)), Steps((Step("Contrast"),)))
  made, _ = in_channels(Fixed(SPACE, stages), 4)
  (left,) = made.stages
  assert left.branches == ((Step("Identity", 0.0),), (Step("Rotate"),))
  check_fixed(made)


def test_gaussians_and_networks_lose_columns():
  gaussian = Gaussian(OPS, (1.0,) * 4, (0.1, 0.2, 0.3, 0.4), (0.5, 0.6, 0.7, 0.8))
  network = Network(
    OPS[1:], (((1.0, 2.0),), ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))), ((0.0, 0.0), (7.0, 8.0, 9.0))
  )
  made, left_out = in_channels(Fixed(SPACE, (gaussian, network)), 4)
  assert left_out == ("Color", "Contrast")
  assert made.stages[0].mean == (0.1, 0.3)
  assert made.stages[0].deviation == (0.5, 0.7)
  assert made.stages[1].ops == ("Brightness",)
  assert made.stages[1].weights == (((1.0, 2.0),), ((2.0,), (5.0,)))
  assert made.stages[1].biases == ((0.0, 0.0), (8.0,))
  check_fixed(made)
