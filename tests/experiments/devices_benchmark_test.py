"""The law of several devices, of whole methods where there is time to compile them.

SLACK's is also in tests/methods/slack_devices_test.py, AutoDO's tables are in rows_test.py there.
"""

import jax
import jax.numpy as jnp
import pytest

from autoaug_jax import train
from autoaug_jax.devices import local
from experiments.benchmarks import devices, tiny
from experiments.benchmarks.determinism import apart
from experiments.benchmarks.devices import Row, compare, line


def searched(method: str, count: int):
  """(phi at the start, phi and theta after three moves that search) on so many devices."""
  *_, (phase, program) = tiny.programs(tiny.Tiny(method, devices=count, dtype=jnp.float64))
  state = program.init()
  start = jax.device_get(local(state.phi))
  move = program.moves["search" if phase.learner.joint is None else "joint"]
  for number in range(3):
    state, metrics = move(state, train.Numbers(number, number), 1)
    jax.block_until_ready(metrics)  # virtual devices abort where collectives queue up
  return start, jax.device_get(local((state.phi, state.theta)))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("method", ["madao", "online-bilevel"])
def test_searches_on_four_devices_are_those_on_one(method):
  (start, one), (_, four) = (searched(method, count) for count in (1, 4))
  assert apart(one, four) < devices.BOUNDS["float64"][0]
  assert apart(start, one[0]) > 1e-6


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("method", tiny.METHODS)
def test_four_devices_go_the_way_of_one(method):
  row = compare(method, 4, "float64")
  assert row.passed, row
  assert row.moved > 1e-6


def test_a_row_passes_that_is_near_and_moved():
  near = Row("madao", 2, "float64", phi=1e-12, theta=9e-10, moved=1e-3)
  assert near.passed
  assert not near._replace(phi=2e-9).passed
  assert near._replace(phi=2e-9, dtype="float32").passed
  assert not near._replace(moved=0.0).passed
  assert line(near).endswith("| float64, 20 moves | 1.0e-12 | 9.0e-10 | 1e-09 | yes | 1.0e-03 |")


def test_the_law_is_that_of_the_design():
  assert devices.BOUNDS == {"float64": (1e-9, 20), "float32": (1e-5, 3)}
  for name in tiny.METHODS:
    assert sum(len(p.schedule) for p in tiny.method_of(tiny.Tiny(name)).phases) >= 20
