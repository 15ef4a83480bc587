"""Folders, zips and tars of image files."""

import dataclasses
import functools
import io
import os
import pathlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from autoaug_jax.data.builders import VERSION, Dataset, Row, prepare
from autoaug_jax.data.files import Files, open_files
from autoaug_jax.data.images import decode
from autoaug_jax.data.layouts import Layout, recognise
from autoaug_jax.data.reading import Read, Rule, bytes_of, read_all, rule_for
from autoaug_jax.data.scan import Finding, scan_classes, settle
from autoaug_jax.data.source import Examples, Source, Take, data_root, require_two_classes

MEMORY_BUDGET = 2 << 30  # bytes of decoded images


@dataclasses.dataclass(frozen=True)
class Decoded:
  """The fetch of image files: reads and decodes them when they are asked for."""

  read: Callable[[str], bytes]
  names: tuple[str, ...]
  rule: Rule

  def __call__(self, indices: np.ndarray) -> np.ndarray:
    return np.stack([self._one(self.names[int(i)]) for i in np.asarray(indices)])

  def _one(self, name: str) -> np.ndarray:
    try:
      return decode(
        bytes_of(self.read, name),
        size=self.rule.size,
        channels=self.rule.channels,
        stretch=self.rule.stretch,
      )
    except ValueError as error:
      raise ValueError(f"{name} {error}") from error


def load_folder(
  path: str | os.PathLike[str],
  *,
  size: int | None = None,
  channels: int = 3,
  stretch: bool = False,
  skip_bad_files: bool = False,
  cache_dir: str | os.PathLike[str] | None = None,
  memory_budget: int = MEMORY_BUDGET,
) -> Source:
  """The images of a folder or archive, every file of them read once and checked.

  Layouts: `layouts.recognise`. Images of different sizes need a `size`, for the rule of
  `images.decode`. Decoded images that fit into `memory_budget` bytes stay in memory; others are
  decoded when a batch asks for them. What was read is kept in a `cache_dir` for the next time.
  """
  files, layout = _open(path)
  names = [entry.file for entry in layout.entries]
  rule = rule_for(files, names, size=size, channels=channels, stretch=stretch)
  keep = len(names) * int(np.prod(rule.shape)) <= memory_budget
  if not keep and not files.random_access:
    raise ValueError(
      f"the {len(names)} images of {files.root} need more than {memory_budget} bytes once decoded,"
      " and a tar archive cannot be read at random; unpack it first"
    )
  read = read_all(files, names, rule, keep=keep, cache_dir=cache_dir)
  kept = _settled(files, layout, read.problems, skip_bad_files)
  parts = {
    part: _examples(files, layout, kept, (rows, read, rule)) for part, rows in kept.parts.items()
  }
  return Source(pathlib.Path(files.root).name, kept.classes, parts, kept.skipped)


def prepare_folder(
  path: str | os.PathLike[str],
  *,
  name: str,
  skip_bad_files: bool = False,
  data_dir: str | os.PathLike[str] | None = None,
) -> pathlib.Path:
  """Writes a folder or archive of images as a TFDS data set that `load(name)` reads.

  The files' own bytes go into ArrayRecord files, after the same scan: for archives too large to
  decode at once, and for disks that are slow with many small files. No TensorFlow is needed.
  """
  if not re.fullmatch("[a-z][a-z0-9_]*", name):
    raise ValueError(f"a data set's name has small letters, digits and _, unlike {name!r}")
  target = data_root(data_dir=data_dir) / name / VERSION
  if target.exists():
    raise ValueError(f"a data set {name!r} is prepared in {target} already")
  files, layout = _open(path)
  read = read_all(files, [entry.file for entry in layout.entries], None, keep=False)
  kept = _settled(files, layout, read.problems, skip_bad_files)
  number = {one: i for i, one in enumerate(kept.classes)}

  def written(rows: Sequence[int]) -> Iterator[Row]:
    for row in rows:
      entry = layout.entries[row]
      yield io.BytesIO(files.read(entry.file)), number[entry.category]

  parts = {part: functools.partial(written, rows) for part, rows in kept.parts.items()}
  return prepare(Dataset(name, kept.classes, parts), data_root(data_dir=data_dir))


class Kept(NamedTuple):
  """What a scan leaves."""

  classes: tuple[str, ...]
  parts: dict[str, list[int]]  # rows of a layout's entries
  skipped: tuple[Finding, ...]


def _open(path: str | os.PathLike[str]) -> tuple[Files, Layout]:
  files = open_files(path)
  layout = recognise(files)
  if not layout.entries:
    listed = f"; of its files, {layout.findings[0]}" if layout.findings else ""
    raise ValueError(f"{files.root} holds no images in folders of classes{listed}")
  require_two_classes(files.root, layout.classes)
  return files, layout


def _settled(files: Files, layout: Layout, problems: Sequence[str], skip: bool) -> Kept:
  findings = list(layout.findings)
  good = []
  for i, (entry, why) in enumerate(zip(layout.entries, problems, strict=True)):
    if why:
      findings.append(Finding(entry.file, why))
    else:
      good.append(i)
  trained = Counter(e.category for e in (layout.entries[i] for i in good) if e.part == "train")
  others = Counter(e.category for e in (layout.entries[i] for i in good) if e.part != "train")
  named, out = scan_classes(layout.classes, trained, others=others)
  skipped = settle(files.root, findings + named, skip)
  classes = tuple(name for name in layout.classes if name not in out)
  require_two_classes(f"{files.root}, without what cannot be used,", classes)
  parts: dict[str, list[int]] = {"train": [], "val": [], "test": []}
  for i in good:
    if layout.entries[i].category not in out:
      parts[layout.entries[i].part].append(i)
  return Kept(classes, {part: rows for part, rows in parts.items() if rows}, skipped)


def _examples(
  files: Files, layout: Layout, kept: Kept, what: tuple[list[int], Read, Rule]
) -> Examples:
  rows, (_, pixels), rule = what
  number = {name: i for i, name in enumerate(kept.classes)}
  labels = np.asarray([number[layout.entries[i].category] for i in rows], np.int32)
  names = tuple(layout.entries[i].file for i in rows)
  if pixels is None:
    return Examples(labels, rule.shape, Decoded(files.read, names, rule), names=names)
  whole = rows[-1] - rows[0] + 1 == len(rows)
  images = pixels[rows[0] : rows[-1] + 1] if whole else pixels[np.asarray(rows)]
  return Examples(labels, rule.shape, Take(images), images, names)
