"""SLACK on several devices: the trajectory of one, and a network of the ensemble on each."""

import chex
import jax
import numpy as np
import pytest

from autoaug_jax import devices
from autoaug_jax.train import program
from tests.methods.cases import small_slack
from tests.train import cases


def run(count, **options):
  axis = devices.AXIS if count > 1 else None
  learner = small_slack(axis_name=axis, **options).phases[1].learner
  made = program(learner, cases.feed(), valid=cases.feed(seed=1), device_count=count)
  state = made.init()
  for number, name in enumerate(("refresh", "train", "joint", "joint")):
    state, metrics = made.moves[name](state, (number, number), 1)
    jax.block_until_ready(metrics)  # virtual devices abort where collectives queue up
  return jax.device_get(devices.local(state))


@pytest.mark.parametrize(
  "options", [{}, {"each_image": True}, {"models": 4}], ids=["shared", "per image", "ensemble"]
)
def test_four_devices_do_what_one_does(options):
  """In float32, over three training steps, normalised by the statistics of all devices."""
  one, four = run(1, **options), run(4, **options)
  chex.assert_trees_all_close(four.phi, one.phi, rtol=1e-5, atol=1e-6)
  chex.assert_trees_all_close(four.theta, one.theta, rtol=1e-4, atol=1e-5)
  assert np.abs(one.phi.logits).max() > 1e-5
