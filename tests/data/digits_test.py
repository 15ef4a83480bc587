"""Built-in digits: scikit-learn's, by way of ArrayRecord, enlarged as Pillow does."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from sklearn import datasets

from autoaug_jax.data import load, load_digits
from autoaug_jax.data.digits import _enlarge

BICUBIC = Image.Resampling.BICUBIC
CODE = """
import sys
from autoaug_jax.data import load
source = load("digits", size=8, data_dir=sys.argv[1])
print(int(source.parts["train"].images.astype(int).sum()), "tensorflow" in sys.modules)
"""


def test_they_are_scikit_learns(data_dir):
  theirs = datasets.load_digits()
  source = load("digits", size=8, data_dir=data_dir)
  assert source.classes == tuple("0123456789")
  train, test = source.parts["train"], source.parts["test"]
  assert (train.images.shape, test.images.shape) == ((1297, 8, 8, 1), (500, 8, 8, 1))
  assert np.bincount(test.labels).tolist() == [50] * 10
  last = np.concatenate([np.flatnonzero(theirs.target == c)[-50:] for c in range(10)])
  rest = np.setdiff1d(np.arange(1797), last)
  for part, rows in ((train, rest), (test, np.sort(last))):
    np.testing.assert_array_equal(part.labels, theirs.target[rows])
    grey = np.floor(theirs.images[rows] * 255 / 16 + 0.5)
    np.testing.assert_array_equal(part.images[..., 0], grey)


@pytest.mark.parametrize("size", [8, 9, 16, 28, 32])
def test_enlarged_as_pillow_does(size):
  images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), np.uint8)
  larger = [Image.fromarray(one[..., 0]).resize((size, size), BICUBIC) for one in images]
  difference = np.abs(np.stack(larger).astype(int) - _enlarge(images, size)[..., 0])
  assert difference.max() <= 1
  assert np.mean(difference) < 0.01  # ties that Pillow's fixed point rounds the other way


def test_three_equal_channels(data_dir):
  grey = load_digits(size=16, data_dir=data_dir).parts["test"].images
  colour = load_digits(size=16, channels=3, data_dir=data_dir).parts["test"].images
  np.testing.assert_array_equal(colour, np.concatenate([grey] * 3, -1))


def test_32_pixels_unless_told_otherwise(data_dir):
  assert load("digits", data_dir=data_dir).parts["train"].shape == (32, 32, 1)
  with pytest.raises(ValueError, match="size must be 8 to 512, not 4"):
    load("digits", size=4, data_dir=data_dir)


def test_two_processes_may_prepare_at_once(tmp_path):
  command = [sys.executable, "-c", CODE, str(tmp_path)]
  running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
  outputs = [process.communicate()[0] for process in running]
  assert [process.returncode for process in running] == [0, 0]
  assert outputs[0] == outputs[1]
  assert outputs[0].split()[1] == "False"
  assert [path.name for path in (tmp_path / "digits").iterdir()] == ["1.0.0"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
  (tmp_path / "file").write_text("")
  with pytest.raises(ValueError, match=r"cannot write to .*file/digits .*give another data_dir"):
    load("digits", data_dir=tmp_path / "file")
