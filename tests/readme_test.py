"""What the README shows, run as it stands there."""

import inspect
import pathlib
import re
from types import SimpleNamespace

import jax
import numpy as np
import pytest

import autoaug_jax

README = pathlib.Path(__file__).parents[1] / "README.md"


def blocks(heading):
  """The blocks of Python below a heading."""
  _, found, after = README.read_text().partition(f"## {heading}\n")
  assert found, f"the README has no heading {heading!r}"
  section = after.partition("\n## ")[0]
  codes = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
  assert codes, f"no Python below {heading!r}"
  return [compile(code, README.name, "exec") for code in codes]


def block(heading):
  """The one block of Python below a heading."""
  (only,) = blocks(heading)
  return only


@pytest.fixture
def optax_promotion():
  """optax's Adam mixes integer counts with floats."""
  with jax.numpy_dtype_promotion("standard"):
    yield


def test_augment_a_batch():
  names = {}
  exec(block("Augment a batch"), names)
  augmented = names["augmented"]
  assert augmented.shape == (128, 32, 32, 3)
  assert augmented.dtype == np.uint8
  assert len(np.unique(augmented)) > 1


def test_use_one_estimator_in_your_own_code(optax_promotion, capsys):
  names = {}
  exec(block("Use one estimator in your own code"), names)
  before = names["outer"](np.zeros(5, np.float32), None)
  assert names["value"] < 0.1 * before
  assert np.argmin(names["state"][1]) == 0, "the one real coefficient decays least"
  assert str(names["value"]) in capsys.readouterr().out


def test_learn_an_augmentation(capsys):
  names = {}
  exec(block("Learn an augmentation"), names)
  found = names["found"]
  assert [op.name for op in names["space"]] == list(found.policy.stages[0].ops)
  assert found.state.phi.logits.any(), "it moved"
  assert "0.2" in capsys.readouterr().out


@pytest.fixture
def flax_promotion():
  """Flax's own layers add a bias [F] to [B, F]."""
  with jax.numpy_rank_promotion("allow"):
    yield


def test_your_own_ops_model_loss_channels(flax_promotion, capsys):
  names = {}
  ops, model, loss, classes = blocks("Your own ops, model, loss, channels")
  exec(ops, names)
  assert [(op.name, op.high) for op in names["space"]] == [
    ("Brightness", 0.3),
    ("Invert", 1.0),
    ("Vignette", 0.8),
  ]
  exec(model, names)
  assert names["found"].policy.stages[0].ops == ("Brightness", "Invert", "Vignette")
  assert names["found"].setting.model == "Net"
  exec(loss, names)
  assert names["found"].policy.stages[0].ops == ("Brightness", "Invert")
  assert "left out for images of 5 channels, being for RGB: Color" in capsys.readouterr().out
  exec(classes, names)
  assert len(names["found"].by_class.policies) == 10
  assert "0." in capsys.readouterr().out


def test_take_a_policy_away(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  names = {}
  exec(block("Take a policy away"), names)
  assert names["images"].shape == (128, 32, 32, 3)
  assert names["augment"](np.full((32, 32, 3), 100, np.uint8)).shape == (32, 32, 3)


def test_your_own_images(tmp_path, monkeypatch):
  """The call is right; the job itself is tested elsewhere."""
  monkeypatch.chdir(tmp_path)
  asked = {}

  def search(data, **given):
    asked.update(given, data=data)
    return SimpleNamespace(verdict="Use it.", policy=None)

  signature = inspect.signature(autoaug_jax.search)
  monkeypatch.setattr(autoaug_jax, "search", search, raising=False)
  exec(block("Your own images"), {})
  signature.bind(**asked)
  assert asked["data"] == "photos"
