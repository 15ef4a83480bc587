"""The jobs that `experiments.benchmarks.kill` kills, and what of their ends must be the same."""

import json
import os
import pathlib
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from orbax.checkpoint import v1 as ocp

from autoaug_jax.app import Plan, SearchSetting, Slack, save_plan
from autoaug_jax.files import whole
from experiments.benchmarks.squares import squares

ROOT = pathlib.Path(__file__).parents[2]
WORK = "work"  # the work directory, in a run's own folder, so that all runs have the same flags
DATA, PLAN = "squares.npz", "plan.json"
# A row for each move, because a run that is asked to stop between two rows writes one there.
COMMON = ("--log_every=1", "--save_every=4")
BATCHES = ("--batch=8", "--flip=0")
TIMES = ("images_per_second", "seconds", "stages")  # fields of results that a clock decides


class Job(NamedTuple):
  """A command line of `experiments.search`.

  Attributes:
    name: a method's, or "search" for the whole job.
    flags: its options, beside those that all jobs have.
  """

  name: str
  flags: tuple[str, ...]


JOBS = {
  job.name: job
  for job in (
    Job(
      "slack",
      (
        "--slack_pretrain_epochs=3",
        "--slack_rounds=4",
        "--slack_retrain_steps=4",
        "--slack_search_steps=6",
        "--slack_draws=per_image",
        "--slack_ops=1",
      ),
    ),
    Job(
      "madao",
      (
        "--madao_val=0.25",
        "--madao_epochs=8",
        "--madao_warmup=2",
        "--madao_ops=1",
        "--madao_terms=2",
      ),
    ),
    Job(
      "online_bilevel",
      (
        "--online_bilevel_val=0.25",
        "--online_bilevel_epochs=8",
        "--online_bilevel_learned=affine",
      ),
    ),
    Job(
      "autodo",
      (
        "--model=small-cnn-celu",
        "--autodo_val=0.25",
        "--autodo_epochs=7",
        "--autodo_begin=2",
        "--autodo_warmup=1",
        "--autodo_terms=2",
      ),
    ),
    Job("search", ()),
  )
}
OPTIONS = Slack(
  pretrain_epochs=1, rounds=2, retrain_steps=2, search_steps=3, ops=1, draws="per_image"
)


def write_inputs(folder: pathlib.Path) -> None:
  """The images of all jobs, and the plan of the whole one: two seeds, four rows, wrong labels."""
  arrays: dict[str, Any] = dict(zip(("train_images", "train_labels"), squares(64, 0), strict=True))
  arrays |= dict(zip(("test_images", "test_labels"), squares(21, 1), strict=True))
  with whole(folder / DATA) as file:
    np.savez(file, **arrays)
  plan = Plan(
    budget=0.0,
    setting=SearchSetting(data=str(folder / DATA), batch=8, flip=0.0),
    method="slack",
    options=OPTIONS,
    epochs=2,
    steps=8,
    longer=3,
    seeds=(0, 1),
    rows=("trivial-augment-wide", "uniform"),
    fold_epochs=2,
    search_cost=2.0,
    reasons=("Method: as asked.",),
  )
  save_plan(plan, folder / PLAN)


def command(job: Job, inputs: pathlib.Path) -> list[str]:
  """What a user would type, for a process whose folder is the run's own."""
  main = [sys.executable, "-m", "experiments.search", f"--workdir={WORK}", *COMMON]
  if job.name == "search":
    return [*main, f"--plan={inputs / PLAN}"]
  return [*main, f"--method={job.name}", f"--data={inputs / DATA}", *BATCHES, *job.flags]


def environment(programs: pathlib.Path) -> dict[str, str]:
  """Compiled programs are kept in the folder `programs`, unless the user says otherwise."""
  ours = {
    "JAX_PLATFORMS": "cpu",
    "JAX_COMPILATION_CACHE_DIR": str(programs),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
  }
  paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
  return ours | os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def ends_of(workdir: pathlib.Path) -> dict[str, bytes]:
  """All that a work directory keeps, piece by piece, without what a clock decides.

  Files byte for byte (policy.json, plan.json, pictures, tables); of each folder of checkpoints the
  newest, each array to the bit, and its note; each row of metrics, each array of .npz files, each
  field of results, without the seconds in them; of report.html that it is whole. Left out are
  clock.json, TensorBoard's files, older checkpoints, and the drafts that a kill may leave.
  """
  return dict(_pieces(workdir))


def differences(here: dict[str, bytes], there: dict[str, bytes]) -> list[str]:
  """The names of the pieces that are not the same, or in one of the two only."""
  return sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))


def _pieces(workdir: pathlib.Path) -> Iterator[tuple[str, bytes]]:
  for root, folders, names in os.walk(workdir):
    folder = pathlib.Path(root)
    if folder.name == "checkpoints":
      yield from _newest(folder, folder.relative_to(workdir).as_posix())
    folders[:] = [n for n in sorted(folders) if folder.name != "checkpoints" and n != "tensorboard"]
    for name in sorted(names):
      path = folder / name
      if folder.name != "checkpoints" and not name.startswith(".") and name != "clock.json":
        yield from _of_file(path, path.relative_to(workdir).as_posix())


def _of_file(path: pathlib.Path, name: str) -> Iterator[tuple[str, bytes]]:
  if path.name == "metrics.jsonl":
    for number, row in enumerate(path.read_text().splitlines()):
      yield from _fields(f"{name}, row {number}", json.loads(row))
  elif path.name in ("search.json", "result.json", "job.json"):
    yield from _fields(name, json.loads(path.read_text()))
  elif path.suffix == ".npz":
    with np.load(path) as arrays:
      for key in arrays.files:
        yield f"{name}, {key}", _bits(arrays[key])
  elif path.suffix == ".html":
    # Its seconds are in its text, its cost and its commands' places.
    yield f"{name} is whole", str(path.read_text().rstrip().endswith("</html>")).encode()
  else:
    yield name, path.read_bytes()


def _newest(folder: pathlib.Path, name: str) -> Iterator[tuple[str, bytes]]:
  """Of the newest checkpoint, read without our own reader."""
  newest = max((p for p in folder.iterdir() if p.name.isdigit()), key=lambda p: int(p.name))
  parts = ocp.load_checkpointables(newest, {"state": None, "note": None})
  for key, array in parts["state"].items():
    yield f"{name}/{newest.name}, {key}", _bits(array)
  yield from _fields(f"{name}/{newest.name}, note", json.loads(parts["note"]["json"].tobytes()))


def _fields(name: str, content: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
  for key, value in _timeless(content).items():
    yield f"{name}, {key}", json.dumps(value).encode()


def _timeless(value: Any) -> Any:
  if isinstance(value, dict):
    return {key: _timeless(item) for key, item in value.items() if key not in TIMES}
  return [_timeless(item) for item in value] if isinstance(value, list) else value


def _bits(array: Any) -> bytes:
  array = np.asarray(array)
  return f"{array.dtype}{array.shape}".encode() + array.tobytes()
