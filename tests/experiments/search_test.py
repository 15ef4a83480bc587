"""The launcher of searches, tried as a user would."""

import json

import numpy as np
import pytest

from autoaug_jax.app import How, SearchSetting, option_types
from experiments import search
from tests.app.cases import squares
from tests.experiments.retrain_test import launch

QUICK = (
  "--method=slack",
  "--batch=8",
  "--flip=0",
  "--log_every=4",
  "--slack_pretrain_epochs=1",
  "--slack_rounds=2",
  "--slack_retrain_steps=2",
  "--slack_search_steps=3",
  "--slack_draws=per_image",
  "--slack_ops=1",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  path = tmp_path_factory.mktemp("data") / "own.npz"
  (x, y), (u, v) = squares(32, 0), squares(20, 1)
  np.savez(path, x_train=x, y_train=y, x_test=u, y_test=v)
  return path


def test_a_search_and_then_a_retraining_with_its_policy(data, tmp_path):
  run = launch(*QUICK, f"--data={data}", f"--workdir={tmp_path}", module="experiments.search")
  assert run.returncode == 0, run.stderr
  assert run.stdout.startswith("slack: 12 moves, ")
  assert "pretrain  move 2/2" in run.stderr
  assert "search  round 2/2  move 10/10" in run.stderr
  assert " entropy 2." in run.stderr
  names = {path.name for path in tmp_path.iterdir()}
  pictures = {"policy.png", "likely.png", "probabilities.png", "bounds.png", "entropy.png"}
  assert names >= pictures | {"policy.json", "trajectory.npz", "search.json"}
  trained = launch(
    f"--data={data}", f"--policy={tmp_path / 'policy.json'}", "--epochs=2", "--batch=16"
  )
  assert trained.returncode == 0, trained.stderr
  options = json.loads((tmp_path / "search.json").read_text())["options"]
  assert (options["rounds"], options["kl"]) == (2, 0.02)


@pytest.mark.parametrize(
  ("flag", "sentence"),
  [
    ("--budget=soon", "search: a budget is a time such as 20m, 1h30m or 90s, not 'soon'"),
    ("--slack_draws=some", "search: say how long it may take, --budget=20m, or which --method"),
    ("--method=guess", "should be one of <auto|autodo|madao|online_bilevel|slack>"),
    ("--nothing", "Unknown command line flag 'nothing'"),
  ],
)
def test_a_mistake_gets_one_sentence(flag, sentence, data, tmp_path):
  run = launch(f"--data={data}", f"--workdir={tmp_path}", flag, module="experiments.search")
  assert run.returncode == 2
  assert sentence in run.stderr + run.stdout
  assert "Traceback" not in run.stderr
  assert not list(tmp_path.iterdir())


def test_help_teaches_every_option(data):
  run = launch("--help", module="experiments.search")
  for name, kind in option_types().items():
    for field in kind._fields:
      assert f"--{name}_{field}:" in run.stdout or f"--[no]{name}_{field}:" in run.stdout
  for field in SearchSetting._fields:
    assert f"--{field}:" in run.stdout or f"--[no]{field}:" in run.stdout
  assert set(search.HOW) <= set(How._fields)
