"""BACH's pictures as patches, and training on patches that stay on the disk."""

import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from autoaug_jax import data
from experiments.recipes import bach

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_tiles_are_the_squares_that_fit():
  image = np.arange(5 * 7 * 3).reshape(5, 7, 3).astype(np.uint8)
  made = dict(bach.tiles(image, 2))
  assert sorted(made) == [f"{i}-{j}" for i in range(2) for j in range(3)]
  np.testing.assert_array_equal(made["1-2"], image[2:4, 4:6])
  assert len(bach.tiles(np.zeros((1536, 2048, 3)), 512)) == 12
  with pytest.raises(ValueError, match="at least 8 pixels"):
    bach.tiles(image, 8)


def test_half_of_each_class_is_cut_to_train_on(tmp_path):
  random = np.random.default_rng(0)
  for name in ("Benign", "Normal"):
    for i in range(4):
      path = tmp_path / "Photos" / name / f"{name[0]}{i}.tif"
      path.parent.mkdir(parents=True, exist_ok=True)
      Image.fromarray(random.integers(0, 256, (16, 24, 3), dtype=np.uint8)).save(path)
  assert bach.cut(tmp_path / "Photos", tmp_path / "out", patch=8) == (4, 4)
  source = data.load(str(tmp_path / "out" / "patches"))
  assert source.classes == ("Benign", "Normal")
  assert {part: len(examples.labels) for part, examples in source.parts.items()} == {
    "train": 24,
    "test": 24,
  }
  whole = data.load(str(tmp_path / "out" / "whole")).parts["train"]
  assert whole.shape == (16, 24, 3)
  assert np.bincount(whole.labels).tolist() == [2, 2]
  tested = {p.stem for p in (tmp_path / "out" / "whole").rglob("*.png")}
  trained = {p.stem[:2] for p in (tmp_path / "out" / "patches" / "train").rglob("*.png")}
  assert not tested & trained, "no picture is on both sides"
  with pytest.raises(ValueError, match="a folder for each class"):
    bach.cut(tmp_path / "out" / "whole" / "Normal", tmp_path)


@pytest.mark.slow
def test_patches_stream_within_a_stated_memory(tmp_path):
  """A small network, batch 2, in a process of its own: what it takes is activations, not images."""
  command = [sys.executable, "-m", "experiments.recipes.bach", "--stress=48", "--batch=2"]
  ran = subprocess.run(
    [*command, f"--out={tmp_path}"], cwd=ROOT, capture_output=True, text=True, check=False
  )
  assert ran.returncode == 0, ran.stderr[-2000:]
  (most,) = re.findall(r"at most ([\d.]+) GiB", ran.stdout)
  assert float(most) < 4.0
