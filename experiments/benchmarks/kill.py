"""Searches killed at random moments, again and again: do they end as one that never was?

  python -m experiments.benchmarks.kill --workdir=runs/kill --jobs=slack --runs=1 --kills=3

Each job, of the four methods and of a plan's whole search, first runs undisturbed; twice, so that
its length is that of a warm compilation cache, and both must be equal. Then come runs in work
directories of their own: started, SIGKILLed with all processes, started again with the same flags,
until all kills have hit, and then to the end. It must have what the undisturbed run has, bit for
bit: `kill_jobs.ends_of` says what is compared and what a clock decides. At last each job is sent
SIGTERM: it is to save and exit with 0 within 30 s, and to go on to the same end. "Hit" says what
had been written last when a kill came; "drafts" are hidden files, half-written, that kills left.
Runs that results.json has are not made again.

The whole, 50 kills a method and 20 of the plan's job, is two commands:

  python -m experiments.benchmarks.kill --workdir=runs/kill \\
      --jobs=slack,madao,online_bilevel,autodo
  python -m experiments.benchmarks.kill --workdir=runs/kill --runs=2
"""

import json
import pathlib
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

from absl import flags

from autoaug_jax.app import write_json
from experiments import launch
from experiments.benchmarks.kill_jobs import JOBS, WORK, Job, differences, ends_of, write_inputs
from experiments.benchmarks.kill_lives import (
  GRACE,
  Life,
  finished,
  killed,
  moments,
  started,
  stopped,
  undisturbed,
)

WHOLE = "whole"  # the folder of the undisturbed run


class Asked(NamedTuple):
  """How much is done of each job.

  Attributes:
    runs: how many runs are killed.
    kills: how often each is, before it may end.
    stops: how many runs are sent SIGTERM, once each.
    seed: of all moments.
    together: runs side by side.
  """

  runs: int = 5
  kills: int = 10
  stops: int = 2
  seed: int = 0
  together: int = 2


LEAST = {"runs": 0, "kills": 1, "stops": 0, "seed": 0, "together": 1}


class Task(NamedTuple):
  """What is done in a folder; `key` is its place in results.json."""

  key: str
  make: Callable[[], dict[str, Any]]


def measure(jobs: Sequence[Job], asked: Asked, *, workdir: pathlib.Path) -> dict[str, Any]:
  """Does what results.json in the work directory has not, and returns all of it."""
  for name, least in LEAST.items():
    if getattr(asked, name) < least:
      raise ValueError(f"{name} must be at least {least}, not {getattr(asked, name)}")
  workdir = workdir.resolve()
  workdir.mkdir(parents=True, exist_ok=True)
  write_inputs(workdir)
  kept = workdir / "results.json"
  results: dict[str, Any] = json.loads(kept.read_text()) if kept.is_file() else {}
  lock = threading.Lock()

  def do(task: Task) -> None:
    if task.key in results:
      return
    made = task.make()
    with lock:
      results[task.key] = made
      write_json(kept, results)
      launch.aside(f"{task.key}: {_told(made)}")

  with ThreadPoolExecutor(asked.together) as pool:
    list(pool.map(do, [Task(f"{job.name}/{WHOLE}", _whole(job, workdir)) for job in jobs]))
    lives = {job: Life(**results[f"{job.name}/{WHOLE}"]["life"]) for job in jobs}
    list(pool.map(do, [t for job in jobs for t in tasks(job, lives[job], asked, inputs=workdir)]))
  return results


def tasks(job: Job, life: Life, asked: Asked, *, inputs: pathlib.Path) -> list[Task]:
  """The runs that are disturbed."""
  made = []
  for number in range(asked.runs):
    key = f"{job.name}/seed-{asked.seed}-kills-{asked.kills}-run-{number}"
    made.append(Task(key, partial(chain, job, key, asked.kills, inputs=inputs, life=life)))
  for number in range(asked.stops):
    key = f"{job.name}/seed-{asked.seed}-stop-{number}"
    made.append(Task(key, partial(stop, job, key, inputs=inputs, life=life)))
  return made


def _whole(job: Job, inputs: pathlib.Path) -> Callable[[], dict[str, Any]]:
  def make() -> dict[str, Any]:
    folders = inputs / job.name / WHOLE, inputs / job.name / f"{WHOLE}-again"
    lives = [undisturbed(job, inputs, folder) for folder in folders]
    here, there = (ends_of(folder / WORK) for folder in folders)
    return {
      "life": lives[-1]._asdict(),
      "pieces": len(here),
      "differences": differences(here, there),
    }

  return make


def chain(job: Job, key: str, kills: int, *, inputs: pathlib.Path, life: Life) -> dict[str, Any]:
  """One run, killed so often, and what of its end is not as it should be."""
  folder, began = inputs / key, time.monotonic()
  shutil.rmtree(folder, ignore_errors=True)
  lives = []
  for at in moments(kills, key):
    lives.append(killed(job, folder, inputs=inputs, life=life, at=at))
    while not lives[-1]["hit"]:  # it was over before: once more, to what it does when it is over
      lives.append(killed(job, folder, inputs=inputs, life=life, at=at._replace(kind="start")))
  return {
    "lives": lives,
    **_end(job, folder, inputs),
    "seconds": round(time.monotonic() - began, 1),
  }


def stop(job: Job, key: str, *, inputs: pathlib.Path, life: Life) -> dict[str, Any]:
  """One run that is asked to stop once, and then goes on to its end."""
  folder = inputs / key
  shutil.rmtree(folder, ignore_errors=True)
  share = random.Random(key).random()
  asked = stopped(job, folder, inputs=inputs, life=life, share=share)
  return {"stop": asked, **_end(job, folder, inputs)}


def _end(job: Job, folder: pathlib.Path, inputs: pathlib.Path) -> dict[str, Any]:
  finished(started(job, inputs, folder))
  here, there = (ends_of(f / WORK) for f in (folder, inputs / job.name / WHOLE))
  return {
    "pieces": len(there),
    "differences": differences(here, there),
    "drafts": len(list((folder / WORK).rglob(".*"))),
  }


def failures(results: dict[str, Any]) -> list[str]:
  """What was not as it should be, a sentence each."""
  found = []
  for key, made in results.items():
    if made["differences"]:
      more = len(made["differences"]) - 1
      found.append(f"{key}: {made['differences'][0]} differs" + (f", and {more} more" * bool(more)))
    if "stop" in made and (made["stop"]["code"] != 0 or made["stop"]["seconds"] > GRACE):
      asked = made["stop"]
      found.append(f"{key}: exit code {asked['code']} {asked['seconds']} s after SIGTERM")
  return found


def table(jobs: Sequence[Job], results: dict[str, Any]) -> str:
  """A row for each job, and one for each thing that was hit."""
  lines = [
    "| job | alone, s | runs | kills | equal | pieces | drafts | SIGTERM, s | s a kill |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
  ]
  hits: dict[str, Counter[str]] = {}
  for job in jobs:
    own = [made for key, made in results.items() if key.startswith(f"{job.name}/")]
    runs = [made for made in own if "lives" in made]
    life = Life(**next(made["life"] for made in own if "life" in made))
    hits[job.name] = Counter(one["stage"] for m in runs for one in m["lives"] if one["hit"])
    kills = hits[job.name].total()
    equal = sum(not made["differences"] for made in runs)
    stops = [made["stop"]["seconds"] for made in own if "stop" in made]
    asked = f"{min(stops):.1f}-{max(stops):.1f}" if stops else "-"
    each = f"{sum(made['seconds'] for made in runs) / kills:.1f}" if kills else "-"
    pieces = max(made["pieces"] for made in own)
    lines.append(
      f"| {job.name} | {life.awake:.1f} + {life.end:.1f} | {len(runs)} | {kills} | {equal} "
      f"| {pieces} | {sum(made['drafts'] for made in runs)} | {asked} | {each} |"
    )
  lines += ["", f"| hit | {' | '.join(hits)} |", "| --- |" + " ---: |" * len(hits)]
  for name in dict.fromkeys(name for counted in hits.values() for name in counted):
    lines.append(f"| {name} | {' | '.join(str(hits[job][name]) for job in hits)} |")
  return "\n".join(lines)


def _told(made: dict[str, Any]) -> str:
  parts = [f"{len(made['lives'])} lives"] if "lives" in made else []
  if "stop" in made:
    parts.append(f"exit code {made['stop']['code']} {made['stop']['seconds']} s after SIGTERM")
  bad = made["differences"]
  return ", ".join([*parts, f"{len(bad)} of {made['pieces']} pieces differ" if bad else "the same"])


def define_flags() -> None:
  flags.DEFINE_string("workdir", None, "A folder for all runs and results.json.", required=True)
  flags.DEFINE_list("jobs", list(JOBS), "Which are killed.")
  launch.define(Asked)


def main() -> None:
  names = flags.FLAGS.jobs
  for name in names:
    if name not in JOBS:
      raise ValueError(f"jobs takes some of {', '.join(JOBS)}, not {name!r}")
  asked = Asked(**launch.values(Asked))
  jobs = [JOBS[name] for name in names]
  results = measure(jobs, asked, workdir=pathlib.Path(flags.FLAGS.workdir))
  print(table(jobs, results))
  found = failures(results)
  print("\n".join(found) if found else "All ends are those of runs that were left alone.")
  if found:
    raise SystemExit(1)


if __name__ == "__main__":
  define_flags()
  launch.run("kill", main)
