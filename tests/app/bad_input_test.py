"""What a user may point a job at by mistake: one sentence, and no work directory."""

import numpy as np
import pytest
from PIL import Image

from autoaug_jax.app import How, search_within


def folder(root, counts, side=8):
  random = np.random.default_rng(0)
  root.mkdir()
  for name, count in counts.items():
    (root / name).mkdir()
    for i in range(count):
      pixels = random.integers(0, 256, (side, side, 3), np.uint8)
      Image.fromarray(pixels).save(root / name / f"{i}.png")
  return root


@pytest.mark.parametrize(
  ("counts", "message"),
  [
    ({}, "holds no images"),
    ({"a": 5}, "one class only, 'a'"),
    ({"a": 2, "b": 1}, "1 training image"),
    ({"a": 3, "b": 3}, "images to train on; a search takes 40"),
  ],
  ids=["empty", "one class", "three images", "six images"],
)
def test_folders(counts, message, tmp_path):
  data = folder(tmp_path / "data", counts)
  work = tmp_path / "work"
  with pytest.raises(ValueError, match=message) as caught:
    search_within(
      data, budget="10m", model="small-cnn", size=8, workdir=work, how=How(say=lambda line: None)
    )
  assert len(str(caught.value).split(". ")) == 1
  assert not work.exists()


def test_images_of_mixed_modes_are_one_kind(tmp_path):
  data = folder(tmp_path / "data", {"a": 2, "b": 2})
  Image.new("L", (8, 8), 9).save(data / "a" / "grey.png")
  Image.new("RGBA", (8, 8), (1, 2, 3, 4)).save(data / "b" / "clear.png")
  Image.new("P", (8, 8), 3).save(data / "b" / "palette.gif")
  with pytest.raises(ValueError, match="has 6 images to train on"):
    search_within(
      data, budget="10m", model="small-cnn", size=8, workdir=tmp_path / "work", how=How(say=print)
    )


def test_a_file_in_the_place_of_a_folder(npz, tmp_path):
  (tmp_path / "file").write_text("")
  with pytest.raises(OSError, match="file"):
    search_within("digits", workdir=tmp_path / "file" / "work", how=How(say=lambda line: None))
