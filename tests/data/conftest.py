"""Small images on disk, and a folder where digits are prepared once."""

import io
import pathlib

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
  return tmp_path_factory.mktemp("prepared")


@pytest.fixture
def pixels():
  """(seed, height, width) -> uint8 [H, W, 3], smooth enough for a JPEG to be near it."""

  def make(seed, height=8, width=8):
    corners = np.random.default_rng(seed).integers(0, 256, (2, 2, 3), np.uint8)
    return np.asarray(Image.fromarray(corners).resize((width, height), Image.Resampling.BILINEAR))

  return make


@pytest.fixture
def encoded(pixels):
  """(seed, height, width, format) -> an image file's bytes."""

  def make(seed, height=8, width=8, form="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels(seed, height, width)).save(file, form)
    return file.getvalue()

  return make


@pytest.fixture
def write(encoded):
  """(root, names, height, width): one image for each name, image i drawn from seed i."""

  def make(root, names, height=8, width=8):
    for i, name in enumerate(names):
      path = pathlib.Path(root, name)
      path.parent.mkdir(parents=True, exist_ok=True)
      form = "JPEG" if path.suffix.lower() in (".jpg", ".jpeg") else "PNG"
      path.write_bytes(encoded(i, height, width, form))
    return pathlib.Path(root)

  return make
