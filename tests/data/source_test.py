"""Examples, and the fingerprint that ties a split to them."""

import numpy as np
import pytest

from autoaug_jax.data import fingerprint, in_memory
from autoaug_jax.data.source import Take, data_root, require_two_classes

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 4, 6, 3), np.uint8)
LABELS = np.arange(40) % 3


def test_in_memory():
  examples = in_memory(IMAGES, LABELS)
  assert (examples.shape, examples.nbytes) == ((4, 6, 3), IMAGES.nbytes)
  assert examples.labels.dtype == np.int32
  np.testing.assert_array_equal(examples.fetch(np.array([7, 7, 2])), IMAGES[[7, 7, 2]])


def test_a_fingerprint_is_of_the_data_and_not_of_where_they_are():
  examples = in_memory(IMAGES, LABELS)
  assert fingerprint(examples) == fingerprint(
    examples._replace(images=None, fetch=Take(IMAGES.copy()))
  )
  others = [
    in_memory(IMAGES, (LABELS + 1) % 3),
    in_memory(IMAGES[::-1], LABELS),
    in_memory(IMAGES[:39], LABELS[:39]),
    in_memory(IMAGES.reshape(40, 6, 4, 3), LABELS),
  ]
  assert len({fingerprint(one) for one in (examples, *others)}) == 5


def test_the_place_of_prepared_data(tmp_path, monkeypatch):
  monkeypatch.setenv("AUTOAUG_DATA_DIR", str(tmp_path))
  assert data_root() == tmp_path
  assert data_root(data_dir="elsewhere").name == "elsewhere"
  monkeypatch.delenv("AUTOAUG_DATA_DIR")
  assert data_root().parts[-2:] == (".cache", "autoaug_jax")


def test_two_classes_are_needed():
  require_two_classes("set", ["a", "b"])
  with pytest.raises(ValueError, match="set has no class; at least two are needed"):
    require_two_classes("set", [])
