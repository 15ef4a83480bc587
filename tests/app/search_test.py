"""A search as a job: what it writes, that it goes on where it was, that it says what is wrong."""

import json
import shutil

import jax
import numpy as np
import pytest

from autoaug_jax import export
from autoaug_jax.app import How, SearchSetting, Slack, search, search_lines
from autoaug_jax.ops import select, spaces
from tests.app.cases import squares

# One kind of op: the executor's program stays small.
SPACE = select(spaces.slack_cifar(), ["Brightness", "Contrast", "Identity"])
OPTIONS = Slack(
  pretrain_epochs=1, rounds=2, retrain_steps=2, search_steps=3, ops=2, draws="per_image"
)
HOW = How(log_every=2, save_every=2)


@pytest.fixture(scope="module")
def setting(npz):
  return SearchSetting(data=npz, batch=8, flip=0.0)


@pytest.fixture(scope="module")
def done(setting, tmp_path_factory):
  workdir = tmp_path_factory.mktemp("search")
  return workdir, search(setting, OPTIONS, how=HOW._replace(workdir=workdir), space=SPACE)


def test_it_writes_what_it_learned(done):
  workdir, result = done
  assert (result.train_images, result.valid_images, result.test_images) == (32, 32, 21)
  assert result.accuracy is None, "SLACK keeps no network"
  spec = export.load(workdir / "policy.json")
  assert spec.policy == result.policy
  assert (spec.provenance.method, spec.image_size) == ("slack", (8, 8))
  written = json.loads((workdir / "search.json").read_text())
  assert written["method"] == "slack"
  assert written["options"]["rounds"] == 2
  assert result.moves == written["moves"] == 4 + 2 * 5
  assert "ops: " in search_lines(result)


def test_the_trajectory_runs_through_all_phases(done):
  workdir, result = done
  with np.load(workdir / "trajectory.npz") as stored:
    assert stored["move"].tolist() == [2, 4, 6, 8, 10, 12, 14]
    assert stored["probability"].shape == (7, 2, 3)
    np.testing.assert_allclose(stored["probability"][:2], 1 / 3, rtol=1e-6)
    assert np.ptp(stored["probability"][-1]) > 0
    np.testing.assert_allclose(stored["bound"][-1], result.state.phi.bound, rtol=1e-6)


def test_a_search_that_was_cut_off_ends_in_the_same_bits(done, setting, tmp_path):
  workdir, result = done
  shutil.copytree(workdir, tmp_path / "cut")
  for name in ("policy.json", "trajectory.npz", "search.json"):
    (tmp_path / "cut" / name).unlink()
  checkpoints = tmp_path / "cut" / "search" / "checkpoints"
  numbers = sorted(int(path.name) for path in checkpoints.iterdir())
  assert len(numbers) == 3
  for number in numbers[1:]:
    shutil.rmtree(checkpoints / str(number))
  again = search(setting, OPTIONS, how=HOW._replace(workdir=tmp_path / "cut"), space=SPACE)
  for a, b in zip(jax.tree.leaves(again.state), jax.tree.leaves(result.state), strict=True):
    assert np.array_equal(a, b)
  for name, values in result.trajectory.items():
    assert np.array_equal(again.trajectory[name], values), name


def test_another_option_does_not_go_on_from_there(done, setting):
  with pytest.raises(ValueError, match=r"kl=0.02, and this run has kl=0.5"):
    search(setting, OPTIONS._replace(kl=0.5), how=HOW._replace(workdir=done[0]), space=SPACE)


def test_data_bring_their_own_validation_images(tmp_path):
  parts = {"train": squares(24, 0), "val": squares(16, 1), "test": squares(10, 2)}
  arrays = {f"{part}_images": images for part, (images, _) in parts.items()}
  arrays |= {f"{part}_labels": labels for part, (_, labels) in parts.items()}
  np.savez(tmp_path / "own.npz", **arrays)
  setting = SearchSetting(data=str(tmp_path / "own.npz"), batch=8, flip=0.0)
  result = search(setting, OPTIONS._replace(rounds=1), space=SPACE)
  assert (result.train_images, result.valid_images, result.test_images) == (24, 16, 10)


def test_test_images_are_kept_apart(tmp_path):
  """Those that `retrain` is tested on, where the data have no test part."""
  images, labels = squares(40, 2)
  np.savez(tmp_path / "own.npz", images=images, labels=labels)
  setting = SearchSetting(data=str(tmp_path / "own.npz"), batch=8, flip=0.0)
  result = search(setting, OPTIONS._replace(rounds=1), space=SPACE)
  assert (result.train_images, result.valid_images, result.test_images) == (16, 16, 8)


@pytest.mark.parametrize(
  ("change", "options", "message"),
  [
    ({"batch": 64}, {}, "batch must be at most the 32 training images there are, not 64"),
    ({"fold": -1}, {}, "fold must be at least 0, not -1"),
    ({"flip": 2.0}, {}, "flip must lie between 0 and 1, not 2.0"),
    ({}, {"rounds": 0}, "rounds must be at least 1, not 0"),
    ({}, {"draws": "some"}, "draws must be one of 'shared', 'per_image', not 'some'"),
    ({}, {"models": 3}, "a batch of 8 cannot be split over 3 models"),
    ({"model": "vgg"}, {}, "unknown network 'vgg'"),
  ],
)
def test_bad_settings_get_one_sentence(setting, change, options, message):
  with pytest.raises(ValueError, match=message):
    search(setting._replace(**change), OPTIONS._replace(**options))


def test_a_policy_that_stands_still_ends_the_search(setting, tmp_path):
  """One round moves it by less than everything; started again, it is still at its end."""
  options, how = OPTIONS._replace(still=1.0), HOW._replace(workdir=tmp_path)
  first = search(setting, options, how=how, space=SPACE)
  assert first.moves == 4 + 5, "pre-training, and one of two rounds"
  again = search(setting, options, how=how, space=SPACE)
  assert again.moves == first.moves
  assert again.policy == first.policy
  assert again.trajectory["move"].tolist() == first.trajectory["move"].tolist()
