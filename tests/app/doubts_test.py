"""Wrong labels, planted among right ones, are measured and found."""

import numpy as np
import pytest

from autoaug_jax import data
from autoaug_jax.app import How, Setting
from autoaug_jax.app.doubts import doubts, keep_doubts, kept_doubts
from tests.app.cases import squares

SHARE = 0.2


@pytest.fixture(scope="module")
def found():
  (images, labels), clean, test = squares(200, 0), squares(60, 1), squares(20, 2)
  wrong = np.random.default_rng(3).permutation(200)[: int(200 * SHARE)]
  given = labels.copy()
  given[wrong] = 1 - given[wrong]
  source = data.from_arrays({"train": (images, given), "val": clean, "test": test})
  setting = Setting(batch=16, epochs=4, flip=0.0)
  return doubts(setting, source, how=How()), wrong, given


def test_each_image_is_looked_at_once_by_a_network_that_did_not_see_it(found):
  told, _, given = found
  assert sorted(told.indices.tolist()) == list(range(200))
  assert np.array_equal(told.given, given[told.indices])
  assert np.all(np.diff(told.probability) >= 0)


def test_their_share_is_measured_against_images_that_can_be_trusted(found):
  told, _, _ = found
  assert told.clean < 0.1
  assert told.disagreement == pytest.approx(SHARE, abs=0.1)
  assert told.wrong == pytest.approx(SHARE, abs=0.08)


def test_they_come_first(found):
  told, wrong, _ = found
  first = told.indices[: len(wrong)]
  assert len(np.intersect1d(first, wrong)) > 0.8 * len(wrong)


@pytest.mark.parametrize("clean", [None, 0.125])
def test_what_is_kept_is_read_for_the_same_setting_alone(found, clean, tmp_path):
  told, setting = found[0]._replace(clean=clean), Setting(batch=16)
  path = tmp_path / "labels.npz"
  assert kept_doubts(path, setting=setting) is None
  keep_doubts(told, path, setting=setting)
  read = kept_doubts(path, setting=setting)
  for one, other in zip(read, told, strict=True):
    assert np.array_equal(one, other)
    assert type(one) is type(other)
  assert kept_doubts(path, setting=setting._replace(epochs=5)) is None
