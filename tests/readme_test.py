"""What the README shows, run as it stands there."""

import pathlib
import re

import jax
import numpy as np
import pytest

README = pathlib.Path(__file__).parents[1] / "README.md"


def block(heading):
  """The first block of Python below a heading."""
  _, found, after = README.read_text().partition(f"## {heading}\n")
  assert found, f"the README has no heading {heading!r}"
  section = after.partition("\n## ")[0]
  code = re.search(r"```python\n(.*?)```", section, re.DOTALL)
  assert code, f"no Python below {heading!r}"
  return compile(code.group(1), README.name, "exec")


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
