"""What breaks while a run is under way: it recovers and says so, or stops with one sentence."""

import functools
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax import export, hypergrad
from autoaug_jax.app.clock import clock
from autoaug_jax.data import load_folder, shuffled, streamed_feed
from autoaug_jax.policies import fixed
from autoaug_jax.train import Every, Progress, fit, learner, optim, program, silent, supervised
from autoaug_jax.train.checkpoint import store
from autoaug_jax.train.task import classification
from tests.train import cases

ROOT = pathlib.Path(__file__).parents[1]
MOVES = 9
ALL = Every(log=1, save=1)


def nothing_but_a_nan(theta, bad):
  """0, whose derivative in theta is NaN where `bad`, in every mode."""
  none = sum(jnp.sum(leaf - jax.lax.stop_gradient(leaf)) for leaf in jax.tree.leaves(theta))
  return 0.0 * jnp.sqrt(jnp.where(bad, none, 1.0))


def searcher(joint, *, bad_example):
  """Its losses are finite, and the gradient of a batch that holds one example is NaN."""
  task = classification(cases.Tiny())

  def loss(theta, model_state, batch, *, train):
    outcome = task.loss(theta, model_state, batch, train=train)
    bad = jnp.any(batch.index == bad_example)
    return outcome._replace(losses=outcome.losses + nothing_but_a_nan(theta, bad))

  optimizer = optim.sgd(0.1)
  problem = supervised(task._replace(loss=loss), cases.brightness())
  moves = learner(
    problem,
    optimizer,
    phi_optimizer=optim.sgd(0.1),
    joint=hypergrad.joint(optimizer, has_aux=True) if joint else None,
  )
  return program(moves, cases.feed(), valid=cases.feed())


@pytest.mark.parametrize("move", ["train", "joint"])
def test_a_nan_in_a_gradient_stops_at_its_move_and_no_checkpoint_has_it(move, tmp_path):
  step = int(np.random.default_rng(0).integers(2, 6))  # within the first epoch
  example = int(cases.feed().draw(step)[0])
  run = functools.partial(
    fit, schedule=(move,) * MOVES, workdir=tmp_path, every=ALL, progress=silent()
  )
  with pytest.raises(FloatingPointError) as caught:
    run(searcher(move == "joint", bad_example=example))
  name = {"train": "gradient", "joint": "hypergradient"}[move]
  assert str(caught.value) == (
    f"the {name} is not finite at move {step} (learning rate 0.1); the last good checkpoint is "
    f"{tmp_path}/checkpoints/{step}"
  )
  healthy = searcher(move == "joint", bad_example=-1)
  kept = store(tmp_path / "checkpoints").load(healthy.init())
  assert kept.move == step
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(kept.state))
  assert run(healthy).finished  # nothing is lost: from there it goes on


def test_a_policy_file_that_was_cut_off_is_named(tmp_path):
  path = tmp_path / "policy.json"
  export.save(export.described(fixed.trivial_augment_wide()), path)
  whole = path.read_bytes()
  for end in range(0, len(whole) - 2, 211):
    path.write_bytes(whole[:end])
    with pytest.raises(ValueError, match=r"in .*policy\.json': this is no JSON: line \d+ has"):
      export.load_any(path)


FULL = """
import sys
import jax.numpy as jnp
from autoaug_jax.train import SearchState
from autoaug_jax.train.checkpoint import store

def state(size):
  return SearchState({"w": jnp.arange(size, dtype=jnp.float32)}, {}, (), (), (), (), jnp.int32(0))

kept = store(sys.argv[1] + "/checkpoints", keep=9)
kept.save(1, state(9), {})
kept.close()
kept.save(2, state(2_000_000), {})
try:
  kept.close()
except OSError as error:
  print(error)
print(store(sys.argv[1] + "/checkpoints").load(state(9)).move)
kept.save(2, state(9), {})  # with room again
kept.close()
print(store(sys.argv[1] + "/checkpoints").load(state(9)).move)
"""


def test_a_full_disk_is_one_sentence_and_what_was_saved_stays(tmp_path):
  """A real one, of 1 MB, in a mount namespace of its own, where the system gives one."""
  mount = ["unshare", "--mount", *(["--map-root-user"] if os.getuid() else [])]
  small = f'mount -t tmpfs -o size=1m none "{tmp_path}" || exit 77; exec "$@"'
  command = [*mount, "sh", "-c", small, "sh", sys.executable, "-c", FULL, str(tmp_path)]
  if shutil.which("unshare") is None:
    pytest.skip("needs unshare")
  run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
  if run.returncode == 77 or "unshare" in run.stderr.partition("\n")[0]:
    pytest.skip("this system gives no mount namespace")
  assert run.stdout.splitlines() == [
    f"[Errno 28] the disk is full: the last checkpoint was not written, those before it are whole: "
    f"'{tmp_path}/checkpoints'",
    "1",
    "2",
  ], run.stderr


def test_what_is_in_memory_is_not_asked_of_the_disk_again(tmp_path, folder):
  examples = load_folder(folder, size=8).parts["train"]
  before = examples.fetch(np.arange(4))
  shutil.rmtree(folder)
  np.testing.assert_array_equal(examples.fetch(np.arange(4)), before)


@pytest.mark.parametrize(
  ("damage", "sentence"),
  [
    (lambda path: path.write_bytes(b"<html>"), "is not an image that Pillow can read"),
    (lambda path: path.unlink(), r"cannot be read \(\[Errno 2\] No such file"),
  ],
  ids=["other content", "gone"],
)
def test_a_file_that_goes_bad_after_the_scan_is_named(folder, damage, sentence):
  examples = load_folder(folder, size=8, memory_budget=0).parts["train"]
  damage(folder / "a/1.png")
  feed = streamed_feed(examples, shuffled(np.arange(4), 4, seed=0), workers=0)
  with pytest.raises(ValueError, match=f"^a/1.png {sentence}"):
    feed.draw(0)


WORKERS = """
import multiprocessing, os, signal, sys, time, warnings
import numpy as np
from autoaug_jax.data import load_folder, shuffled, streamed_feed

if __name__ == "__main__":
  examples = load_folder(sys.argv[1], size=8, memory_budget=0).parts["train"]
  order = shuffled(np.arange(4), 2, seed=5)
  feed = streamed_feed(examples, order, workers=2)
  feed.draw(0)
  os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
  with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for step in range(1, 20):
      image, label, weight, index = feed.draw(step)
      assert np.array_equal(image, examples.fetch(order(step))), step
  said = [str(one.message) for one in caught if one.category is RuntimeWarning]
  print(*said, sep="|", flush=True)
  print(*(child.pid for child in multiprocessing.active_children()), flush=True)
  time.sleep(100)
"""


def test_workers_are_replaced_and_end_with_their_run(tmp_path, folder):
  """One worker of two is killed; then the run is, which can tell its workers nothing."""
  (tmp_path / "main.py").write_text(WORKERS)
  environment = os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
  command = [sys.executable, str(tmp_path / "main.py"), str(folder)]
  with subprocess.Popen(
    command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
  ) as run:
    try:
      said, children = run.stdout.readline().strip(), run.stdout.readline().split()
      assert said.startswith("a process that decodes images was killed; others go on at step ")
      assert said.count("|") == 0
      assert len(children) == 2
    finally:
      run.kill()
      run.wait(60)
  last = time.monotonic() + 60
  while any(map(alive, children)) and time.monotonic() < last:
    time.sleep(0.05)
  assert not any(map(alive, children))


def alive(pid):
  """Whether a process is there, and no zombie."""
  try:
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
  except (FileNotFoundError, ProcessLookupError):
    return False


def test_workers_that_die_again_and_again_end_the_run(folder, monkeypatch):
  examples = load_folder(folder, size=8, memory_budget=0).parts["train"]
  stream = streamed_feed(examples, shuffled(np.arange(4), 4, seed=0), workers=0).draw

  def killed(batches):
    raise RuntimeError("Worker process was terminated unexpectedly with exit code -9. ...")

  monkeypatch.setattr("autoaug_jax.data.stream.next", killed, raising=False)
  with (
    pytest.warns(RuntimeWarning, match="was killed; others go on at step 0"),
    pytest.raises(ChildProcessError, match="was killed twice at step 0, for lack of memory"),
  ):
    stream(0)


def test_a_clock_that_goes_back_changes_nothing(tmp_path, monkeypatch):
  """Times come from the clocks that never do; what the wall clock says is told, not counted."""
  back = itertools.count(2_000_000_000, -3600)
  monkeypatch.setattr(time, "time", lambda: float(next(back)))
  monkeypatch.setattr(time, "time_ns", lambda: next(back) * 10**9)
  began, lines = clock(tmp_path / "clock.json"), []
  made = program(cases.trainer(), cases.feed())
  told = Progress(lines.append, lines.append, lambda: None)
  fit(made, ("train",) * MOVES, workdir=tmp_path, every=ALL, progress=told)
  began.done("training")
  assert 0 < began.spent() < 600
  assert 0 < clock(tmp_path / "clock.json").stages()["training"] < 600
  assert len(lines) == MOVES
  assert all("-" not in line and line.endswith(" left") for line in lines)
  assert store(tmp_path / "checkpoints").load(made.init()).move == MOVES


@pytest.fixture
def folder(tmp_path):
  from PIL import Image

  for i, name in enumerate(("a/0.png", "a/1.png", "b/0.png", "b/1.png")):
    (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (9, 8), (i, 50 * i, 200)).save(tmp_path / "set" / name)
  return tmp_path / "set"
