"""The laws that hold whatever comes of a spoilt input.

It is refused as `experiments.launch` refuses: by a ValueError of our own, an OSError or an
ImportError, in words. Meanwhile nothing is opened but what the input is made of, nothing written
outside its folder, nothing unpickled, no program started and no address asked, and it ends.
"""

import contextlib
import functools
import linecache
import os
import pathlib
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import jax

SECONDS = 60  # after which an input hangs
ROOT = pathlib.Path(__file__).parents[2]
OURS = tuple(str(ROOT / name) for name in ("autoaug_jax", "experiments"))
LONGEST = 8000  # letters of a refusal
REFUSED = "refused"


class Broken(Exception):
  """A law that does not hold."""


def refused(error: Exception) -> str:
  """REFUSED, where an error is one that `launch` makes a sentence of."""
  said = str(error)
  trace = "".join(traceback.format_exception(error)[-8:])
  if not isinstance(error, ValueError | OSError | ImportError):
    raise Broken(f"a traceback would be seen: {trace}") from error
  if isinstance(error, ValueError):
    last = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(last.filename, last.lineno or 0).strip()
    if not last.filename.startswith(OURS) or not line.startswith("raise"):
      raise Broken(f"a ValueError that is not ours: {trace}") from error
  if not said.strip() or len(said) > LONGEST:
    raise Broken(f"no sentence but {len(said)} letters: {trace}")
  return REFUSED


# What is opened


_seen: list[tuple[str, Any]] = []
_watching: list[bool] = []
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_FORBIDDEN = ("pickle.find_class", "subprocess.Popen", "os.system", "os.exec", "socket.connect")
_CHANGES = (
  "os.mkdir",
  "os.remove",
  "os.rename",
  "os.rmdir",
  "os.symlink",
  "os.link",
  "os.truncate",
)
_LISTS = ("os.listdir", "os.scandir")


def _hook(event: str, args: Any) -> None:
  if _watching and (event in (*_FORBIDDEN, *_CHANGES, *_LISTS) or event == "open"):
    _seen.append((event, args))


@functools.cache
def _hooked() -> None:
  sys.addaudithook(_hook)  # for good: there is no way to take it back


@contextlib.contextmanager
def watched(*folders: pathlib.Path) -> Iterator[None]:
  """Broken for what is done outside of `folders`; Python's own files may be read."""
  _hooked()
  _seen.clear()
  _watching.append(True)
  try:
    yield
  finally:
    _watching.clear()
    seen = list(_seen)
  programs = getattr(jax.config, "jax_compilation_cache_dir", "")
  within = [os.fspath(folder) for folder in (*folders, *([programs] if programs else []))]
  for event, args in seen:
    wrong = event in _FORBIDDEN or any(
      not _may(path, within, event, args) for path in _paths(event, args)
    )
    if wrong:
      raise Broken(f"{event} {tuple(args)!r:.300}")


def _paths(event: str, args: Any) -> list[str]:
  if event in _FORBIDDEN:
    return []
  paths = args[:2] if event in ("os.rename", "os.symlink", "os.link") else args[:1]
  return [os.fsdecode(p) for p in paths if isinstance(p, str | bytes | os.PathLike)]


def _may(path: str, within: Sequence[str], event: str, args: Any) -> bool:
  # A link is opened where it leads.
  whole = os.path.realpath(path) if event in ("open", *_LISTS) else os.path.abspath(path)
  if any(whole == folder or whole.startswith(folder + os.sep) for folder in within):
    return True
  changes = event in _CHANGES or (event == "open" and (args[2] or 0) & _WRITES)
  python = {sys.prefix, sys.base_prefix, os.path.realpath(sys.prefix), str(ROOT)}
  read = any(whole.startswith(folder + os.sep) for folder in python)
  return not changes and (read or whole.startswith(("/proc/", "/sys/", "/dev/null")))


@contextlib.contextmanager
def in_time() -> Iterator[None]:
  """Broken where it takes longer than `SECONDS`."""

  def late(number: int, frame: Any) -> None:
    raise Broken(f"nothing after {SECONDS} s, in:\n{''.join(traceback.format_stack(frame)[-6:])}")

  before = signal.signal(signal.SIGALRM, late)
  signal.alarm(SECONDS)
  try:
    yield
  finally:
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
