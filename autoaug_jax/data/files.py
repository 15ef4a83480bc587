"""Files of a folder, a zip or a tar archive, by their paths below it."""

import dataclasses
import functools
import hashlib
import os
import pathlib
import stat
import tarfile
import zipfile
from collections.abc import Callable
from typing import NamedTuple

from autoaug_jax.data.scan import Finding, reason

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
  unread: tuple[Finding, ...]  # what is none of `names`, and why


def expanded(path: str | os.PathLike[str]) -> pathlib.Path:
  """The path, with a home folder in the place of ~ or ~user."""
  try:
    return pathlib.Path(path).expanduser()
  except RuntimeError as error:
    raise ValueError(f"there is no home folder for {os.fspath(path)!r}") from error


def open_files(path: str | os.PathLike[str]) -> Files:
  """The files below a folder or inside an archive; `archive.zip/inner/folder` is understood.

  Nothing outside of it is read: links that lead out of a folder, names in an archive that would,
  and what is no file at all (pipes, devices) are among `unread`.
  """
  path = expanded(path)
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
  stamp: str

  def __call__(self, name: str) -> bytes:
    return _zip(self.path, self.stamp, os.getpid()).read(self.prefix + name)


@dataclasses.dataclass(frozen=True)
class HeldRead:
  held: dict[str, bytes]

  def __call__(self, name: str) -> bytes:
    return self.held[name]


@functools.lru_cache(maxsize=8)
def _zip(path: str, stamp: str, process: int) -> zipfile.ZipFile:
  """One open handle a process: a forked child must not share its parent's file position."""
  return zipfile.ZipFile(path)


def _open_folder(path: pathlib.Path) -> Files:
  found, folders, unread, times = [], [], [], []
  root = os.path.realpath(path)
  for here, inner, names in os.walk(path):
    for name in (*inner, *names):
      full = os.path.join(here, name)
      below = pathlib.Path(full).relative_to(path).as_posix()
      known = os.lstat(full)
      linked = stat.S_ISLNK(known.st_mode)
      if linked and not _within(full, root):
        unread.append(Finding(below, "is a link that leads out of the folder, and is not followed"))
        continue
      if linked and os.path.exists(full):  # a broken one is found when it is read
        known = os.stat(full)
      if stat.S_ISDIR(known.st_mode) and linked:
        unread.append(Finding(below, "is a link to a folder, which is read where it lies", False))
      elif stat.S_ISDIR(known.st_mode):
        folders.append(below)
      elif stat.S_ISREG(known.st_mode) or stat.S_ISLNK(known.st_mode):
        times.append((below, known.st_mtime_ns))
        found.append((below, known.st_size))
      else:
        unread.append(Finding(below, "is no file but a pipe, a socket or a device"))
  contents = Contents(found, folders, unread, FolderRead(str(path)))
  # Of all files: a clock that went back gives a new file an old time.
  stamp = hashlib.sha256(repr(sorted(times)).encode()).hexdigest()
  return _files(str(path), contents, stamp, random_access=True)


def _within(path: str, root: str) -> bool:
  """Whether a link ends at or below `root`, which has no links in it."""
  real = os.path.realpath(path)
  return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


class Contents(NamedTuple):
  """What lies in a folder or in an archive."""

  found: list[tuple[str, int]]  # files and their sizes
  folders: list[str]
  unread: list[Finding]
  read: Callable[[str], bytes]


def _open_archive(path: pathlib.Path, inner: str) -> Files:
  prefix = "" if inner == "." else f"{inner}/"
  root = str(path) if inner == "." else f"{path}/{inner}"
  stamp = str(path.stat().st_mtime_ns)
  try:
    zipped = zipfile.is_zipfile(path)
    known = zipped or str(path).lower().endswith(TARS)
    contents = _in_zip(path, prefix, stamp) if zipped else _in_tar(path, prefix) if known else None
  except Exception as error:  # damaged archives fail in ways of their own
    said = reason(error)
    raise ValueError(f"the archive {path} is damaged or not an archive ({said})") from error
  if contents is None:
    raise ValueError(f"{path} is not a folder, a readable zip or one of {', '.join(TARS)}")
  found = [(name[len(prefix) :], size) for name, size in contents.found if name.startswith(prefix)]
  if prefix and not found:
    raise FileNotFoundError(f"there is no folder {inner!r} with files in {path}")
  out = "has a name that leads out of the archive"
  unread = [one for one in contents.unread if one.where.startswith(prefix)]
  contents = Contents(
    found=[(name, size) for name, size in found if not _leads_out(name)],
    folders=[name[len(prefix) :] for name in contents.folders if name.startswith(prefix)],
    unread=[
      *(one._replace(where=one.where[len(prefix) :]) for one in unread),
      *(Finding(name, out) for name, _ in found if _leads_out(name)),
    ],
    read=contents.read,
  )
  return _files(root, contents, stamp, random_access=zipped)


def _leads_out(name: str) -> bool:
  """Whether a name in an archive lies elsewhere than where it is unpacked."""
  return name.startswith("/") or ".." in name.split("/")


def _in_zip(path: pathlib.Path, prefix: str, stamp: str) -> Contents:
  with zipfile.ZipFile(path) as archive:
    infos = archive.infolist()
  sizes = {info.filename: info.file_size for info in infos if not info.is_dir()}  # the last counts
  folders = [info.filename.rstrip("/") for info in infos if info.is_dir()]
  return Contents(list(sizes.items()), folders, [], ZipRead(str(path), prefix, stamp))


def _in_tar(path: pathlib.Path, prefix: str) -> Contents:
  held, folders, unread = {}, [], []
  with tarfile.open(path) as archive:
    for member in archive:
      name = member.name.removeprefix("./")
      if member.isdir():
        folders.append(name)
      elif not member.isfile():
        unread.append(Finding(name, "is no file but a link, a pipe or a device"))
      elif name.startswith(prefix):
        stream = archive.extractfile(member)
        held[name] = b"" if stream is None else stream.read()
  read = HeldRead({name[len(prefix) :]: data for name, data in held.items()})
  return Contents([(name, len(data)) for name, data in held.items()], folders, unread, read)


def _files(root: str, contents: Contents, stamp: str, *, random_access: bool) -> Files:
  found = sorted(contents.found)
  return Files(
    root,
    names=tuple(name for name, _ in found),
    sizes=tuple(size for _, size in found),
    folders=tuple(sorted(filter(None, contents.folders))),
    read=contents.read,
    stamp=stamp,
    random_access=random_access,
    unread=tuple(sorted(contents.unread)),
  )
