"""The heads of image files."""

import io
import zipfile

import numpy as np
from PIL import Image

from autoaug_jax.data import glance


def png(height, width):
  written = io.BytesIO()
  Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(written, "png")
  return written.getvalue()


def test_sizes_of_files(tmp_path):
  for label in ("a", "b"):
    (tmp_path / label).mkdir()
    for i in range(3):
      (tmp_path / label / f"{i}.png").write_bytes(png(8 + i, 20))
  (tmp_path / "a" / "9.png").write_bytes(b"no image")
  heads = glance(tmp_path)
  assert heads.files == 7
  assert sorted(heads.sizes) == [(8, 20), (8, 20), (9, 20), (9, 20), (10, 20), (10, 20)]


def test_of_many_files_some(tmp_path):
  (tmp_path / "a").mkdir()
  for i in range(200):
    (tmp_path / "a" / f"{i}.png").write_bytes(png(4, 4))
  heads = glance(tmp_path)
  assert (heads.files, len(heads.sizes)) == (200, 64)


def test_other_data_have_no_heads(tmp_path):
  assert glance("digits") == (0, ())
  assert glance("cifar10") == (0, ())
  np.savez(tmp_path / "x.npz", train_images=np.zeros(1))
  assert glance(tmp_path / "x.npz") == (0, ())


def test_a_damaged_member_of_a_zip_is_passed_over(tmp_path):
  with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
    for name in ("a/0.png", "b/0.png"):
      archive.writestr(name, png(4, 4))
  content = bytearray((tmp_path / "set.zip").read_bytes())
  content[content.index(png(4, 4)) + 20] ^= 1
  (tmp_path / "set.zip").write_bytes(content)
  assert glance(tmp_path / "set.zip") == (2, ((4, 4),))
