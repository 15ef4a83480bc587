"""Folders, zips and tars of image files."""

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from autoaug_jax.data.files import Files, open_files
from autoaug_jax.data.images import check, decode
from autoaug_jax.data.layouts import Entry, recognise
from autoaug_jax.data.scan import Finding, scan_classes, settle
from autoaug_jax.data.source import Examples, Source, Take, require_two_classes

MEMORY_BUDGET = 2 << 30  # bytes of decoded images


@dataclasses.dataclass(frozen=True)
class Decoded:
  """The fetch of image files: reads and decodes them when they are asked for."""

  read: Callable[[str], bytes]
  names: tuple[str, ...]
  size: int | None
  channels: int

  def __call__(self, indices: np.ndarray) -> np.ndarray:
    return np.stack([self._one(self.names[int(i)]) for i in np.asarray(indices)])

  def _one(self, name: str) -> np.ndarray:
    try:
      return decode(self.read(name), size=self.size, channels=self.channels)
    except ValueError as error:
      raise ValueError(f"{name} {error}") from error


def load_folder(
  path: str | os.PathLike[str],
  *,
  size: int | None = None,
  channels: int = 3,
  skip_bad_files: bool = False,
  memory_budget: int = MEMORY_BUDGET,
) -> Source:
  """The images of a folder or archive, every file of them read once and checked.

  Layouts: `layouts.recognise`. Images of different sizes need a `size`, for the rule of
  `images.decode`. Decoded images that fit into `memory_budget` bytes stay in memory; others are
  decoded when a batch asks for them.
  """
  files = open_files(path)
  layout = recognise(files)
  if not layout.entries:
    listed = f"; it has {layout.findings[0]}" if layout.findings else ""
    raise ValueError(f"{files.root} holds no images of a class{listed}")
  findings = list(layout.findings)
  shape = _first_shape(files, layout.entries, size, channels)
  keep = len(layout.entries) * int(np.prod(shape)) <= memory_budget
  if not keep and not files.random_access:
    raise ValueError(
      f"the {len(layout.entries)} images of {files.root} need more than {memory_budget} bytes"
      " once decoded, and a tar archive cannot be read at random; unpack it first"
    )
  pixels = np.empty((len(layout.entries), *shape), np.uint8) if keep else None
  problems = _read_all(files, layout.entries, pixels, (size, channels, shape))
  bad = {entry.file for entry, why in zip(layout.entries, problems, strict=True) if why}
  findings += [
    Finding(entry.file, why) for entry, why in zip(layout.entries, problems, strict=True) if why
  ]
  good = [i for i, entry in enumerate(layout.entries) if entry.file not in bad]
  counts = Counter((layout.entries[i].part != "train", layout.entries[i].category) for i in good)
  trained = {name: n for (other, name), n in counts.items() if not other}
  others = {name: n for (other, name), n in counts.items() if other}
  if not trained:
    raise ValueError(f"{files.root} has no readable training images")
  named, out = scan_classes(layout.classes, trained, others=others)
  require_two_classes(files.root, layout.classes)
  skipped = settle(files.root, findings + named, skip_bad_files)
  classes = tuple(name for name in layout.classes if name not in out)
  require_two_classes(f"{files.root}, without what cannot be used,", classes)
  rows = [i for i in good if layout.entries[i].category not in out]
  parts = {}
  for part in ("train", "val", "test"):
    chosen = [i for i in rows if layout.entries[i].part == part]
    if chosen:
      entries = [layout.entries[i] for i in chosen]
      parts[part] = _examples(files, entries, classes, (size, channels, shape), pixels, chosen)
  return Source(os.path.basename(files.root), classes, parts, skipped)


Rule = tuple[int | None, int, tuple[int, int, int]]  # size, channels, shape


def _first_shape(
  files: Files, entries: Sequence[Entry], size: int | None, channels: int
) -> tuple[int, int, int]:
  """The shape that the first readable image gets."""
  if size is not None:
    return size, size, channels
  for entry in entries:
    try:
      height, width, _ = decode(files.read(entry.file), channels=channels).shape
      return height, width, channels
    except ImportError:
      raise
    except Exception:
      continue
  return 0, 0, channels


def _read_all(
  files: Files, entries: Sequence[Entry], pixels: np.ndarray | None, rule: Rule
) -> list[str]:
  """What is wrong with each file ("" where nothing is); the pixels of the others are filled in."""
  size, channels, shape = rule

  def one(i: int) -> str:
    try:
      encoded = files.read(entries[i].file)
    except Exception as error:
      return f"cannot be read ({error})"
    try:
      if pixels is None and size is not None:
        check(encoded)
        return ""
      image = decode(encoded, size=size, channels=channels)
    except ValueError as error:
      return str(error)
    if image.shape != shape:
      return f"size {image.shape[1]} x {image.shape[0]}"
    if pixels is not None:
      pixels[i] = image
    return ""

  with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
    problems = list(pool.map(one, range(len(entries)), chunksize=64))
  other = next((i for i, why in enumerate(problems) if why.startswith("size ")), None)
  if other is not None:
    raise ValueError(
      f"the images of {files.root} differ in size ({shape[1]} x {shape[0]}, and"
      f" {problems[other][5:]} of {entries[other].file}); give the size that they are resized and"
      " cropped to"
    )
  return problems


def _examples(
  files: Files,
  entries: Sequence[Entry],
  classes: Sequence[str],
  rule: Rule,
  pixels: np.ndarray | None,
  rows: Sequence[int],
) -> Examples:
  number = {name: i for i, name in enumerate(classes)}
  labels = np.asarray([number[entry.category] for entry in entries], np.int32)
  size, channels, shape = rule
  if pixels is None:
    names = tuple(entry.file for entry in entries)
    return Examples(labels, shape, Decoded(files.read, names, size, channels))
  chosen = np.asarray(rows)
  contiguous = len(chosen) == chosen[-1] - chosen[0] + 1
  images = pixels[chosen[0] : chosen[-1] + 1] if contiguous else pixels[chosen]
  return Examples(labels, shape, Take(images), images)
