"""The lives of a run: started, watched by what it writes, killed or asked to stop at a moment."""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from experiments.benchmarks.kill_jobs import WORK, Job, command, environment

POLL = 0.015  # seconds
PATIENCE = 900.0  # seconds for a start
GRACE = 30.0  # seconds between SIGTERM and the end
TEMPORARY = ".orbax-checkpoint-tmp"
BETWEEN = {  # what comes after these files of a whole job
  "plan.json": "labels",
  "labels.npz": "search/pretrain",
  "policy.json": "compare",
  "uniform.json": "compare",
}


class Moment(NamedTuple):
  """When to kill.

  Attributes:
    kind: in the "start", in the "write" of a checkpoint, at "any" time between start and report, or
      in the "report".
    share: how much of that, or of what of it is left, goes before it.
  """

  kind: str
  share: float


class Life(NamedTuple):
  """An undisturbed run, in seconds.

  Attributes:
    awake: from the start to the first thing written.
    report: from there to the first file of the report.
    end: from there to the last thing written.
    last: what that was.
    marks: when what a run goes on from was there: checkpoints, results of trainings.
  """

  awake: float
  report: float
  end: float
  last: str
  marks: dict[str, float]


class Running(NamedTuple):
  """A process group, and since when what it writes is its own."""

  process: subprocess.Popen
  workdir: pathlib.Path
  began: float
  since: int  # nanoseconds of the clock of files

  def seconds(self) -> float:
    return time.monotonic() - self.began

  def written(self) -> dict[str, int]:
    """What is new or changed in the work directory, and when it was."""
    return dict(_changed(self.workdir, self.since))

  def until(self, reached: Callable[[], bool]) -> None:
    """Returns when something is reached, or with the process's end."""
    while self.process.poll() is None and not reached():
      if self.seconds() > PATIENCE:
        self.kill()
        raise TimeoutError(f"a run in {self.workdir} takes more than {PATIENCE:.0f} s")
      time.sleep(POLL)

  def kill(self) -> int:
    """The exit code; all processes of the group are gone."""
    if self.process.returncode is None:  # else its number may be another's
      os.killpg(self.process.pid, signal.SIGKILL)
    return self.process.wait()


def moments(kills: int, seed: str) -> list[Moment]:
  """Those of one run: between start and report as of points thrown at random, in their order.

  The last one is in the report. Of the others a fifth are in the start, from where nothing goes on;
  the k-th last of those that remain comes after the first of k points on the life that is left, and
  a third of them wait for a checkpoint.
  """
  drawn = random.Random(seed)
  starts = round((kills - 1) / 5 + 0.2)
  left = kills - 1 - starts
  writes = round(left / 3 + 0.2)
  kinds = ["start"] * starts + ["write"] * writes + ["any"] * (left - writes)
  drawn.shuffle(kinds)
  found = []
  for kind in [*kinds, "report"]:
    share = drawn.random()
    if kind in ("write", "any"):
      share, left = 1 - (1 - share) ** (1 / left), left - 1
    found.append(Moment(kind, share))
  return found


def started(job: Job, inputs: pathlib.Path, folder: pathlib.Path) -> Running:
  """The job in a folder of its own, as the leader of a process group; it speaks into `log`."""
  folder.mkdir(parents=True, exist_ok=True)
  since = time.time_ns()
  with (folder / "log").open("ab") as log:
    process = subprocess.Popen(
      command(job, inputs),
      cwd=folder,
      env=environment(inputs / "programs"),
      stdin=subprocess.DEVNULL,
      stdout=log,
      stderr=log,
      start_new_session=True,
    )
  return Running(process, folder / WORK, time.monotonic(), since)


def finished(running: Running) -> None:
  """Waits for a clean end."""
  running.until(lambda: False)
  code = running.process.wait()
  if code:
    folder = running.workdir.parent
    raise RuntimeError(f"a run in {folder} ends with exit code {code}: {said_last(folder)}")


def said_last(folder: pathlib.Path) -> str:
  """The last line of a run's log."""
  return "".join((folder / "log").read_text(errors="replace").splitlines()[-1:])


def undisturbed(job: Job, inputs: pathlib.Path, folder: pathlib.Path) -> Life:
  """Runs a job in a new folder to its end."""
  shutil.rmtree(folder, ignore_errors=True)
  running = started(job, inputs, folder)
  running.until(lambda: bool(running.written()))
  awake, seen = running.seconds(), dict[str, float]()

  def noted() -> bool:
    for path in running.written():
      seen.setdefault(path, running.seconds() - awake)
    return False

  running.until(noted)
  finished(running)
  noted()
  own = running.written()
  last = max(own, key=lambda path: own[path])
  reported = [seconds for path, seconds in seen.items() if stage(job, path) == "report"]
  marks = {path: seconds for path, seconds in seen.items() if _is_mark(path)}
  return Life(awake, min(reported), seen[last], last, marks)


def killed(
  job: Job, folder: pathlib.Path, *, inputs: pathlib.Path, life: Life, at: Moment
) -> dict[str, Any]:
  """Starts a run once more and kills it: what it was at, and whether it was not over before."""
  come = position(life, folder / WORK)
  running = started(job, inputs, folder)
  try:
    if at.kind == "start":
      running.until(lambda: running.seconds() > at.share * life.awake)
    elif at.kind == "report":
      running.until(lambda: any(stage(job, path) == "report" for path in running.written()))
      _wait(running, life, at.share * (life.end - life.report))
    else:
      running.until(lambda: bool(running.written()))
      _wait(running, life, at.share * max(0.0, life.report - come))
      running.until(lambda: at.kind == "any" or _is_writing(job, running))
  finally:
    seconds = running.seconds()
    code = running.kill()
  return {
    "kind": at.kind,
    "hit": code == -signal.SIGKILL,
    "stage": stage_of(job, life, running.written()),
    "from": round(come, 2),
    "seconds": round(seconds, 2),
  }


def stopped(
  job: Job, folder: pathlib.Path, *, inputs: pathlib.Path, life: Life, share: float
) -> dict[str, Any]:
  """Starts a run and sends it SIGTERM after a share of its life: how long it takes to end."""
  running = started(job, inputs, folder)
  try:
    running.until(lambda: bool(running.written()))
    _wait(running, life, share * life.end)
    at = running.written()
    asked = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    running.until(lambda: time.monotonic() - asked > 2 * GRACE)
    took = time.monotonic() - asked
  finally:
    code = running.kill()
  return {
    "stage": stage_of(job, life, at),
    "code": code,
    "seconds": round(took, 2),
    "said": said_last(folder),
  }


def _wait(running: Running, life: Life, seconds: float) -> None:
  """So long, but not to the end."""
  due = running.seconds() + seconds
  running.until(lambda: running.seconds() >= due or life.last in running.written())


def _is_writing(job: Job, running: Running) -> bool:
  """Whether a checkpoint is being written, or there will be none any more."""
  return any(TEMPORARY in path or stage(job, path) == "report" for path in running.written())


def position(life: Life, workdir: pathlib.Path) -> float:
  """How far a killed run has come, in seconds of the undisturbed one."""
  there = [seconds for mark, seconds in life.marks.items() if (workdir / mark).exists()]
  return max(there, default=0.0)


def stage_of(job: Job, life: Life, written: dict[str, int]) -> str:
  """What a process was at that has written these files."""
  if any(TEMPORARY in path for path in written):
    return "a checkpoint"
  if life.last in written:
    return "the end"
  return stage(job, max(written, key=lambda path: written[path])) if written else "the start"


def stage(job: Job, path: str) -> str:
  """What a process is at that has written this file last."""
  *folders, name = pathlib.PurePosixPath(path).parts
  if name == "metrics.jsonl" or {"checkpoints", "tensorboard"} & set(folders):
    kept = [folder for folder in folders if folder not in ("checkpoints", "tensorboard")]
    return "compare" if "compare" in kept else "/".join(kept)
  if job.name == "search" and path in BETWEEN:
    return BETWEEN[path]
  if "compare" in folders:
    return "compare"
  return "search report" if "search" in folders else "report"


def _is_mark(path: str) -> bool:
  *folders, name = pathlib.PurePosixPath(path).parts
  return (folders[-1:] == ["checkpoints"] and name.isdigit()) or name == "result.json"


def _changed(workdir: pathlib.Path, since: int) -> Iterator[tuple[str, int]]:
  """Files that were written to their ends, and checkpoints as wholes."""
  for root, folders, names in os.walk(workdir):
    if os.path.basename(root) == "checkpoints":
      names, folders[:] = [*names, *folders], []
    for name in names:
      if name.startswith(".") or name == "clock.json":
        continue  # a draft, or what is written after every part
      path = os.path.join(root, name)
      try:
        changed = os.lstat(path).st_mtime_ns
      except FileNotFoundError:
        continue
      if changed >= since:
        yield pathlib.Path(path).relative_to(workdir).as_posix(), changed
