"""Whole jobs on images of one, four and five channels."""

import numpy as np
import pytest

from autoaug_jax.app import How, SearchSetting, Setting, Slack, retrain, search
from autoaug_jax.data import from_arrays
from autoaug_jax.ops import select, spaces
from tests.app.cases import squares

OPTIONS = Slack(
  pretrain_epochs=1, rounds=1, retrain_steps=1, search_steps=2, ops=1, draws="per_image"
)
SPACE = select(spaces.slack_cifar(), ["Brightness", "Color", "Contrast", "Identity"])


def source(channels):
  """The squares in every channel, the later ones darker."""
  parts = {}
  for part, count, seed in (("train", 48, 0), ("test", 16, 1)):
    images, labels = squares(count, seed)
    shades = np.linspace(1, 0.5, channels)
    parts[part] = ((images * shades).astype(np.uint8), labels)
  return from_arrays(parts)


@pytest.mark.parametrize(
  ("channels", "said"),
  [
    (1, "left out for images of 1 channel, being for RGB: Color"),
    (4, "left out for images of 4 channels, being for RGB: Color, Contrast"),
  ],
)
def test_a_search(channels, said):
  lines = []
  setting = SearchSetting(data="squares", batch=8, flip=0.0)
  how = How(say=lines.append)
  found = search(setting, OPTIONS, how=how, space=SPACE, source=source(channels))
  assert lines == [said]
  assert "Color" not in found.policy.stages[0].ops


def test_five_channels_and_a_retraining_under_the_policy(tmp_path):
  setting = SearchSetting(data="squares", batch=8, flip=0.0)
  search(setting, OPTIONS, how=How(workdir=tmp_path), space=SPACE, source=source(5))
  assert (tmp_path / "likely.png").stat().st_size > 1000, "a picture of the first three channels"
  policy = str(tmp_path / "policy.json")
  done = retrain(Setting(policy=policy, epochs=6, batch=8), source=source(5))
  assert done.accuracy[0] > 0.8


def test_trivial_augment_on_five_channels():
  lines = []
  setting = Setting(policy="trivial-augment-wide", flip=0.0, epochs=1, batch=8)
  done = retrain(setting, how=How(say=lines.append), source=source(5))
  assert lines == ["left out for images of 5 channels, being for RGB: Contrast, Color"]
  assert np.isfinite(done.loss[0])
