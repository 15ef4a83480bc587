"""One entrance: what a name is taken for, and what is said of values that cannot be."""

import numpy as np
import pytest

from autoaug_jax.data import from_arrays, load
from autoaug_jax.data.images import fit

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 6, 8, 3), np.uint8)


def test_what_exists_is_a_path(tmp_path, write, monkeypatch):
  write(tmp_path / "cifar10", ["cat/a.png", "cat/b.png", "dog/a.png", "dog/b.png"])
  monkeypatch.chdir(tmp_path)
  assert load("cifar10").classes == ("cat", "dog")
  assert load(tmp_path / "cifar10", channels=1).parts["train"].shape == (8, 8, 1)


def test_arrays_are_resized_by_the_same_rule(tmp_path):
  np.savez(tmp_path / "set.npz", images=IMAGES, labels=np.array([0, 1, 0, 1]))
  source = load(tmp_path / "set.npz", size=4, channels=1)
  expected = np.stack([fit(image, size=4, channels=1) for image in IMAGES])
  np.testing.assert_array_equal(source.parts["train"].images, expected)
  plain = from_arrays({"train": (IMAGES, np.array([0, 1, 0, 1]))})
  np.testing.assert_array_equal(load(tmp_path / "set.npz").parts["train"].images, IMAGES)
  assert plain.classes == source.classes


@pytest.mark.parametrize(
  ("options", "sentence"),
  [
    ({"size": 0}, "size must be 1 to 4096 pixels, not 0"),
    ({"channels": 4}, "channels must be 1 or 3, not 4"),
    ({"memory_budget": -1}, "memory_budget must be 0 bytes or more, not -1"),
  ],
  ids=["size", "channels", "budget"],
)
def test_values_that_cannot_be_are_named(options, sentence):
  with pytest.raises(ValueError, match=sentence):
    load("digits", **options)
