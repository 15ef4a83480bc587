"""Every image file of a set, read once: what is wrong with it, and its pixels if they are kept."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from autoaug_jax.data.extras import cores
from autoaug_jax.data.files import Files, expanded
from autoaug_jax.data.images import check, decode
from autoaug_jax.data.scan import reason


class Rule(NamedTuple):
  """What every image becomes."""

  size: int | None
  channels: int
  stretch: bool
  shape: tuple[int, int, int]  # H, W, C


class Read(NamedTuple):
  """The outcome for each file asked for."""

  problems: list[str]  # "" where nothing is wrong
  pixels: np.ndarray | None  # uint8 [n, H, W, C]; rows of bad files are undefined


def rule_for(
  files: Files,
  names: Sequence[str],
  *,
  size: int | None,
  channels: int,
  stretch: bool,
) -> Rule:
  """Squares of `size`, or the shape of the first readable image."""
  if size is not None:
    return Rule(size, channels, stretch, (size, size, channels))
  for name in names:
    with contextlib.suppress(ValueError, OSError, RuntimeError):
      height, width, _ = decode(bytes_of(files.read, name), channels=channels).shape
      return Rule(None, channels, False, (height, width, channels))
  return Rule(None, channels, False, (0, 0, channels))


def read_all(
  files: Files,
  names: Sequence[str],
  rule: Rule | None,
  *,
  keep: bool,
  cache_dir: str | os.PathLike[str] | None = None,
) -> Read:
  """Reads the files in threads. Without a rule they are checked only, and may differ in size.

  With a `cache_dir`, the outcome is written there, and read where these files have been read
  before: the same names, sizes and times, under the same rule.
  """
  place = None
  if cache_dir is not None:
    told = json.dumps([files.root, files.stamp, list(files.sizes), list(names), rule, keep])
    digest = hashlib.sha256(told.encode()).hexdigest()[:24]
    place = expanded(cache_dir) / f"read-{digest}"
    stored = _load(place)
    if stored is not None:
      return stored
  shape = None if rule is None else rule.shape
  pixels = np.empty((len(names), *shape), np.uint8) if keep and shape is not None else None
  outcomes: list[str | tuple[int, ...]] = []

  def one(i: int) -> str | tuple[int, ...]:
    return _read(files, names[i], rule, pixels, i)

  if cores() == 1:
    outcomes += map(one, range(len(names)))
  else:
    with ThreadPoolExecutor(cores()) as pool:
      outcomes += pool.map(one, range(len(names)))
  for name, outcome in zip(names, outcomes, strict=True):
    if shape is not None and not isinstance(outcome, str):
      raise ValueError(
        f"the images of {files.root} differ in size ({shape[1]} x {shape[0]}, but {outcome[1]} x"
        f" {outcome[0]} for {name}); give the size that they are resized and cropped to"
      )
  read = Read([str(outcome) for outcome in outcomes], pixels)
  if place is not None:
    _save(read, place)
  return read


def _read(
  files: Files, name: str, rule: Rule | None, pixels: np.ndarray | None, i: int
) -> str | tuple[int, ...]:
  """What is wrong with a file, or its shape where that is another than the rule's."""
  try:
    encoded = bytes_of(files.read, name)
    if rule is None or (pixels is None and rule.size is not None):
      check(encoded)
      return ""
    image = decode(encoded, size=rule.size, channels=rule.channels, stretch=rule.stretch)
  except ValueError as error:
    return str(error)
  if image.shape != rule.shape:
    return image.shape
  if pixels is not None:
    pixels[i] = image
  return ""


def bytes_of(read: Callable[[str], bytes], name: str) -> bytes:
  """A file's bytes; a damaged archive fails in ways of its own, from zlib's to wrong check sums."""
  try:
    return read(name)
  except Exception as error:
    raise ValueError(f"cannot be read ({reason(error)})") from error


def _load(place: pathlib.Path) -> Read | None:
  try:
    problems = json.loads((place / "problems.json").read_text())
    kept = place / "pixels.npy"
    return Read(problems, np.load(kept) if kept.exists() else None)
  except (OSError, ValueError, EOFError):
    return None


def _save(read: Read, place: pathlib.Path) -> None:
  """Written beside its place and renamed: a process that is killed leaves no half of it there."""
  place.parent.mkdir(parents=True, exist_ok=True)
  scratch = pathlib.Path(tempfile.mkdtemp(prefix=".writing-", dir=place.parent))
  try:
    (scratch / "problems.json").write_text(json.dumps(read.problems))
    if read.pixels is not None:
      np.save(scratch / "pixels.npy", read.pixels)
    with contextlib.suppress(OSError):  # another process was first
      os.rename(scratch, place)
  finally:
    shutil.rmtree(scratch, ignore_errors=True)
