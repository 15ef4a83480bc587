"""A search for a policy of each class, what it writes, and a retraining by it."""

import json

import jax
import numpy as np
import pytest

from autoaug_jax import export
from autoaug_jax.app import How, SearchSetting, Setting, Slack, retrain, search, search_lines
from autoaug_jax.ops import select, spaces
from tests.app.cases import squares

SPACE = select(spaces.slack_cifar(), ["Brightness", "Contrast", "Identity"])
OPTIONS = Slack(
  pretrain_epochs=1,
  rounds=1,
  retrain_steps=1,
  search_steps=3,
  ops=1,
  draws="per_image",
  per_class=True,
)


@pytest.fixture(scope="module")
def named(tmp_path_factory):
  """The squares, with names of classes."""
  path = tmp_path_factory.mktemp("data") / "named.npz"
  (x, y), (u, v) = squares(48, 0), squares(16, 1)
  np.savez(path, images=x, labels=y, test_images=u, test_labels=v, classes=["left", "right"])
  return str(path)


def test_each_class_has_a_policy_in_the_file(named, tmp_path):
  how = How(workdir=tmp_path / "s", log_every=1)
  found = search(SearchSetting(data=named, batch=8, flip=0.0), OPTIONS, how=how, space=SPACE)
  assert found.state.phi.logits.shape == (2, 1, 3)
  assert found.by_class.classes == ("left", "right")
  rows = [policy.stages[0].probability[0] for policy in found.by_class.policies]
  assert rows[0] != rows[1]
  expected = jax.nn.softmax(found.state.phi.logits)[:, 0]
  np.testing.assert_allclose(rows, expected, rtol=1e-5)
  np.testing.assert_allclose(found.policy.stages[0].probability[0], np.mean(rows, 0), rtol=1e-5)
  spec = export.load_any(tmp_path / "s" / "policy.json")
  assert spec.policy == found.by_class
  assert found.trajectory["class_probability"].shape[1:] == (2, 1, 3)
  assert json.loads((tmp_path / "s" / "search.json").read_text())["options"]["per_class"]
  assert "  left: " in search_lines(found)
  for name in ("policy", "classes", "probabilities", "likely"):
    assert (tmp_path / "s" / f"{name}.png").stat().st_size > 1000
  policy = str(tmp_path / "s" / "policy.json")
  done = retrain(Setting(data=named, policy=policy, epochs=6, batch=8))
  assert done.accuracy[0] > 0.8
  other = tmp_path / "other.npz"
  x, y = squares(48, 0)
  np.savez(other, images=x, labels=y, classes=["left", "top"])
  with pytest.raises(ValueError, match="no policy for the class 'top'; there are some for left, r"):
    retrain(Setting(data=str(other), policy=policy, epochs=1, batch=8))


@pytest.mark.parametrize(
  ("options", "words"),
  [(OPTIONS._replace(draws="shared"), "per_class takes draws of 'per_image', not 'shared'")],
)
def test_what_cannot_be_gets_one_sentence(named, options, words):
  with pytest.raises(ValueError, match=words):
    search(SearchSetting(data=named, batch=8, flip=0.0), options, space=SPACE)
