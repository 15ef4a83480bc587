"""Four virtual devices against one, and two processes against one."""

import os
import pathlib
import socket
import subprocess
import sys

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax import devices
from autoaug_jax.models import small_cnn
from autoaug_jax.train import Numbers, program
from tests.train import cases

ROOT = pathlib.Path(__file__).parent.parent


def run(count, steps, *, dtype=jnp.float32, at_once=1, synchronised=True, seed=3):
  axis = devices.AXIS if count != 1 else None
  norm_axis = axis if synchronised else None
  model = small_cnn(widths=(4, 4), classes=cases.CLASSES, dtype=dtype, axis_name=norm_axis)
  moves = cases.trainer(model=model, axis_name=axis, clip=1.0)
  made = program(moves, cases.feed(), seed=seed, device_count=count, steps_per_dispatch=at_once)
  state = made.init()
  for step in range(0, steps, at_once):
    state, metrics = made.moves["train"](state, Numbers(step, 0), at_once)
    jax.block_until_ready(metrics)
  return devices.local((state.theta, state.model_state, metrics))


@pytest.mark.usefixtures("x64")
def test_four_devices_are_one_in_double_precision():
  one, four = (run(count, 20, dtype=jnp.float64) for count in (1, 4))
  chex.assert_trees_all_close(four, one, rtol=1e-9, atol=1e-9)


def test_four_devices_are_one_in_single_precision():
  one, four = (run(count, 3) for count in (1, 4))
  chex.assert_trees_all_close(four, one, rtol=1e-5, atol=1e-5)


def test_statistics_of_each_device_differ_but_the_state_stays_one():
  own, shared = (run(4, 3, synchronised=s) for s in (False, True))
  chex.assert_trees_all_equal_shapes(own, shared)
  difference = jax.tree.map(lambda a, b: float(jnp.max(jnp.abs(a - b))), own[0], shared[0])
  assert 1e-4 < max(jax.tree.leaves(difference)) < 1


def test_scanned_on_two_devices():
  chex.assert_trees_all_close(run(2, 4, at_once=2)[:2], run(1, 4)[:2], rtol=1e-4, atol=1e-5)


def test_a_batch_is_cut_in_its_order():
  batch = {"a": np.arange(24).reshape(2, 4, 3), "b": np.arange(8).reshape(2, 4)}
  parts = devices.shard(batch, axis=1, count=2)
  assert parts["a"].shape == (2, 2, 2, 3)
  np.testing.assert_array_equal(parts["b"][1], batch["b"][:, 2:])
  with pytest.raises(ValueError, match="a batch of 8 examples cannot be split over 3 devices"):
    devices.shard(np.arange(8), count=3)


def test_places_are_of_the_global_batch():
  seen = devices.pmapped(
    lambda x: jax.lax.all_gather(devices.first_place(len(x), devices.AXIS), devices.AXIS),
    split=(0,),
    count=4,
  )(devices.shard(np.arange(8), count=4))
  np.testing.assert_array_equal(seen, [0, 2, 4, 6])
  assert devices.first_place(5, None) == 0


def test_replicas_are_not_moved_again():
  tree = devices.replicate({"x": jnp.arange(3)}, count=4)
  assert len(tree["x"].addressable_shards) == 4
  local = devices.local(tree)["x"]
  assert local.unsafe_buffer_pointer() == tree["x"].addressable_data(0).unsafe_buffer_pointer()
  out = devices.pmapped(lambda t, x: t, split=(1,), count=4)(tree, np.zeros((4, 1), np.float32))
  assert out["x"].sharding.is_equivalent_to(tree["x"].sharding, 1)
  np.testing.assert_array_equal(devices.local({"y": np.ones(2)})["y"], np.ones(2))


@pytest.mark.parametrize("count", [-1, 5])
def test_devices_that_are_not_there(count):
  with pytest.raises(ValueError, match=f"devices must be between 1 and 4, not {count}"):
    devices.replicate(jnp.zeros(()), count=count)


SCRIPT = """
import sys
import jax
port, process, processes, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
jax.config.update("jax_num_cpu_devices", 1)
jax.config.update("jax_enable_x64", True)
if processes > 1:
  jax.distributed.initialize(f"127.0.0.1:{port}", processes, process)
import numpy as np
from autoaug_jax import devices
from autoaug_jax.train import Every, evaluation, fit, program, training
from tests.train import cases
moves = cases.trainer(model=cases.Tiny("float64"), axis_name=devices.AXIS)
made = program(moves, cases.feed(), device_count=0)
for steps in (6, 12):
  fitted = fit(made, training(steps), workdir=out, every=Every(log=3, save=6), config={"a": 1})
assert fitted.finished and jax.process_count() == processes
if process == 0:
  np.savez(out + "/end.npz", *jax.tree.leaves(jax.device_get(devices.local(fitted.state.theta))))
"""


def test_two_processes_are_one(tmp_path):
  with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = str(free.getsockname()[1])
  environment = os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}

  def start(process, processes):
    out = tmp_path / str(processes)
    out.mkdir(exist_ok=True)
    arguments = [sys.executable, "-c", SCRIPT, port, str(process), str(processes), str(out)]
    return subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, text=True)

  running = [start(0, 2), start(1, 2), start(0, 1)]
  try:
    for process in running:
      _, errors = process.communicate(timeout=120)
      assert process.returncode == 0, errors
  finally:
    for process in running:
      process.kill()
  one, two = (np.load(tmp_path / f"{n}/end.npz") for n in (1, 2))
  with one, two:
    chex.assert_trees_all_close(dict(two), dict(one), rtol=1e-9)
