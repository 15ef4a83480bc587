"""The launcher, tried as a user would."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from autoaug_jax.app import How, Setting
from experiments import retrain
from tests.app.cases import squares

ROOT = pathlib.Path(__file__).parents[2]


def launch(*args, module="experiments.retrain"):
  environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".cache" / "jax")}
  command = [sys.executable, "-m", module, *args]
  return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture
def data(tmp_path):
  (x, y), (u, v) = squares(64, 0), squares(20, 1)
  np.savez(tmp_path / "own.npz", x_train=x, y_train=y, x_test=u, y_test=v)
  return tmp_path / "own.npz"


def test_a_run_prints_what_it_found(data, tmp_path):
  run = launch(
    f"--data={data}", "--policy=none", "--epochs=3", "--batch=16", f"--workdir={tmp_path / 'run'}"
  )
  assert run.returncode == 0, run.stderr
  lines = run.stdout.splitlines()
  assert lines[0].startswith("accuracy 100.00% (1 seed) on the test images, 20 of them")
  assert lines[-1] == f"| {data} | small-cnn | none | 3 | 1 | 100.00 |"
  assert "0:00 left" in run.stderr
  assert (tmp_path / "run" / "result.json").exists()


@pytest.mark.parametrize(
  ("flag", "sentence"),
  [
    ("--data=nowhere.zip", "nowhere.zip"),
    ("--policy=trivial", "retrain: unknown policy 'trivial'; known are none"),
    ("--model=wrn", "retrain: unknown network 'wrn'; known are wrn-40-2"),
  ],
)
def test_a_mistake_gets_one_sentence(flag, sentence):
  run = launch(flag)
  assert run.returncode != 0
  assert sentence in run.stderr
  assert "Traceback" not in run.stderr


def test_every_setting_has_a_flag():
  run = launch("--help")
  assert set(retrain.HOW) | {"on_nan", "say", "title"} == set(How._fields)
  for name in (*Setting._fields, *retrain.HOW):
    assert f"--{name}:" in run.stdout or f"--[no]{name}:" in run.stdout
