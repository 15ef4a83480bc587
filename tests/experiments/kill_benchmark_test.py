"""SLACK killed three times, as users launch it; moments as they are drawn; differences as seen."""

import json
import subprocess
import sys

import numpy as np
import pytest
from orbax.checkpoint import v1 as ocp

from experiments.benchmarks import kill, kill_jobs, kill_lives
from experiments.benchmarks.kill_jobs import JOBS, WORK


def test_slack_killed_three_times_ends_as_one_left_alone(tmp_path, monkeypatch):
  monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(kill_jobs.ROOT / ".cache" / "jax"))
  kill_jobs.write_inputs(tmp_path)
  slack = JOBS["slack"]
  life = kill_lives.undisturbed(slack, tmp_path, tmp_path / "slack" / kill.WHOLE)
  assert life.last.endswith(".png")
  assert 0 < life.report < life.end
  made = kill.chain(slack, "slack/seed-50", 3, inputs=tmp_path, life=life)
  assert made["differences"] == []
  assert made["pieces"] > 100
  assert made["drafts"] <= 3
  assert sum(one["hit"] for one in made["lives"]) == 3
  assert sorted(one["kind"] for one in made["lives"]) == ["report", "start", "write"]
  work = tmp_path / "slack" / "seed-50" / WORK
  assert (work / "policy.json").is_file()
  metrics = work / "search" / "metrics.jsonl"
  rows = metrics.read_text().splitlines()
  row = json.loads(rows[-1])
  row["loss"] += 1e-9
  metrics.write_text("\n".join([*rows[:-1], json.dumps(row)]))
  whole = kill_jobs.ends_of(tmp_path / "slack" / kill.WHOLE / WORK)
  named = [f"search/metrics.jsonl, row {len(rows) - 1}, loss"]
  assert kill_jobs.differences(whole, kill_jobs.ends_of(work)) == named, "the test of the test"


def test_moments_lie_as_points_thrown_on_a_life():
  """Of n points thrown on [0, 1] the i-th lies at i/(n+1) in the mean."""
  places = []
  for seed in range(2000):
    place, own = 0.0, []
    for at in kill_lives.moments(10, str(seed)):
      if at.kind in ("write", "any"):
        place += at.share * (1 - place)
        own.append(place)
    places.append(own)
  assert np.shape(places) == (2000, 7)
  np.testing.assert_allclose(np.mean(places, 0), np.arange(1, 8) / 8, atol=0.015)


@pytest.mark.parametrize("kills", [1, 2, 3, 10])
def test_moments_are_of_all_kinds(kills):
  found = kill_lives.moments(kills, "seed")
  kinds = [at.kind for at in found]
  assert len(kinds) == kills
  assert kinds[-1] == "report"
  assert kills < 3 or {"start", "write"} <= set(kinds)
  assert all(0 <= at.share <= 1 for at in found)
  assert kill_lives.moments(kills, "seed") == found
  assert kill_lives.moments(kills, "other") != found


@pytest.fixture
def workdir(tmp_path):
  (tmp_path / "search" / "tensorboard").mkdir(parents=True)
  (tmp_path / "policy.json").write_text("{}")
  (tmp_path / "clock.json").write_text('{"report": 1.5}')
  (tmp_path / "report.html").write_text("<html>3 s</html>\n")
  (tmp_path / "job.json").write_text('{"rows": [{"seconds": 1.5, "accuracy": 0.5}]}')
  rows = [{"move": 1, "loss": 0.5, "images_per_second": 3.0}]
  (tmp_path / "search" / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)))
  np.savez(tmp_path / "trajectory.npz", move=np.arange(3))
  for move, weight in ((4, 2.0), (12, 0.0)):
    parts = {
      "state": {"theta.kernel": np.full(2, weight, np.float32)},
      "note": {"json": np.frombuffer(json.dumps({"move": move}).encode(), np.uint8)},
    }
    ocp.save_checkpointables(tmp_path / "search" / "checkpoints" / str(move), parts)
  return tmp_path


def checkpoint(workdir, weight):
  parts = {
    "state": {"theta.kernel": np.full(2, weight, np.float32)},
    "note": {"json": np.frombuffer(json.dumps({"move": 12}).encode(), np.uint8)},
  }
  ocp.save_checkpointables(workdir / "search" / "checkpoints" / "12", parts, overwrite=True)


CHANGES = {
  "the policy": (lambda w: (w / "policy.json").write_text("{} "), "policy.json"),
  "a lost file": (lambda w: (w / "policy.json").unlink(), "policy.json"),
  "a sign of zero": (
    lambda w: checkpoint(w, -0.0),
    "search/checkpoints/12, theta.kernel",
  ),
  "a metric": (
    lambda w: (w / "search" / "metrics.jsonl").write_text('{"move": 1, "loss": 0.25}'),
    "search/metrics.jsonl, row 0, loss",
  ),
  "an array": (
    lambda w: np.savez(w / "trajectory.npz", move=np.arange(3, dtype=np.int32)),
    "trajectory.npz, move",
  ),
  "a result": (lambda w: (w / "job.json").write_text('{"rows": []}'), "job.json, rows"),
  "half a report": (lambda w: (w / "report.html").write_text("<html>3"), "report.html is whole"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_difference_is_found_and_named(change, workdir):
  before = kill_jobs.ends_of(workdir)
  do, name = CHANGES[change]
  do(workdir)
  assert kill_jobs.differences(before, kill_jobs.ends_of(workdir)) == [name]


def test_what_a_clock_decides_is_no_difference(workdir):
  before = kill_jobs.ends_of(workdir)
  (workdir / "clock.json").write_text('{"report": 2.5}')
  (workdir / "report.html").write_text("<html>4 s</html>\n")
  (workdir / "job.json").write_text('{"rows": [{"seconds": 9.5, "accuracy": 0.5}]}')
  (workdir / ".policy.json.ab12").write_text("{")
  (workdir / "search" / "tensorboard" / "events").write_text("1")
  row = {"move": 1, "loss": 0.5, "images_per_second": 4.0}
  (workdir / "search" / "metrics.jsonl").write_text(json.dumps(row))
  assert kill_jobs.differences(before, kill_jobs.ends_of(workdir)) == []


@pytest.mark.parametrize(
  ("job", "path", "stage"),
  [
    ("slack", "pretrain/metrics.jsonl", "pretrain"),
    ("slack", "search/checkpoints/8", "search"),
    ("slack", "policy.json", "report"),
    ("search", "plan.json", "labels"),
    ("search", "search/pretrain/tensorboard/events", "search/pretrain"),
    ("search", "search/policy.png", "search report"),
    ("search", "policy.json", "compare"),
    ("search", "compare/learned-0/checkpoints/8", "compare"),
    ("search", "compare/learned-0/result.json", "compare"),
    ("search", "pictures/policy.png", "report"),
  ],
)
def test_what_was_hit_is_told_by_what_was_written_last(job, path, stage):
  assert kill_lives.stage(JOBS[job], path) == stage


LIFE = {"awake": 2.0, "report": 5.0, "end": 7.0, "last": "entropy.png", "marks": {}}
RESULTS = {
  "slack/whole": {"life": LIFE, "pieces": 9, "differences": []},
  "slack/seed-0-kills-3-run-0": {
    "lives": [
      {"kind": "write", "hit": True, "stage": "a checkpoint", "from": 0.0, "seconds": 3.0},
      {"kind": "report", "hit": False, "stage": "the end", "from": 0.0, "seconds": 3.0},
    ],
    "pieces": 9,
    "differences": ["policy.json", "search.json, moves"],
    "drafts": 2,
    "seconds": 20.0,
  },
  "slack/seed-0-stop-0": {
    "stop": {"stage": "search", "code": 1, "seconds": 1.0, "said": "asked"},
    "pieces": 9,
    "differences": [],
  },
}


def test_what_is_wrong_is_said():
  assert kill.failures(RESULTS) == [
    "slack/seed-0-kills-3-run-0: policy.json differs, and 1 more",
    "slack/seed-0-stop-0: exit code 1 1.0 s after SIGTERM",
  ]
  lines = kill.table([JOBS["slack"]], RESULTS).splitlines()
  assert lines[2] == "| slack | 2.0 + 7.0 | 1 | 1 | 0 | 9 | 2 | 1.0-1.0 | 20.0 |"
  assert lines[-1] == "| a checkpoint | 1 |"


def test_what_is_done_is_not_done_again(tmp_path):
  (tmp_path / "results.json").write_text(json.dumps(RESULTS))
  asked = kill.Asked(runs=1, kills=3, stops=1, together=1)
  assert kill.measure([JOBS["slack"]], asked, workdir=tmp_path) == RESULTS


@pytest.mark.parametrize("name", kill.LEAST)
def test_too_few_are_refused(name, tmp_path):
  asked = kill.Asked(**{name: kill.LEAST[name] - 1})
  with pytest.raises(ValueError, match=f"{name} must be at least"):
    kill.measure([], asked, workdir=tmp_path / "none")
  assert not (tmp_path / "none").exists()


STOPS = """
import os, signal, time
from experiments import launch

class Final:
  def __del__(self):
    os.kill(os.getpid(), signal.SIGTERM)
    for _ in range(9):  # what a signal raises here is lost
      pass

def main():
  at_once() if {at_once} else Final()
  time.sleep(20)
  print("goes on")

def at_once():
  os.kill(os.getpid(), signal.SIGTERM)

launch.run("tried", main)
"""


@pytest.mark.parametrize("at_once", [True, False], ids=["at-once", "in-a-finalizer"])
def test_a_main_that_is_asked_to_stop_ends_cleanly_where_nothing_is_to_be_saved(at_once):
  program = STOPS.format(at_once=at_once)
  run = subprocess.run(
    [sys.executable, "-c", program], cwd=kill_jobs.ROOT, capture_output=True, text=True
  )
  assert (run.returncode, run.stdout) == (0, "")
  said = "tried: asked to stop, and it stops; what is done stays\n"
  assert run.stderr.startswith(said)
  assert ("Exception ignored" in run.stderr) != at_once, "the case is the one that it is to be"
