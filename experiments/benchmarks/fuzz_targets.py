"""What is tried with an input that somebody spoilt, and the laws that hold whatever comes of it.

An input is accepted, or refused as `experiments.launch` refuses: by a ValueError of our own, an
OSError or an ImportError, in words. Meanwhile nothing is opened but what the input is made of,
nothing written outside its folder, nothing unpickled, no program started and no address asked.
"""

import contextlib
import functools
import io
import linecache
import os
import pathlib
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from unittest import mock

import jax
import numpy as np
from absl import flags
from hypothesis import strategies as st

from autoaug_jax import data, export
from experiments import export as export_main
from experiments import launch, retrain, search
from experiments.benchmarks import fuzz_inputs as inputs

ACCEPTED, REFUSED = "accepted", "refused"
SECONDS = 60  # after which an input hangs
ROOT = pathlib.Path(__file__).parents[2]
OURS = tuple(str(ROOT / name) for name in ("autoaug_jax", "experiments"))
LONGEST = 8000  # letters of a refusal


class Broken(Exception):
  """A law that does not hold."""


class Target(NamedTuple):
  """What is fuzzed."""

  name: str
  inputs: st.SearchStrategy
  attempt: Callable[[Any, pathlib.Path], str]  # (input, an empty folder) -> ACCEPTED or REFUSED


def outcome(target: Target, one: Any) -> str:
  """ACCEPTED or REFUSED; Broken with what it says of the law that does not hold."""
  with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
    up = pathlib.Path(folder).resolve()
    (up / "secret.png").write_bytes(inputs.image_files()["png"])
    inside = up / "inside"
    inside.mkdir()
    with _in_time():
      return target.attempt(one, inside)


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
def _in_time() -> Iterator[None]:
  def late(number: int, frame: Any) -> None:
    raise Broken(f"nothing after {SECONDS} s, in:\n{''.join(traceback.format_stack(frame)[-6:])}")

  before = signal.signal(signal.SIGALRM, late)
  signal.alarm(SECONDS)
  try:
    yield
  finally:
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


# The targets


def policy() -> Target:
  """`export.load` and `load_any`; what they take is written again, told and exported."""

  def attempt(content: bytes, folder: pathlib.Path) -> str:
    path = folder / "policy.json"
    path.write_bytes(content)
    with watched(folder):
      try:
        found = export.load_any(path)
        export.save(found, folder / "again.json")
        if export.load_any(folder / "again.json") != found:
          raise Broken("written and read again, it is another policy")
        one = export.load(path)
        export.describe(one)
        compile(export.to_source(one, "pillow"), "policy.py", "exec")
      except Broken:
        raise
      except Exception as error:
        return refused(error)
    return ACCEPTED

  return Target("policy", inputs.policy_bytes(), attempt)


def folder() -> Target:
  """`data.load` and `data.glance` on folders, zips and tars."""

  def attempt(tree: inputs.Tree, folder: pathlib.Path) -> str:
    up = folder.parent
    root = folder / ("set" if tree.container == "folder" else f"set.{tree.container}")
    if tree.container == "folder":
      _plant(tree, root, str(up))
    else:
      root.write_bytes(inputs.archive_of(tree, str(up)))
    with watched(folder):
      try:
        data.glance(root)
        source = data.load(root, **tree.options, data_dir=folder / "data")
        _looked_at(source)
      except Broken:
        raise
      except Exception as error:
        return refused(error)
    return ACCEPTED

  return Target("folder", inputs.trees(), attempt)


def _plant(tree: inputs.Tree, root: pathlib.Path, up: str) -> None:
  """As a folder, but for what no folder can hold."""
  root.mkdir()
  for name, what in tree.entries:
    place = pathlib.Path(os.path.normpath(root / name.lstrip("/")))
    if not place.is_relative_to(root):
      continue
    with contextlib.suppress(OSError):
      place.parent.mkdir(parents=True, exist_ok=True)
      if what in inputs.LINKS:
        place.symlink_to(inputs.LINKS[what].format(up=up))
      elif what == "pipe":
        os.mkfifo(place)
      elif not place.is_symlink():
        place.write_bytes(inputs.image_files()[what])


def _looked_at(source: data.Source) -> None:
  for examples in source.parts.values():
    pixels = examples.fetch(np.arange(len(examples.labels)))
    if pixels.shape != (len(examples.labels), *examples.shape) or pixels.dtype != np.uint8:
      raise Broken(f"{pixels.dtype} {pixels.shape} is not {examples.shape} for each label")


def npz() -> Target:
  """`data.load` on arrays."""

  def attempt(arrays: inputs.Arrays, folder: pathlib.Path) -> str:
    path = folder / "own.npz"
    path.write_bytes(inputs.npz_of(arrays))
    with watched(folder):
      try:
        _looked_at(data.load(path, **arrays.options))
      except Broken:
        raise
      except Exception as error:
        return refused(error)
    return ACCEPTED

  return Target("npz", inputs.array_files(), attempt)


class Reached(BaseException):
  """The first step would be next: flags and data were taken."""


def _reached(*args: Any, **kwargs: Any) -> Any:
  raise Reached


MAINS: Mapping[str, tuple[Any, tuple[str, ...]]] = {
  "retrain": (retrain, ("--data=own.npz", "--batch=4", "--epochs=2", "--workdir=runs")),
  "search": (
    search,
    ("--data=own.npz", "--workdir=runs", "--method=slack", "--batch=4", "--slack_draws=per_image"),
  ),
  "export": (export_main, ("--policy=policy.json",)),
}
EXCEPT = ("processes",)  # waits for others
_defined: list[str] = []  # flags
_prepared: list[pathlib.Path] = []  # where digits are, once an input has asked for them


def program(name: str) -> Target:
  """A launcher's flags, up to its first step; a context of `defined(name)` is around it."""
  main, base = MAINS[name]
  kinds = {n: flags.FLAGS[n].flag_type() for n in _defined if n not in EXCEPT}

  def attempt(words: tuple[str, ...], folder: pathlib.Path) -> str:
    _furnish(folder)
    for flag in _defined:
      flags.FLAGS[flag].unparse()
    said, told = io.StringIO(), io.StringIO()
    end: Any = None
    with (
      contextlib.chdir(folder),
      watched(folder, *_prepared),
      contextlib.redirect_stdout(told),
      contextlib.redirect_stderr(said),
      mock.patch.dict(os.environ, AUTOAUG_DATA_DIR=str(_prepared[0])),
      mock.patch.object(tempfile, "tempdir", str(folder)),
      mock.patch("autoaug_jax.train.loop._begin", _reached),
      mock.patch("autoaug_jax.app.within.make_plan", _reached),
      mock.patch("autoaug_jax.app.within.carry_out", _reached),
    ):
      try:
        launch.attempt(name, main.main, launch.parsed(name, [name, *words]))
      except Reached:
        pass
      except SystemExit as error:
        end = error.code
      except Broken:
        raise
      except Exception as error:
        trace = "".join(traceback.format_exception(error)[-8:])
        raise Broken(f"a traceback would be seen: {trace}") from error
    return _ended(name, end, said.getvalue())

  return Target(name, inputs.command_lines(kinds=kinds, base=base), attempt)


def _ended(name: str, code: Any, said: str) -> str:
  if code is None:
    return ACCEPTED
  last = said.rstrip("\n")
  if code != launch.MISTAKE or f"{name}: " not in last or "Traceback" in last:
    raise Broken(f"exit code {code} and {said!r:.2000}")
  return REFUSED


@functools.cache
def _furniture() -> dict[str, bytes]:
  """What the flags' values name."""
  file = io.BytesIO()
  images = np.arange(40 * 8 * 8, dtype=np.uint8).reshape(40, 8, 8, 1)
  np.savez(file, images=images, labels=np.arange(40) % 2)
  policy = inputs.policy_files()[0].encode()
  return {"own.npz": file.getvalue(), "policy.json": policy, "cut.json": policy[:300]}


def _furnish(folder: pathlib.Path) -> None:
  for name, content in _furniture().items():
    (folder / name).write_bytes(content)
  (folder / "photos").mkdir()


@contextlib.contextmanager
def defined(name: str) -> Iterator[None]:
  """A launcher's flags, as long as this lasts."""
  before = set(flags.FLAGS)
  MAINS[name][0].define_flags()
  _defined[:] = sorted(set(flags.FLAGS) - before)
  with tempfile.TemporaryDirectory(prefix="prepared-") as prepared:
    _prepared[:] = [pathlib.Path(prepared).resolve()]
    try:
      yield
    finally:
      _prepared.clear()
      while _defined:
        delattr(flags.FLAGS, _defined.pop())


TARGETS: Mapping[str, Callable[[], Target]] = {
  "policy": policy,
  "folder": folder,
  "npz": npz,
  **{name: functools.partial(program, name) for name in MAINS},
}
