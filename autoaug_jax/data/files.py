"""Files of a folder, a zip or a tar archive, by their paths below it."""

import dataclasses
import functools
import lzma
import os
import pathlib
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from typing import NamedTuple

TARS = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")
ARCHIVES = (".zip", *TARS)


class Files(NamedTuple):
  """Paths are relative, with forward slashes, sorted; `read` can be pickled."""

  root: str
  names: tuple[str, ...]
  sizes: tuple[int, ...]  # bytes
  folders: tuple[str, ...]
  read: Callable[[str], bytes]
  stamp: str  # changes when a file is written
  random_access: bool  # whether a file can be read without holding all in memory


def open_files(path: str | os.PathLike[str]) -> Files:
  """The files below a folder or inside an archive; `archive.zip/inner/folder` is understood."""
  path = pathlib.Path(path).expanduser()
  for candidate in (path, *path.parents):
    if candidate.is_file():
      return _open_archive(candidate, path.relative_to(candidate).as_posix())
    if candidate.is_dir():
      break
  if not path.is_dir():
    raise FileNotFoundError(f"there is no folder or archive at {path}")
  return _open_folder(path)


@dataclasses.dataclass(frozen=True)
class FolderRead:
  root: str

  def __call__(self, name: str) -> bytes:
    return pathlib.Path(self.root, name).read_bytes()


@dataclasses.dataclass(frozen=True)
class ZipRead:
  path: str
  prefix: str

  def __call__(self, name: str) -> bytes:
    return _zip(self.path, os.getpid()).read(self.prefix + name)


@dataclasses.dataclass(frozen=True)
class HeldRead:
  held: dict[str, bytes]

  def __call__(self, name: str) -> bytes:
    return self.held[name]


@functools.lru_cache(maxsize=8)
def _zip(path: str, process: int) -> zipfile.ZipFile:
  """One open handle a process: a forked child must not share its parent's file position."""
  return zipfile.ZipFile(path)


def _open_folder(path: pathlib.Path) -> Files:
  found, folders, seen, newest = [], [], set(), 0
  for here, inner, names in os.walk(path, followlinks=True):
    real = os.path.realpath(here)
    if real in seen:  # a link to a folder above it
      inner.clear()
      continue
    seen.add(real)
    below = pathlib.Path(here).relative_to(path)
    folders += [(below / name).as_posix() for name in inner]
    for name in names:
      full = os.path.join(here, name)
      known = os.stat(full) if os.path.isfile(full) else os.lstat(full)  # a broken link
      newest = max(newest, known.st_mtime_ns)
      found.append(((below / name).as_posix(), known.st_size))
  return _files(str(path), found, folders, (FolderRead(str(path)), str(newest), True))


def _open_archive(path: pathlib.Path, inner: str) -> Files:
  prefix = "" if inner == "." else f"{inner}/"
  root = str(path) if inner == "." else f"{path}/{inner}"
  try:
    if zipfile.is_zipfile(path):
      with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
      found = [(info.filename, info.file_size) for info in infos if not info.is_dir()]
      folders = [info.filename.rstrip("/") for info in infos if info.is_dir()]
      read: Callable[[str], bytes] = ZipRead(str(path), prefix)
    elif str(path).lower().endswith(TARS):
      held, folders = _read_tar(path, prefix)
      found = [(name, len(data)) for name, data in held.items()]
      read = HeldRead({name[len(prefix) :]: data for name, data in held.items()})
    else:
      raise ValueError(f"{path} is not a folder, a readable zip or one of {', '.join(TARS)}")
  except (zipfile.BadZipFile, tarfile.TarError, EOFError, lzma.LZMAError, zlib.error, OSError) as e:
    raise ValueError(f"the archive {path} is damaged or not an archive ({e})") from e
  found = [(name[len(prefix) :], size) for name, size in found if name.startswith(prefix)]
  folders = [name[len(prefix) :] for name in folders if name.startswith(prefix)]
  if prefix and not found:
    raise FileNotFoundError(f"there is no folder {inner!r} with files in {path}")
  stamp = str(path.stat().st_mtime_ns)
  return _files(root, found, folders, (read, stamp, isinstance(read, ZipRead)))


def _read_tar(path: pathlib.Path, prefix: str) -> tuple[dict[str, bytes], list[str]]:
  held, folders = {}, []
  with tarfile.open(path) as archive:
    for member in archive:
      name = member.name.removeprefix("./")
      if member.isdir():
        folders.append(name)
      elif member.isfile() and name.startswith(prefix):
        stream = archive.extractfile(member)
        held[name] = b"" if stream is None else stream.read()
  return held, folders


def _files(
  root: str,
  found: list[tuple[str, int]],
  folders: list[str],
  rest: tuple[Callable[[str], bytes], str, bool],
) -> Files:
  found.sort()
  names, sizes = tuple(name for name, _ in found), tuple(size for _, size in found)
  return Files(root, names, sizes, tuple(sorted(filter(None, folders))), *rest)
