"""A SLACK search in two processes, by the launcher: killed, stopped, frozen, and started again."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from orbax.checkpoint import v1 as ocp

from experiments import processes
from tests.app.cases import squares

ROOT = pathlib.Path(__file__).parents[2]
SEARCH = (
  "--method=slack",
  "--batch=8",
  "--flip=0",
  "--log_every=2",
  "--save_every=2",
  "--slack_pretrain_epochs=1",
  "--slack_rounds=2",
  "--slack_retrain_steps=2",
  "--slack_search_steps=8",
  "--slack_draws=per_image",
  "--slack_ops=1",
  "--devices=0",
)
LAST = 2 * (1 + 1 + 8)  # moves of the rounds
PATIENCE = 600  # seconds for what compiles on a busy core

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  path = tmp_path_factory.mktemp("data") / "own.npz"
  (x, y), (u, v) = squares(32, 0), squares(20, 1)
  np.savez(path, x_train=x, y_train=y, x_test=u, y_test=v)
  return path


def free_port() -> int:
  with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port: int = free.getsockname()[1]
  return port


@contextlib.contextmanager
def pair(data, workdir, *, slurm=False):
  """Two processes of a search, each with one device; what is left of them is ended."""
  port = free_port()
  environment = os.environ | {
    "JAX_PLATFORMS": "cpu",
    "JAX_NUM_CPU_DEVICES": "1",
    "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".cache" / "jax"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
  }
  running = []
  for number in (0, 1):
    own, where = environment, f"127.0.0.1:{port},2,{number}"
    if slurm:
      own, where = environment | in_slurm(number, port), "auto"
    command = [sys.executable, "-m", "experiments.search", *SEARCH, f"--processes={where}"]
    command += [f"--data={data}", f"--workdir={workdir}"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running.append(subprocess.Popen(command, cwd=ROOT, env=own, **pipes))
  try:
    yield running
  finally:
    for process in running:
      process.kill()
      process.communicate()


def in_slurm(number: int, port: int) -> dict[str, str]:
  """What srun sets for one of two tasks on this machine, as far as JAX reads it."""
  return {
    "SLURM_JOB_ID": "1234",
    "SLURM_STEP_NODELIST": "127.0.0.1",
    "SLURM_NTASKS": "2",
    "SLURM_PROCID": str(number),
    "SLURM_LOCALID": str(number),
    "JAX_COORDINATOR_PORT": str(port),
  }


def finish(running) -> list[str]:
  """What both printed on standard output, without what the collectives say."""
  texts = [process.communicate(timeout=PATIENCE) for process in running]
  assert [process.returncode for process in running] == [0, 0], texts
  return ["\n".join(x for x in out.splitlines() if "Gloo" not in x) for out, _ in texts]


def until_saved(running, workdir, move: int) -> None:
  """Waits for a checkpoint of that move or a later one."""
  while True:
    saved = [p.name for p in workdir.glob("search/checkpoints/*") if p.name.isdigit()]
    if saved and max(map(int, saved)) >= move:
      return
    ended = [process.communicate()[1] for process in running if process.poll() is not None]
    assert not ended, ended
    time.sleep(0.01)


def end(workdir):
  """Policy, trajectory, and a checksum of each array of the last state."""
  parts = ocp.load_checkpointables(workdir / "search" / "checkpoints" / str(LAST), {"note": None})
  note = json.loads(parts["note"]["json"].tobytes())
  with np.load(workdir / "trajectory.npz") as file:
    trajectory = {name: file[name].tobytes() for name in file.files}
  return (workdir / "policy.json").read_text(), trajectory, note["sums"]


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
  """The end of a pair that was never killed."""
  workdir = tmp_path_factory.mktemp("whole")
  with pair(data, workdir) as running:
    first, second = finish(running)
  assert re.match(rf"slack: {LAST + 2} moves", first)
  assert second == "", "one of them speaks"
  assert {"theta", "phi", "opt_state"} <= {name.split(".")[0] for name in end(workdir)[2]}
  return end(workdir)


@pytest.mark.parametrize("victim", [0, 1], ids=["the first", "the other"])
def test_one_is_killed_and_the_restarted_pair_ends_the_same(victim, data, whole, tmp_path):
  with pair(data, tmp_path) as running:
    until_saved(running, tmp_path, 6)
    running[victim].send_signal(signal.SIGKILL)
    began = time.monotonic()
    _, said = running[1 - victim].communicate(timeout=2 * processes.SILENCE)
    assert time.monotonic() - began < 2 * processes.SILENCE
  # By a collective that breaks, or by the service that all of them are connected to.
  assert running[1 - victim].returncode in (processes.GONE, -signal.SIGABRT), said
  if running[1 - victim].returncode == processes.GONE:
    assert "one is gone: start them again" in said.splitlines()[-1]
  assert not (tmp_path / "policy.json").exists()
  with pair(data, tmp_path) as again:
    finish(again)
  assert end(tmp_path) == whole


def test_one_is_frozen_and_the_other_ends(data, tmp_path):
  with pair(data, tmp_path) as running:
    until_saved(running, tmp_path, 4)
    running[1].send_signal(signal.SIGSTOP)
    try:
      running[0].communicate(timeout=2 * processes.SILENCE)
    finally:
      running[1].send_signal(signal.SIGCONT)
  assert running[0].returncode not in (0, None)


def test_they_find_each_other_by_what_slurm_says(data, whole, tmp_path):
  with pair(data, tmp_path, slurm=True) as running:
    finish(running)
  assert end(tmp_path) == whole


def test_both_stop_when_one_is_asked_and_go_on_to_the_same_end(data, whole, tmp_path):
  with pair(data, tmp_path) as running:
    until_saved(running, tmp_path, 4)
    running[1].send_signal(signal.SIGTERM)
    for process in running:
      process.communicate(timeout=PATIENCE)
  assert {process.returncode for process in running} <= {0, 1}
  with pair(data, tmp_path) as again:
    finish(again)
  assert end(tmp_path) == whole
