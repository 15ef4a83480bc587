"""SIGKILL at any moment, then again: the same bits. SIGTERM: saved, and a clean end."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "jax"
MOVES = 90


def start(workdir: pathlib.Path) -> subprocess.Popen:
  environment = os.environ | {
    "JAX_PLATFORMS": "cpu",
    "JAX_COMPILATION_CACHE_DIR": str(CACHE),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
  }
  command = [sys.executable, "-m", "tests.train.killed", str(workdir), str(MOVES)]
  workdir.mkdir(exist_ok=True)
  log = (workdir / "log").open("a")
  with log:
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log)


def finish(workdir: pathlib.Path) -> dict[str, bytes]:
  process = start(workdir)
  assert process.wait(120) == 0, (workdir / "log").read_text()
  with np.load(workdir / "end.npz") as end:
    return {name: end[name].tobytes() for name in end.files}


def rows(workdir: pathlib.Path) -> list[dict]:
  texts = (workdir / "metrics.jsonl").read_text().splitlines()
  return [{n: x for n, x in json.loads(t).items() if n != "images_per_second"} for t in texts]


def saving(workdir: pathlib.Path) -> bool:
  return any(workdir.glob("checkpoints/*.orbax-checkpoint-tmp*"))


def saved(workdir: pathlib.Path) -> int:
  numbers = [p.name for p in workdir.glob("checkpoints/*") if p.name.isdigit()]
  return max(map(int, numbers), default=0)


def kill(workdir: pathlib.Path, *, after: float, in_a_save: bool) -> bool:
  """Kills a run `after` seconds from its first new checkpoint; whether a save was cut off."""
  process, before = start(workdir), saved(workdir)
  try:
    while process.poll() is None and saved(workdir) <= before:
      time.sleep(0.002)
    time.sleep(after)
    while in_a_save and process.poll() is None and not saving(workdir):
      pass
  finally:
    process.send_signal(signal.SIGKILL)
    process.wait(60)
  return saving(workdir)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
  workdir = tmp_path_factory.mktemp("whole")
  return finish(workdir), rows(workdir)


def check(workdir, whole, kills, seed):
  rng, cut_off = random.Random(seed), 0
  for number in range(kills):
    if (workdir / "end.npz").exists():
      break
    cut_off += kill(workdir, after=rng.uniform(0, 0.6), in_a_save=number % 2 == 0)
  assert finish(workdir) == whole[0]
  assert rows(workdir) == whole[1]
  assert not saving(workdir)
  return cut_off


def test_killed_three_times_it_ends_the_same(tmp_path, whole):
  assert check(tmp_path, whole, kills=3, seed=0) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_killed_ten_times_it_ends_the_same(tmp_path, whole, seed):
  check(tmp_path, whole, kills=10, seed=seed)


def test_asked_to_stop_it_saves_and_says_so(tmp_path, whole):
  process = start(tmp_path)
  while process.poll() is None and not saved(tmp_path):
    time.sleep(0.002)
  process.send_signal(signal.SIGTERM)
  assert process.wait(60) == 3
  said = (tmp_path / "log").read_text().splitlines()[-1]
  assert said.startswith("asked to stop at move ")
  assert said.endswith(f"saved in {tmp_path}/checkpoints/{saved(tmp_path)}")
  assert finish(tmp_path) == whole[0]
