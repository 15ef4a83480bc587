"""Data sets by their TFDS names, read from ArrayRecord files without TensorFlow."""

import dataclasses
import difflib
import functools
import importlib.util
import os
import pathlib
import re
from typing import Any

import numpy as np

from autoaug_jax.data.arrays import without_bad_classes
from autoaug_jax.data.extras import need
from autoaug_jax.data.files import expanded
from autoaug_jax.data.folder import MEMORY_BUDGET
from autoaug_jax.data.images import decode, fit
from autoaug_jax.data.source import PARTS, Examples, Source, Take, data_root

OWN = ("digits",)
CHUNK = 256


def _find(name: str, *, data_dir: str | os.PathLike[str] | None = None) -> pathlib.Path | None:
  """The newest prepared version of `name`, `name/config` or `name:version`, or None.

  Without a `data_dir`, TFDS's own folder ($TFDS_DATA_DIR or ~/tensorflow_datasets) counts too.
  """
  roots = [data_root(data_dir=data_dir)]
  if data_dir is None:
    roots.append(pathlib.Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")))
  if not re.fullmatch(r"\w[\w.+-]*(/\w[\w.+-]*)*(:[\d.*]+)?", name):
    return None  # no name that TFDS gives; a pattern, say, or a path
  folder, _, version = name.partition(":")
  for root in roots:
    infos = expanded(root).glob(f"{folder}/{version or '*'}/dataset_info.json")
    found = [info.parent for info in infos if re.fullmatch(r"\d+\.\d+\.\d+", info.parent.name)]
    if found:
      return max(found, key=lambda path: tuple(map(int, path.name.split("."))))
  return None


def load_tfds(
  name: str,
  *,
  size: int | None = None,
  channels: int | None = None,
  stretch: bool = False,
  skip_bad_files: bool = False,
  data_dir: str | os.PathLike[str] | None = None,
  memory_budget: int = MEMORY_BUDGET,
) -> Source:
  """A prepared data set; one of the catalogue is prepared first where TensorFlow is installed.

  Images of different sizes need a `size`, for the rule of `images.decode`. The splits train,
  validation and test become the parts train, val and test; others are not read.
  """
  folder = _find(name, data_dir=data_dir) or _prepare(name, data_dir)
  import tensorflow_datasets as tfds

  builder = tfds.builder_from_directory(str(folder))
  if builder.info.file_format.value != "array_record":
    raise ValueError(
      f"{folder} is stored as {builder.info.file_format.value}, which only TensorFlow reads;"
      " prepare it again with file_format='array_record'"
    )
  features = builder.info.features
  image, label = builder.info.supervised_keys or ("image", "label")
  if image not in features or not hasattr(dict(features).get(label), "num_classes"):
    raise ValueError(f"{name} has the features {', '.join(features)}, not an image and its class")
  encoded = isinstance(features[image], tfds.features.Image)
  rule = (size, channels or (3 if encoded else features[image].shape[-1]), stretch)
  parts = {}
  for split, info in builder.info.splits.items():
    if split in PARTS and info.num_examples:
      parts[PARTS[split]] = _read(Rows(str(folder), split, image, label, *rule), memory_budget)
  if "train" not in parts:
    raise ValueError(f"{name} has the splits {', '.join(builder.info.splits)}; it needs train")
  classes = tuple(features[label].names)
  return without_bad_classes(name, classes, parts, skip=skip_bad_files)


@dataclasses.dataclass(frozen=True)
class Rows:
  """The fetch of a prepared split; each process opens its files once."""

  folder: str
  split: str
  image: str
  label: str
  size: int | None
  channels: int
  stretch: bool

  def __call__(self, indices: np.ndarray) -> np.ndarray:
    return np.stack([self.pixels(row[self.image]) for row in self.rows(indices)])

  def rows(self, indices: np.ndarray) -> list[dict[str, Any]]:
    return _open(self.folder, self.split, self.image, os.getpid()).__getitems__(
      [int(i) for i in indices]
    )

  def pixels(self, stored: Any) -> np.ndarray:
    if isinstance(stored, bytes):
      return decode(stored, size=self.size, channels=self.channels, stretch=self.stretch)
    return fit(np.asarray(stored), size=self.size, channels=self.channels, stretch=self.stretch)


@functools.lru_cache(maxsize=8)
def _open(folder: str, split: str, image: str, process: int) -> Any:
  import tensorflow_datasets as tfds

  builder = tfds.builder_from_directory(folder)
  if isinstance(builder.info.features[image], tfds.features.Image):
    decoders = {image: tfds.decode.SkipDecoding()}
    return builder.as_data_source(split, decoders=decoders)
  return builder.as_data_source(split)


def _read(rows: Rows, memory_budget: int) -> Examples:
  count = len(_open(rows.folder, rows.split, rows.image, os.getpid()))
  first = rows(np.asarray([0]))[0]
  keep = count * first.size <= memory_budget
  labels = np.empty(count, np.int32)
  images = np.empty((count, *first.shape), np.uint8) if keep else None
  for start in range(0, count, CHUNK):
    chunk = rows.rows(np.arange(start, min(start + CHUNK, count)))
    labels[start : start + CHUNK] = [row[rows.label] for row in chunk]
    if images is None:
      continue
    for i, row in enumerate(chunk, start):
      pixels = rows.pixels(row[rows.image])
      if pixels.shape != first.shape:
        raise ValueError(
          f"the images of {rows.folder} differ in size ({first.shape[1]} x {first.shape[0]} and"
          f" {pixels.shape[1]} x {pixels.shape[0]}); give the size that they are resized and"
          " cropped to"
        )
      images[i] = pixels
  height, width, channels = first.shape
  fetch = rows if images is None else Take(images)
  return Examples(labels, (height, width, channels), fetch, images)


def _prepare(name: str, data_dir: str | os.PathLike[str] | None) -> pathlib.Path:
  import tensorflow_datasets as tfds

  catalogue = tfds.list_builders(with_community_datasets=False)
  if re.split("[/:]", name)[0] not in catalogue:
    near = difflib.get_close_matches(name, [*OWN, *catalogue], 5, 0.5)
    hint = f"; near it: {', '.join(near)}" if near else ""
    raise ValueError(f"{name!r} is no file or folder here and no TFDS name{hint}")
  root = data_root(data_dir=data_dir)
  if importlib.util.find_spec("tensorflow") is None:
    need("tensorflow", f"{name} is not prepared in {root}, and preparing it once")
  builder = tfds.builder(name, data_dir=str(root), file_format="array_record")
  builder.download_and_prepare()
  return pathlib.Path(builder.data_dir)
