"""Comparisons of Table 1 that take many trainings or another network, on squares left and right."""

import numpy as np
import pytest
from PIL import Image

from autoaug_jax import export
from autoaug_jax.app import (
  How,
  OnlineBilevel,
  SearchSetting,
  search,
  train_invariant,
  validated_magnitude,
  whole_accuracy,
)
from tests.app import cases

OPTIONS = OnlineBilevel(learned="translation", epochs=2)


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
  path = tmp_path_factory.mktemp("squares") / "squares.npz"
  arrays = {}
  for seed, part in enumerate(("train", "test")):
    arrays[f"{part}_images"], arrays[f"{part}_labels"] = cases.squares(48, seed)
  np.savez(path, **arrays)
  return SearchSetting(data=str(path), model="small-cnn", batch=8, flip=0.0)


def test_one_magnitude_by_validation(setting, tmp_path):
  found = validated_magnitude(setting, OPTIONS, how=How(workdir=tmp_path), grid=(0.1, 0.4))
  assert set(found.tried) == {0.1, 0.4}
  assert found.magnitude == max(found.tried, key=found.tried.get)
  assert all(0 <= accuracy <= 1 for accuracy in found.tried.values())
  (stage,) = found.final.policy.stages
  assert stage.weights[0][0][0] == found.magnitude
  assert sorted(path.name for path in tmp_path.iterdir()) == ["final", "try-0.1", "try-0.4"]
  with pytest.raises(ValueError, match="at least one magnitude"):
    validated_magnitude(setting, OPTIONS, grid=())


def test_a_comparison_is_kept_without_pictures_of_what_was_learned(setting, tmp_path):
  options = OnlineBilevel(learned="none", predefined="crop", epochs=1)
  found = search(setting, options, how=How(workdir=tmp_path))
  assert export.load(tmp_path / "policy.json").policy == found.policy
  assert not list(tmp_path.glob("*.png"))


def test_a_spatial_transformer_is_trained_and_tested(setting):
  accuracy = train_invariant(setting, OPTIONS._replace(epochs=12))
  assert accuracy > 0.8


def test_whole_pictures_after_patches(tmp_path):
  """Trained on squares of 8, tested on pictures of 16 x 24 with brightness to tell them apart."""
  random = np.random.default_rng(0)
  for folder, size in (("patches", (8, 8)), ("whole", (16, 24))):
    for i in range(40 if folder == "patches" else 6):
      level = 60 + 120 * (i % 2)
      image = random.integers(level - 40, level + 40, (*size, 3)).astype(np.uint8)
      path = tmp_path / folder / ("dark", "light")[i % 2] / f"{i}.png"
      path.parent.mkdir(parents=True, exist_ok=True)
      Image.fromarray(image).save(path)
  setting = SearchSetting(data=str(tmp_path / "patches"), model="small-cnn", batch=4)
  options = OnlineBilevel(learned="none", epochs=12)
  found = search(setting, options)
  assert whole_accuracy(found, options, str(tmp_path / "whole")) == 1.0
  (tmp_path / "whole" / "light").rename(tmp_path / "whole" / "bright")
  with pytest.raises(ValueError, match="must have the classes dark, light"):
    whole_accuracy(found, options, str(tmp_path / "whole"))
