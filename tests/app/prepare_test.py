"""Images with labels that can be trusted, beside those of a data set."""

import numpy as np
import pytest

from autoaug_jax.app import SearchSetting, load_images
from tests.app.cases import squares

BUDGET = 1 << 20


def saved(path, count, seed, **arrays):
  images, labels = squares(count, seed)
  np.savez(path, train_images=images, train_labels=labels, **arrays)
  return str(path)


def test_trusted_images_become_the_validation_part(npz, tmp_path):
  clean = saved(tmp_path / "clean.npz", 10, 5)
  source = load_images(SearchSetting(data=npz, clean_val=clean), memory_budget=BUDGET)
  assert {part: len(one.labels) for part, one in source.parts.items()} == {
    "train": 64,
    "val": 10,
    "test": 21,
  }
  assert np.array_equal(source.parts["val"].images, squares(10, 5)[0])


def test_other_classes_or_sizes_are_refused(npz, tmp_path):
  images, labels = squares(12, 5)
  np.savez(tmp_path / "three.npz", train_images=images, train_labels=np.arange(12) % 3)
  np.savez(tmp_path / "large.npz", train_images=images.repeat(2, 1), train_labels=labels)
  for name, message in (("three", "must have the classes of the data"), ("large", "choose a size")):
    setting = SearchSetting(data=npz, clean_val=str(tmp_path / f"{name}.npz"))
    with pytest.raises(ValueError, match=message):
      load_images(setting, memory_budget=BUDGET)
