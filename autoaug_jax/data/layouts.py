"""How files and folders say which class and which part an image belongs to."""

import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from autoaug_jax.data.files import Files
from autoaug_jax.data.images import SUFFIXES
from autoaug_jax.data.scan import Finding, reason
from autoaug_jax.data.source import PARTS


class Entry(NamedTuple):
  """One image file."""

  file: str
  part: str
  category: str


class Layout(NamedTuple):
  """Image files, every class that is named, and the files that are no images of a class."""

  entries: list[Entry]
  classes: tuple[str, ...]
  findings: list[Finding]


def recognise(files: Files) -> Layout:
  """Tiny-ImageNet or FGVC-Aircraft by their index files, else folders of classes and parts."""
  layout = _recognised(files)
  unread = [one._replace(stops=one.stops and not _hidden(one.where)) for one in files.unread]
  return layout._replace(findings=[*layout.findings, *unread])


def _recognised(files: Files) -> Layout:
  for name in files.names:
    folder, base = posixpath.split(name)
    if base == "wnids.txt":
      return _tiny_imagenet(files, f"{folder}/" if folder else "")
    if base == "images_variant_train.txt":
      return _aircraft(files, f"{folder}/" if folder else "")
  return _plain(files)


def _plain(files: Files) -> Layout:
  """`class/image` or `part/class/image`, perhaps inside one outer folder.

  Parts are train, val and test (also training, valid, validation, dev, testing). Files with
  another suffix than an image's, and images at another depth, are findings. Hidden files (a dot
  before a file's or folder's name, __MACOSX, Thumbs.db) are findings that stop nothing.
  """
  names, findings = _images_only(files.names)
  outer = _outer_folder(names)
  split = [name[len(outer) :].split("/") for name in names]
  first = {path[0] for path in split if len(path) > 1}
  in_parts = bool(first) and all(folder.lower() in PARTS for folder in first)
  depth = 3 if in_parts else 2
  if split and all(len(path) > depth for path in split):
    raise ValueError(
      f"the images of {files.root} lie {len(split[0])} levels deep ({names[0]}), not as"
      f" class/image or part/class/image; name the folder of the classes, such as"
      f" {files.root}/{outer}{split[0][0]}"
    )
  entries = []
  for name, path in zip(names, split, strict=True):
    if len(path) == depth:
      entries.append(Entry(name, PARTS[path[0].lower()] if in_parts else "train", path[-2]))
    else:
      findings.append(Finding(name, "does not lie directly in a class's folder"))
  folders = [name[len(outer) :].split("/") for name in files.folders if name.startswith(outer)]
  empty = {path[-1] for path in folders if len(path) == depth - 1 and not _hidden("/".join(path))}
  return Layout(entries, tuple(sorted({entry.category for entry in entries} | empty)), findings)


def _tiny_imagenet(files: Files, root: str = "") -> Layout:
  """Stanford's tiny-imagenet-200: its val part, the only other one with labels, is "test" here."""
  rows = _rows(files, f"{root}val/val_annotations.txt")
  labels = {f"{root}val/images/{name}": label for name, label, *_ in rows}
  listed = {word for row in _lines(files, f"{root}wnids.txt") for word in row.split()}
  known = listed | set(labels.values())

  def entry(name: str) -> Entry | str | None:
    path = name[len(root) :].split("/")
    if path[0] == "train" and len(path) == 4 and path[1] in known:
      return Entry(name, "train", path[1])
    if name in labels:
      return Entry(name, "test", labels[name])
    return "has no label" if path[0] == "test" else None

  return _indexed(files, tuple(sorted(known)), entry, labels)


def _aircraft(files: Files, root: str = "") -> Layout:
  """FGVC-Aircraft's data folder: 100 variants, parts by its lists images_variant_{part}.txt."""
  labels = {}
  for part in ("train", "val", "test"):
    for number, variant in _rows(files, f"{root}images_variant_{part}.txt", splits=1):
      labels[f"{root}images/{number}.jpg"] = (part, variant)
  classes = tuple(sorted({variant for _, variant in labels.values()}))

  def entry(name: str) -> Entry | None:
    return Entry(name, *labels[name]) if name in labels else None

  return _indexed(files, classes, entry, labels)


def _rows(files: Files, name: str, *, splits: int = -1) -> Iterator[list[str]]:
  """The words of each line of an index file, at least two; none where there is no such file."""
  for row in _lines(files, name) if name in files.names else ():
    words = row.strip().split(None, splits)
    if len(words) < 2:
      raise ValueError(
        f"the line {row[:40]!r} of {name} in {files.root} has no image and its class"
      )
    yield words


def _lines(files: Files, name: str) -> list[str]:
  """Those of a text file that are not empty."""
  try:
    return [row for row in files.read(name).decode().splitlines() if row.strip()]
  except Exception as error:  # a damaged archive fails in ways of its own
    said = reason(error)
    raise ValueError(f"{name} in {files.root} cannot be read as text ({said})") from error


def _hidden(name: str) -> bool:
  """Whether a file belongs to an operating system rather than to the data."""
  parts = name.split("/")
  return (
    any(part.startswith(".") and part != ".." for part in parts)
    or "__MACOSX" in parts
    or (parts[-1].lower() in ("thumbs.db", "desktop.ini"))
  )


def _indexed(
  files: Files,
  classes: tuple[str, ...],
  entry: Callable[[str], Entry | str | None],
  labelled: Iterable[str],
) -> Layout:
  """Image files by an index; those that it does not name stop nothing where they have no label."""
  names, findings = _images_only(files.names)
  findings = [found._replace(stops=False) for found in findings]
  entries = []
  for name in names:
    found = entry(name)
    if isinstance(found, Entry):
      entries.append(found)
    else:
      problem = found or "is not named by the index files"
      findings.append(Finding(name, problem, stops=found is None))
  missing = sorted(set(labelled) - set(names))
  findings += [Finding(name, "is named by the index files but missing") for name in missing]
  return Layout(entries, classes, findings)


def _images_only(names: tuple[str, ...]) -> tuple[list[str], list[Finding]]:
  images, findings = [], []
  for name in names:
    if _hidden(name):
      findings.append(Finding(name, "is a hidden file", stops=False))
    elif name.lower().endswith(SUFFIXES):
      images.append(name)
    else:
      findings.append(Finding(name, "is not an image file by its name"))
  return images, findings


def _outer_folder(names: list[str]) -> str:
  """The folders that every image lies in, down to the one that holds classes or parts."""
  outer = ""
  while True:
    below = [name[len(outer) :].split("/") for name in names]
    first = Counter(path[0] for path in below)
    deep = bool(below) and min(len(path) for path in below) > 2
    if not deep or len(first) > 1 or next(iter(first)).lower() in PARTS:
      return outer
    outer += f"{below[0][0]}/"
