"""The table of fixed policies, its rows made once."""

import numpy as np

from tests.app.cases import squares
from tests.experiments.retrain_test import launch


def test_rows_are_run_once(tmp_path):
  (x, y), (u, v) = squares(64, 0), squares(20, 1)
  np.savez(tmp_path / "own.npz", x_train=x, y_train=y, x_test=u, y_test=v)
  flags = (
    f"--data={tmp_path / 'own.npz'}",
    f"--workdir={tmp_path / 'runs'}",
    "--model=small-cnn",
    "--policies=none,standard",
    "--epochs=1",
    "--seeds=1",
  )
  first = launch(*flags, module="experiments.recipes.fixed_policies")
  assert first.returncode == 0, first.stderr
  rows = [line.split(" | ") for line in first.stdout.splitlines() if "small-cnn" in line]
  assert [row[2] for row in rows] == ["none", "standard"]
  metrics = (tmp_path / "runs" / "none" / "metrics.jsonl").read_bytes()
  again = launch(*flags, module="experiments.recipes.fixed_policies")
  assert [line.split(" | ")[:6] for line in again.stdout.splitlines()] == [
    line.split(" | ")[:6] for line in first.stdout.splitlines()
  ]
  assert (tmp_path / "runs" / "none" / "metrics.jsonl").read_bytes() == metrics
