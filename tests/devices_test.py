"""Four virtual devices against one, and two processes against one."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax import devices, hypergrad
from autoaug_jax.models import small_cnn
from autoaug_jax.train import (
  Numbers,
  alternating,
  fit,
  learner,
  optim,
  program,
  silent,
  together,
)
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


@pytest.mark.usefixtures("x64")
def test_searches_on_four_devices_are_one():
  def searched(count):
    axis = devices.AXIS if count != 1 else None
    optimizer = optim.sgd(0.2, nesterov=True)
    moves = learner(
      cases.problem(model=cases.Tiny("float64"), axis_name=axis, draws=2),
      optimizer,
      phi_optimizer=optim.sgd(5.0),
      estimator=hypergrad.unrolled(optimizer, axis_name=axis),
      joint=hypergrad.joint(optimizer, has_aux=True, axis_name=axis),
      axis_name=axis,
    )
    made = program(moves, cases.feed(), valid=cases.feed(seed=5), device_count=count)
    schedule = (*alternating(6, every=2), *together(4))
    return devices.local(fit(made, schedule, progress=silent()).state)

  one, four = (searched(count) for count in (1, 4))
  chex.assert_trees_all_close(four, one, rtol=1e-9, atol=1e-9)
  assert abs(one.phi - 0.1) > 1e-3


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
port, process, processes, out, moves = sys.argv[1:]
process, processes = int(process), int(processes)
jax.config.update("jax_num_cpu_devices", 1)
jax.config.update("jax_enable_x64", True)
if processes > 1:
  jax.distributed.initialize(f"127.0.0.1:{port}", processes, process)
import numpy as np
from autoaug_jax import devices, hypergrad
from autoaug_jax.train import Every, fit, program, training
from tests.train import cases
learner = cases.trainer(model=cases.Tiny("float64"), axis_name=devices.AXIS)
made = program(learner, cases.feed(), device_count=0)
for steps in map(int, moves.split(",")):
  fitted = fit(made, training(steps), workdir=out, every=Every(log=3, save=6), config={"a": 1})
  print(fitted.move, fitted.finished, flush=True)
assert jax.process_count() == processes
if process == 0:
  np.savez(out + "/end.npz", *jax.tree.leaves(jax.device_get(devices.local(fitted.state.theta))))
"""


def start(out, moves, processes):
  """That many processes on one run, each with one device."""
  with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = str(free.getsockname()[1])
  environment = os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
  out.mkdir(exist_ok=True)
  pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
  return [
    subprocess.Popen(
      [sys.executable, "-c", SCRIPT, port, str(process), str(processes), str(out), moves],
      env=environment,
      **pipes,
    )
    for process in range(processes)
  ]


def finish(running):
  """What each of them printed."""
  try:
    texts = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0] * len(running), texts
  finally:
    for process in running:
      process.kill()
  return [[line for line in out.splitlines() if "Gloo" not in line] for out, _ in texts]


def end(folder):
  with np.load(folder / "end.npz") as file:
    return dict(file)


def test_two_processes_are_one(tmp_path):
  running = start(tmp_path / "two", "6,12", 2), start(tmp_path / "one", "6,12", 1)
  for texts in map(finish, running):
    assert all(lines == ["6 True", "12 True"] for lines in texts)
  chex.assert_trees_all_close(end(tmp_path / "two"), end(tmp_path / "one"), rtol=1e-9)


@pytest.mark.slow
def test_two_processes_stop_together_when_one_is_asked(tmp_path):
  running = start(tmp_path / "two", "40000", 2)
  while not list((tmp_path / "two").glob("checkpoints/6")):
    assert all(process.poll() is None for process in running)
    time.sleep(0.01)
  running[1].send_signal(signal.SIGTERM)
  first, second = finish(running)
  assert first == second
  move, finished = first[-1].split()
  assert finished == "False"
  assert (tmp_path / "two" / "checkpoints" / move).exists()
