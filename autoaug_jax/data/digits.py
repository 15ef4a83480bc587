"""Handwritten digits, the data that come with the package.

They are the 1,797 images of 8 x 8 pixels and 17 grey levels of scikit-learn's `load_digits`, a copy
of the test set of "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, 1998, UCI
Machine Learning Repository, doi 10.24432/C50P49, licence CC BY 4.0), here as digits.npz.
"""

import functools
import os
import pathlib
from collections.abc import Iterator

import numpy as np

from autoaug_jax.data.builders import Dataset, Row, prepare
from autoaug_jax.data.catalog import load_tfds
from autoaug_jax.data.source import Examples, Source, data_root, in_memory

TEST_PER_CLASS = 50
LARGEST = 512  # pixels of a side, 1.4 GB in all
CLASSES = tuple("0123456789")


def load_digits(
  *, size: int = 32, channels: int = 1, data_dir: str | os.PathLike[str] | None = None
) -> Source:
  """1,297 training and 500 test images, uint8 [N, size, size, channels], by way of TFDS.

  The test part is the last 50 images of each class. The file goes from writer to writer, so it
  shares few writers with the training part, and is harder than a random one. `size` is 8 or more;
  larger images are bicubic interpolations as Pillow's. Prepared in `data_dir` on first use.
  """
  if not 8 <= size <= LARGEST:
    raise ValueError(f"digits have 8 x 8 pixels; size must be 8 to {LARGEST}, not {size}")
  if channels not in (1, 3):
    raise ValueError(f"digits have 1 channel, or 3 equal ones, not {channels}")
  root = data_root(data_dir=data_dir)
  prepare(_digits_dataset(), root)
  source = load_tfds("digits", data_dir=root)
  parts = {part: _upsampled(one, size, channels) for part, one in source.parts.items()}
  return source._replace(parts=parts)


def _digits_dataset() -> Dataset:
  """What the TFDS builder of digits writes."""
  with np.load(pathlib.Path(__file__).with_name("digits.npz")) as stored:
    levels, labels = stored["images"].astype(np.int32), stored["labels"].astype(np.int32)
  images = ((levels * 255 + 8) // 16).astype(np.uint8)[..., None]
  from_end = np.empty(len(labels), np.int32)
  for label in range(len(CLASSES)):
    rows = np.flatnonzero(labels == label)
    from_end[rows] = np.arange(len(rows))[::-1]
  test = from_end < TEST_PER_CLASS

  def written(chosen: np.ndarray) -> Iterator[Row]:
    return ((images[i], int(labels[i])) for i in np.flatnonzero(chosen))

  parts = {"train": functools.partial(written, ~test), "test": functools.partial(written, test)}
  return Dataset("digits", CLASSES, parts, (8, 8, 1), "Optical recognition of handwritten digits")


def _enlarge(images: np.ndarray, size: int) -> np.ndarray:
  """uint8 [N, n, n, C] -> [N, size, size, C]: Keys' cubic (a = -1/2), renormalised at the edges.

  Along the rows first, rounded and clipped, then along the columns, as Pillow does.
  """
  if size == images.shape[1]:
    return images
  weights = _cubic(images.shape[1], size)
  wide = _rounded(np.einsum("xi,nyic->nyxc", weights, images.astype(np.float64)))
  return _rounded(np.einsum("yi,nixc->nyxc", weights, wide)).astype(np.uint8)


def _cubic(count: int, size: int) -> np.ndarray:
  """[size, count], rows sum to 1."""
  centres = (np.arange(size) + 0.5) * count / size - 0.5
  x = np.abs(centres[:, None] - np.arange(count))
  near = (1.5 * x - 2.5) * x * x + 1
  far = ((-0.5 * x + 2.5) * x - 4) * x + 2
  weights = np.where(x < 1, near, np.where(x < 2, far, 0.0))
  return weights / weights.sum(1, keepdims=True)


def _rounded(values: np.ndarray) -> np.ndarray:
  return np.clip(np.floor(values + 0.5), 0, 255)


def _upsampled(examples: Examples, size: int, channels: int) -> Examples:
  images = _enlarge(examples.fetch(np.arange(len(examples.labels))), size)
  return in_memory(np.repeat(images, channels, -1), examples.labels)
