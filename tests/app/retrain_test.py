import json
import math
import os

import chex
import numpy as np
import pytest
from PIL import Image

from autoaug_jax.app import How, Setting, retrain, table_line
from tests.app.cases import squares


@pytest.fixture
def setting(npz):
  return Setting(data=npz, policy="none", epochs=4, batch=16, seeds=2)


def test_it_learns_and_writes_what_it_found(setting, tmp_path):
  result = retrain(setting, how=How(workdir=tmp_path, log_every=4))
  assert result.accuracy == (1.0, 1.0)
  assert result.interval == (1.0, 0.0)
  assert (result.train_images, result.test_images, result.steps) == (64, 21, 16)
  assert result.per_class == {"0": 1.0, "1": 1.0}
  written = json.loads((tmp_path / "result.json").read_text())
  assert written["accuracy"] == [1.0, 1.0]
  assert written["setting"]["policy"] == "none"
  assert table_line(result).endswith("| small-cnn | none | 4 | 2 | 100.00 ± 0.00 |")
  rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
  assert rows[-1]["loss"][0] < rows[0]["loss"][0]


def test_a_finished_run_is_only_read_again(setting, tmp_path):
  first = retrain(setting, how=How(workdir=tmp_path))
  again = retrain(setting, how=How(workdir=tmp_path))
  assert again._replace(seconds=0.0) == first._replace(seconds=0.0)


def test_another_setting_does_not_go_on_from_there(setting, tmp_path):
  retrain(setting._replace(epochs=1), how=How(workdir=tmp_path))
  with pytest.raises(ValueError, match=r"epochs=1, and this run has epochs=4"):
    retrain(setting, how=How(workdir=tmp_path))


def test_seeds_at_once_are_those_one_by_one(setting):
  """After 4 steps: float32 drifts apart later."""
  setting = setting._replace(epochs=1, policy="standard", seed=3)
  both = retrain(setting)
  alone = [retrain(setting._replace(seeds=1, seed=s)) for s in (3, 4)]
  np.testing.assert_allclose(both.loss, [a.loss[0] for a in alone], rtol=1e-4)
  assert math.isnan(alone[0].interval.half_width)


def test_four_devices_do_what_one_does(setting):
  setting = setting._replace(epochs=1, seeds=1)
  one, four = (retrain(setting, how=How(devices=count)) for count in (1, 4))
  chex.assert_trees_all_close(one.loss, four.loss, rtol=1e-4)


def test_without_test_images_some_are_held_out(tmp_path):
  images, labels = squares(40, 2)
  np.savez(tmp_path / "own.npz", images=images, labels=labels)
  result = retrain(
    Setting(data=str(tmp_path / "own.npz"), policy="none", epochs=1, batch=8, ema=0.5)
  )
  assert (result.train_images, result.test_images) == (32, 8)
  assert result.tested_on == "20% of the training images, held out"


def test_what_was_read_is_kept_and_read_again(tmp_path):
  """The second run finds its images in the cache: what the files hold by then is no image."""
  images, labels = squares(24, 3)
  for i, (image, label) in enumerate(zip(images, labels, strict=True)):
    folder = tmp_path / "own" / str(label)
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image[..., 0]).save(folder / f"{i}.png")
  own = str(tmp_path / "own")
  setting = Setting(data=own, policy="none", epochs=1, batch=8, channels=1, size=8)
  how = How(cache_dir=str(tmp_path / "cache"))
  first = retrain(setting, how=how)
  for path in (tmp_path / "own").rglob("*.png"):
    stat = path.stat()
    path.write_bytes(b"x" * stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
  assert retrain(setting, how=how).loss == first.loss


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"epochs": 0}, "epochs must be at least 1, not 0"),
    ({"rate": -1.0}, "rate must be positive, not -1.0"),
    ({"warmup": 4}, "warmup must be below the 4 epochs, not 4"),
    ({"batch": 65}, "batch must be at most the 64 training images there are"),
    ({"flip": 1.5}, "flip must lie between 0 and 1, not 1.5"),
    ({"policy": "nowhere.json"}, "there is no policy file 'nowhere.json'"),
    ({"policy": "best"}, "unknown policy 'best'; known are none, standard"),
    ({"model": "vgg"}, "unknown network 'vgg'"),
  ],
)
def test_bad_settings_get_one_sentence(setting, change, message):
  with pytest.raises(ValueError, match=message):
    retrain(setting._replace(**change))
