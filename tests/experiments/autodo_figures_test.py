"""Learning curves of runs of AutoDO: epochs by hand, curves by what the files say."""

import json

import numpy as np
import pytest

from experiments.recipes.autodo_figures import PANELS, curves, draw, epochs_of
from tests.report.looks import assert_readable, lines


def run(folder, row="aws", begin=2, epochs=4):
  """Steps of 10 moves an epoch; each epoch from `begin` on has two moves a step."""
  folder.mkdir()
  moves = [10 * n for n in range(1, epochs + 1)]
  if row == "aws":
    moves += [10 * epochs + 10 * n for n in range(1, epochs - begin + 1)]
  told = {"recipe": {"row": row, "begin": begin, "epochs": epochs}}
  (folder / "result.json").write_text(json.dumps(told))
  rows = [
    {"move": m, "loss": 3 / m, "evaluation/accuracy": m / 100, "evaluation/loss": 1 / m}
    for m in moves
  ]
  rows.insert(1, {"move": 15, "outer": 1.0})  # of a log between two epochs, searches alone
  (folder / "metrics.jsonl").write_text("".join(json.dumps(x) + "\n" for x in rows))
  return folder


def test_epochs_are_passes_over_the_training_images():
  assert epochs_of([10, 20, 30, 40, 60], 10.0, 2.0).tolist() == [1, 2, 2.5, 3, 4]
  assert epochs_of([10, 40], 10.0, None).tolist() == [1, 4]


def test_a_run_is_a_curve_in_each_panel(tmp_path):
  found = curves(run(tmp_path / "a"))
  assert set(found) == set(PANELS)
  accuracy = found["test accuracy, %"]
  assert (accuracy.name, accuracy.begins) == ("A, W, S, E = 2", 2)
  assert accuracy.epochs.tolist() == [1, 2, 2.5, 3, 3.5, 4]
  np.testing.assert_allclose(accuracy.values, [10, 20, 30, 40, 50, 60])
  base = curves(run(tmp_path / "b", row="base"))["training loss"]
  assert (base.name, base.begins) == ("baseline", None)
  assert base.epochs.tolist() == [1, 2, 3, 4]
  with pytest.raises(ValueError, match="has no finished run"):
    curves(tmp_path)


def test_all_runs_stand_in_one_picture(tmp_path):
  folders = [run(tmp_path / "a"), run(tmp_path / "b", begin=3), run(tmp_path / "c", row="base")]
  figure = draw(folders)
  assert [ax.get_title(loc="left") for ax in figure.axes] == list(PANELS)
  assert set(lines(figure.axes[0])) == {"A, W, S, E = 2", "A, W, S, E = 3", "baseline"}
  assert_readable(figure)
  with pytest.raises(ValueError, match="two are 'A, W, S, E = 2'"):
    draw([folders[0], folders[0]])
