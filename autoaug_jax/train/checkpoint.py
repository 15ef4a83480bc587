"""Checkpoints that survive a kill at any moment: the only place that knows orbax.

A checkpoint is a folder named by its number of moves: the arrays of the state by name, as host
arrays, so that it can be read on other devices, and a note in JSON with their checksums.
"""

import contextlib
import errno
import json
import pathlib
import shutil
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from autoaug_jax import devices
from autoaug_jax.train.state import SearchState

FORMAT = 1
FULL = ("No space left on device", "RESOURCE_EXHAUSTED")  # how errors say that a disk is full


class Loaded(NamedTuple):
  """What a checkpoint held."""

  move: int
  state: SearchState  # host arrays
  note: dict[str, Any]


class Store(NamedTuple):
  """The checkpoints of one run.

  Attributes:
    save: (move, state, note), where note["best_move"] says which checkpoint is the best; returns
      once the state is copied, and writes while the run goes on. Waits for an earlier one.
    load: (a state of the right structure) -> the newest checkpoint that can be read, or None; what
      cannot be read gets a sentence.
    close: waits for what is being written.
    latest: the newest checkpoint's path, or None.
  """

  save: Callable[[int, SearchState, dict[str, Any]], None]
  load: Callable[[SearchState], Loaded | None]
  close: Callable[[], None]
  latest: Callable[[], str | None]


def store(
  folder: str | pathlib.Path,
  *,
  config: dict[str, Any] | None = None,
  keep: int = 3,
  say: Callable[[str], None] = print,
) -> Store:
  """The checkpoints in `folder`, the last `keep` and the best of which stay.

  `config` is what makes a run this run (JSON values): a checkpoint made under another is refused by
  a ValueError that names the first setting that differs.
  """
  if keep < 1:
    raise ValueError(f"keep must be at least 1, not {keep}")
  root = pathlib.Path(folder).resolve()
  settings = json.loads(json.dumps(config or {}))
  primary = jax.process_index() == 0
  if primary:
    root.mkdir(parents=True, exist_ok=True)
    _sweep(root)
  writing: list[Any] = []
  best: list[int] = []

  def settle() -> None:
    while writing:
      with _room(root):
        writing.pop().result()
      numbers = _numbers(root)
      for number in set(numbers[:-keep]) - set(best) if primary else ():
        _remove(root / str(number))

  def save(move: int, state: SearchState, note: dict[str, Any]) -> None:
    settle()
    arrays = _arrays(state)
    sums = {name: zlib.crc32(x.tobytes()) for name, x in arrays.items()}
    full = {**note, "format": FORMAT, "move": move, "config": settings, "sums": sums}
    if primary and (root / str(move)).exists():
      _aside(root / str(move))
    best[:] = [note["best_move"]] if note.get("best_move") is not None else []
    # As an array, because a part without arrays lets orbax warn.
    text = np.frombuffer(json.dumps(full).encode(), np.uint8)
    parts = {"state": arrays, "note": {"json": text}}
    with _room(root):
      writing.append(ocp.save_checkpointables_async(root / str(move), parts))

  def load(like: SearchState) -> Loaded | None:
    settle()
    for move in reversed(_numbers(root)):
      try:
        note, state = _read(root / str(move), like, settings)
      except Unreadable as problem:
        say(f"checkpoint {root / str(move)} is left out: {problem}")
        continue
      best[:] = [note["best_move"]] if note.get("best_move") is not None else []
      return Loaded(move, state, note)
    return None

  def latest() -> str | None:
    settle()
    numbers = _numbers(root)
    return str(root / str(numbers[-1])) if numbers else None

  return Store(save, load, settle, latest)


@contextlib.contextmanager
def _room(root: pathlib.Path) -> Iterator[None]:
  """Says in a sentence that a disk is full; orbax's own errors are of several kinds."""
  try:
    yield
  except Exception as error:
    if not any(sign in str(error) for sign in FULL):
      raise
    said = "the disk is full: the last checkpoint was not written, those before it are whole"
    raise OSError(errno.ENOSPC, said, str(root)) from None


class Unreadable(Exception):
  """Why a checkpoint cannot be used."""


def _read(
  path: pathlib.Path, like: SearchState, settings: dict[str, Any]
) -> tuple[dict[str, Any], SearchState]:
  try:
    text = ocp.load_checkpointables(path, {"note": None})["note"]["json"]
    note = json.loads(text.tobytes())
  except Exception as error:  # whatever orbax and what it stands on raise for a damaged folder
    raise Unreadable(f"it is damaged or not one of ours ({type(error).__name__})") from None
  if note.get("format") != FORMAT:
    raise Unreadable(f"its format is {note.get('format')!r}, and {FORMAT} is read")
  _check_settings(path, note["config"], settings)
  try:
    arrays = ocp.load_checkpointables(path, {"state": None})["state"]
  except Exception as error:
    raise Unreadable(f"its arrays are damaged ({type(error).__name__})") from None
  names, leaves, structure = _named(like)
  wanted = {n: x for n, x in zip(names, leaves, strict=True) if x.size}
  for name in sorted(wanted.keys() | arrays.keys()):
    if name not in arrays or name not in wanted:
      raise Unreadable(f"{name} is in only one of the checkpoint and this run")
    here, there = wanted[name], arrays[name]
    if (here.shape, here.dtype) != (there.shape, there.dtype):
      old, new = (f"{x.dtype}{list(x.shape)}" for x in (there, here))
      raise Unreadable(f"{name} is {old} there and {new} here")
    if zlib.crc32(there.tobytes()) != note["sums"][name]:
      raise Unreadable(f"{name} is not what was saved")
  empty = {n: np.zeros(x.shape, x.dtype) for n, x in zip(names, leaves, strict=True) if not x.size}
  filled = [(arrays | empty)[name] for name in names]
  return note, jax.tree.unflatten(structure, filled)


def _check_settings(path: pathlib.Path, there: dict[str, Any], here: dict[str, Any]) -> None:
  for name in sorted(there.keys() | here.keys()):
    old, new = there.get(name, "unset"), here.get(name, "unset")
    if old != new:
      raise ValueError(
        f"checkpoint {path} was made with {name}={old!r}, and this run has {name}={new!r}: "
        "take the same setting, or another folder"
      )


def _arrays(state: SearchState) -> dict[str, np.ndarray]:
  """Own copies of all leaves that are not empty, which orbax refuses, by name."""
  names, leaves, _ = _named(devices.local(state))
  return {n: np.array(x) for n, x in zip(names, leaves, strict=True) if np.size(x)}


def _named(state: SearchState) -> tuple[list[str], list[Any], Any]:
  paths, structure = jax.tree.flatten_with_path(state)
  names = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in paths]
  return names, [leaf for _, leaf in paths], structure


def _numbers(root: pathlib.Path) -> list[int]:
  names = [path.name for path in root.iterdir()] if root.exists() else []
  return sorted(int(name) for name in names if name.isdigit())


def _sweep(root: pathlib.Path) -> None:
  """Removes what a killed run was writing or deleting."""
  for path in root.iterdir():
    if ".orbax-checkpoint-tmp" in path.name or path.suffix == ".deleted":
      shutil.rmtree(path, ignore_errors=True)


def _remove(path: pathlib.Path) -> None:
  """Renamed first: half a folder must never look like a checkpoint."""
  doomed = path.with_suffix(".deleted")
  path.rename(doomed)
  shutil.rmtree(doomed, ignore_errors=True)


def _aside(path: pathlib.Path) -> None:
  number = 0
  while (kept := path.with_suffix(f".unread{number}")).exists():
    number += 1
  path.rename(kept)
