"""TFDS names: prepared data are read without TensorFlow, and the rest is one sentence."""

import io
import json

import numpy as np
import pytest

from autoaug_jax.data import load
from autoaug_jax.data.builders import Dataset, prepare
from autoaug_jax.data.catalog import _find


@pytest.fixture
def cifar(tmp_path, encoded):
  """Something small under the name and the layout of a catalogue data set."""

  def rows(numbers, height=8):
    return lambda: ((io.BytesIO(encoded(i, height, 8)), i % 2) for i in numbers)

  def make(train_height=8, split="validation"):
    parts = {"train": rows(range(6)), split: rows(range(6, 8)), "test": rows([9], train_height)}
    prepare(Dataset("cifar10", ("cat", "dog"), parts), tmp_path)
    return tmp_path

  return make


@pytest.mark.parametrize("budget", [1 << 30, 0], ids=["memory", "stream"])
def test_reads_a_prepared_name(cifar, pixels, budget):
  source = load("cifar10", data_dir=cifar(), memory_budget=budget)
  assert (source.name, source.classes) == ("cifar10", ("cat", "dog"))
  assert {part: one.labels.tolist() for part, one in source.parts.items()} == {
    "train": [0, 1, 0, 1, 0, 1],
    "val": [0, 1],
    "test": [1],
  }
  assert (source.parts["train"].images is None) == (budget == 0)
  images = source.parts["train"].fetch(np.array([3, 0]))
  np.testing.assert_array_equal(images, np.stack([pixels(3), pixels(0)]))


def test_finds_the_newest_version_or_the_one_named(cifar):
  folder = cifar()
  (folder / "cifar10/1.0.0").rename(folder / "cifar10/3.0.2")
  (folder / "cifar10/3.0.10").mkdir()
  info = (folder / "cifar10/3.0.2/dataset_info.json").read_text()
  (folder / "cifar10/3.0.10/dataset_info.json").write_text(info)
  assert _find("cifar10", data_dir=folder) == folder / "cifar10/3.0.10"
  assert _find("cifar10:3.0.2", data_dir=folder) == folder / "cifar10/3.0.2"
  assert _find("cifar10:4.0.0", data_dir=folder) is None


def test_tensorflow_is_named_where_it_is_missing(tmp_path, monkeypatch):
  monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
  sentence = (
    r"^cifar10 is not prepared in \S+, and preparing it once needs TensorFlow, which is not"
    r" installed: pip install 'autoaug_jax\[prepare\]'$"
  )
  with pytest.raises(ImportError, match=sentence):
    load("cifar10", data_dir=tmp_path)


def test_an_unknown_name_lists_near_ones(tmp_path):
  with pytest.raises(ValueError, match=r"'cifar_10' is no file or folder .*near it: .*\bcifar10\b"):
    load("cifar_10", data_dir=tmp_path)
  with pytest.raises(ValueError, match=r"near it: digits"):
    load("digit", data_dir=tmp_path)


def test_a_file_format_of_tensorflow_is_named(cifar):
  info = cifar() / "cifar10/1.0.0/dataset_info.json"
  told = json.loads(info.read_text())
  info.write_text(json.dumps(told | {"fileFormat": "tfrecord"}))
  with pytest.raises(ValueError, match="is stored as tfrecord, which only TensorFlow reads"):
    load("cifar10", data_dir=info.parents[2])


def test_a_repeated_preparation_changes_nothing(cifar):
  folder = cifar()
  before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
  cifar()
  assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
