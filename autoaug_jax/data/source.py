"""What every set of images looks like to the rest of the house."""

import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from autoaug_jax.data.files import expanded
from autoaug_jax.data.scan import Finding

PARTS = {
  "train": "train",
  "training": "train",
  "val": "val",
  "valid": "val",
  "validation": "val",
  "dev": "val",
  "test": "test",
  "testing": "test",
}


LITTLE = {"i": "<i4", "f": "<f4"}  # how labels are hashed, by their kind


class Examples(NamedTuple):
  """Labelled images, in memory or decoded on demand."""

  labels: np.ndarray  # int32 [N], or float32 [N] or [N, L] where they are no classes
  shape: tuple[int, int, int]  # H, W, C of every image
  fetch: Callable[[np.ndarray], np.ndarray]  # indices [n] -> uint8 [n, H, W, C]; can be pickled
  images: np.ndarray | None = None  # uint8 [N, H, W, C] where they are in memory
  names: tuple[str, ...] = ()  # of the N files, where there are files

  @property
  def nbytes(self) -> int:
    """The size of all images once decoded."""
    return len(self.labels) * int(np.prod(self.shape))


class Source(NamedTuple):
  """A named set of images: class names, and the parts "train", "val", "test" that it has."""

  name: str
  classes: tuple[str, ...]  # or the names of L labels that are no classes
  parts: Mapping[str, Examples]  # always has "train"
  skipped: tuple[Finding, ...] = ()  # what a scan left out, and why


@dataclasses.dataclass(frozen=True)
class Take:
  """The fetch of images in memory."""

  images: np.ndarray  # uint8 [N, H, W, C]

  def __call__(self, indices: np.ndarray) -> np.ndarray:
    return self.images[indices]


def in_memory(images: np.ndarray, labels: np.ndarray) -> Examples:
  """Examples of arrays: uint8 [N, H, W, C] and integers [N], or floats [N] or [N, L]."""
  height, width, channels = images.shape[1:]
  labels = np.asarray(labels)
  dtype = np.float32 if np.issubdtype(labels.dtype, np.floating) else np.int32
  return Examples(labels.astype(dtype), (height, width, channels), Take(images), images)


def fingerprint(examples: Examples) -> str:
  """A hash of all labels, the shape, and 16 images spread over the set.

  It is the same for images in memory and for the same images decoded on demand.
  """
  count, kind = len(examples.labels), examples.labels.dtype.kind
  sample = np.unique(np.linspace(0, count - 1, min(count, 16)).astype(np.int64))
  digest = hashlib.sha256(np.ascontiguousarray(examples.labels).astype(LITTLE[kind]).tobytes())
  digest.update(repr(tuple(int(side) for side in examples.shape)).encode())
  digest.update(np.ascontiguousarray(examples.fetch(sample)).tobytes())
  return digest.hexdigest()[:16]


def data_root(*, data_dir: str | os.PathLike[str] | None = None) -> pathlib.Path:
  """Where data sets are prepared: `data_dir`, $AUTOAUG_DATA_DIR or ~/.cache/autoaug_jax."""
  chosen = data_dir or os.environ.get("AUTOAUG_DATA_DIR") or "~/.cache/autoaug_jax"
  return expanded(chosen)


def require_two_classes(name: str, classes: Sequence[str]) -> None:
  """Refuses what cannot be classified."""
  if len(classes) < 2:
    found = f"one class only, {classes[0]!r}" if classes else "no class"
    raise ValueError(f"{name} has {found}; at least two are needed")
