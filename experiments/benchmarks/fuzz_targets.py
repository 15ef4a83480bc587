"""What is tried with an input that somebody spoilt: it is accepted, or refused in words."""

import contextlib
import functools
import io
import os
import pathlib
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from absl import flags
from hypothesis import strategies as st

from autoaug_jax import data, export
from autoaug_jax.app import load_plan, save_plan
from experiments import export as export_main
from experiments import launch, retrain, search
from experiments.benchmarks import fuzz_images as images
from experiments.benchmarks import fuzz_inputs as inputs
from experiments.benchmarks.fuzz_laws import REFUSED, Broken, in_time, refused, watched

ACCEPTED = "accepted"


class Target(NamedTuple):
  """What is fuzzed."""

  name: str
  inputs: st.SearchStrategy
  attempt: Callable[[Any, pathlib.Path], str]  # (input, an empty folder) -> ACCEPTED or REFUSED


def outcome(target: Target, one: Any) -> str:
  """ACCEPTED or REFUSED; Broken with what it says of the law that does not hold."""
  with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
    up = pathlib.Path(folder).resolve()
    (up / "secret.png").write_bytes(images.image_files()["png"])
    inside = up / "inside"
    inside.mkdir()
    with in_time():
      return target.attempt(one, inside)


def _tried(use: Callable[[], None], folder: pathlib.Path) -> str:
  """What comes of something that may touch nothing outside of `folder`."""
  with watched(folder):
    try:
      use()
    except Broken:
      raise
    except Exception as error:
      return refused(error)
  return ACCEPTED


def policy() -> Target:
  """`export.load` and `load_any`; what they take is written again, told and exported."""

  def attempt(content: bytes, folder: pathlib.Path) -> str:
    path = folder / "policy.json"
    path.write_bytes(content)

    def use() -> None:
      found = export.load_any(path)
      export.save(found, folder / "again.json")
      if export.load_any(folder / "again.json") != found:
        raise Broken("written and read again, it is another policy")
      one = export.load(path)
      export.describe(one)
      compile(export.to_source(one, "pillow"), "policy.py", "exec")

    return _tried(use, folder)

  return Target("policy", inputs.policy_bytes(), attempt)


def plan() -> Target:
  """`app.load_plan`; what it takes is written and read again."""

  def attempt(content: bytes, folder: pathlib.Path) -> str:
    path = folder / "plan.json"
    path.write_bytes(content)

    def use() -> None:
      found = load_plan(path)
      save_plan(found, folder / "again.json")
      if load_plan(folder / "again.json") != found:
        raise Broken("written and read again, it is another plan")

    return _tried(use, folder)

  return Target("plan", inputs.plan_bytes(), attempt)


def folder() -> Target:
  """`data.load` and `data.glance` on folders, zips and tars."""

  def attempt(tree: images.Tree, folder: pathlib.Path) -> str:
    up = folder.parent
    root = folder / ("set" if tree.container == "folder" else f"set.{tree.container}")
    if tree.container == "folder":
      _plant(tree, root, str(up))
    else:
      root.write_bytes(images.archive_of(tree, str(up)))

    def use() -> None:
      data.glance(root)
      source = data.load(root, **tree.options, data_dir=folder / "data")
      _looked_at(source)

    return _tried(use, folder)

  return Target("folder", images.trees(), attempt)


def _plant(tree: images.Tree, root: pathlib.Path, up: str) -> None:
  """As a folder, but for what no folder can hold."""
  root.mkdir()
  for name, what in tree.entries:
    place = pathlib.Path(os.path.normpath(root / name.lstrip("/")))
    if not place.is_relative_to(root) or os.path.lexists(place):
      continue
    with contextlib.suppress(OSError):
      place.parent.mkdir(parents=True, exist_ok=True)
      if what in images.LINKS:
        place.symlink_to(images.LINKS[what].format(up=up))
      elif what == "pipe":
        os.mkfifo(place)
      else:
        place.write_bytes(images.image_files()[what])


def _looked_at(source: data.Source) -> None:
  for examples in source.parts.values():
    pixels = examples.fetch(np.arange(len(examples.labels)))
    if pixels.shape != (len(examples.labels), *examples.shape) or pixels.dtype != np.uint8:
      raise Broken(f"{pixels.dtype} {pixels.shape} is not {examples.shape} for each label")


def npz() -> Target:
  """`data.load` on arrays."""

  def attempt(arrays: images.Arrays, folder: pathlib.Path) -> str:
    path = folder / "own.npz"
    path.write_bytes(images.npz_of(arrays))

    def use() -> None:
      _looked_at(data.load(path, **arrays.options))

    return _tried(use, folder)

  return Target("npz", images.array_files(), attempt)


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
      mock.patch("autoaug_jax.data.stream.cores", return_value=0),  # threads, no workers
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
  pixels = np.arange(40 * 8 * 8, dtype=np.uint8).reshape(40, 8, 8, 1)
  np.savez(file, images=pixels, labels=np.arange(40) % 2)
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
  "plan": plan,
  "folder": folder,
  "npz": npz,
  **{name: functools.partial(program, name) for name in MAINS},
}
