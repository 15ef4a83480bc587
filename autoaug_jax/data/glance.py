"""How large images are, from the heads of a few files."""

import os
from typing import NamedTuple

import numpy as np

from autoaug_jax.data.files import ARCHIVES, Files, expanded, open_files
from autoaug_jax.data.images import size_of
from autoaug_jax.data.layouts import recognise
from autoaug_jax.data.reading import bytes_of

LOOKED_AT = 64  # files, spread over all


class Heads(NamedTuple):
  """Of the files of a folder or archive."""

  files: int
  sizes: tuple[tuple[int, int], ...]  # (height, width) of up to 64 of them


def glance(name: str | os.PathLike[str]) -> Heads:
  """The heads of image files; none for other kinds of data.

  Files that are no images are passed over: the scan at loading names them.
  """
  text = os.fspath(name)
  path = expanded(text)
  exists = path.exists() and not text.endswith(".npz")
  if text == "digits" or not (exists or any(s in text for s in ARCHIVES)):
    return Heads(0, ())
  files = open_files(path)
  names = [entry.file for entry in recognise(files).entries]
  places = np.unique(np.linspace(0, len(names) - 1, min(len(names), LOOKED_AT)).astype(int))
  found = (_size(files, names[i]) for i in places) if names else ()
  return Heads(len(names), tuple(size for size in found if size is not None))


def _size(files: Files, name: str) -> tuple[int, int] | None:
  try:
    return size_of(bytes_of(files.read, name))
  except ValueError:
    return None
