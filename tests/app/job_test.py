"""A whole job on a little set: what it writes, that it goes on, what is left out, what it says."""

import csv
import json
import shutil

import numpy as np
import pytest

from autoaug_jax import export
from autoaug_jax.app import How, SearchSetting, Slack, load_plan, save_plan, search_within
from autoaug_jax.app.job import carry_out
from autoaug_jax.app.plan import Plan

OPTIONS = Slack(
  pretrain_epochs=1, rounds=2, retrain_steps=2, search_steps=2, ops=1, draws="per_image"
)


@pytest.fixture(scope="module")
def plan(npz):
  return Plan(
    budget=0.0,
    setting=SearchSetting(data=npz, batch=8, flip=0.0),
    method="slack",
    options=OPTIONS,
    epochs=2,
    steps=8,
    longer=3,
    seeds=(0, 1),
    rows=("trivial-augment-wide", "none"),
    fold_epochs=2,
    search_cost=2.0,
    reasons=("Method: as asked.", "More time: an hour would buy more."),
  )


@pytest.fixture(scope="module")
def done(plan, tmp_path_factory):
  workdir = tmp_path_factory.mktemp("job") / "work"
  said = []
  return workdir, carry_out(plan, how=How(workdir=workdir, say=said.append)), said


def test_everything_is_there(done):
  workdir, outcome, _ = done
  kept = {path.name for path in workdir.iterdir()}
  assert kept >= {"plan.json", "policy.json", "report.html", "job.json", "pictures", "clock.json"}
  assert export.load(workdir / "policy.json").policy == outcome.policy
  assert {path.stem for path in (workdir / "pictures").iterdir()} >= {"policy", "accuracy"}
  written = json.loads((workdir / "job.json").read_text())
  assert written["verdict"] == outcome.verdict
  assert [row["policy"] for row in written["rows"]] == [row.policy for row in outcome.rows]
  page = (workdir / "report.html").read_text()
  assert outcome.verdict.split(":")[0] in page
  assert "An hour" in page or "an hour would buy more" in page


def test_each_policy_trains_with_each_seed_as_long_as_planned(done):
  _, outcome, _ = done
  rows = {(row.policy, row.longer): row for row in outcome.rows}
  wide = "trivial-augment-wide"
  assert set(rows) == {("learned", False), (wide, False), (wide, True), ("none", False)}
  assert {len(row.accuracy) for row in rows.values()} == {2}
  assert rows[wide, True].epochs == 3
  assert rows["learned", False].cost == 2 + 2.0 / 2, "the search is shared by two seeds"
  assert [d.other for d in outcome.differences] == [wide, "none", wide]


def test_doubts_come_out_of_fold(done, npz):
  workdir, outcome, _ = done
  with np.load(npz) as stored:
    count = len(outcome.doubts.indices)
    assert count == outcome.found.train_images + outcome.found.valid_images
    assert len(set(outcome.doubts.indices.tolist())) == count, "each image once"
    given = stored["labels"][outcome.doubts.indices] if "labels" in stored else None
  if given is not None:
    assert np.array_equal(given, outcome.doubts.given)
  assert np.all(np.diff(outcome.doubts.probability) >= 0)
  if (workdir / "suspects.csv").exists():
    with (workdir / "suspects.csv").open() as file:
      assert next(csv.reader(file)) == ["file", "given", "proposed", "score"]


def test_a_killed_job_goes_on_to_the_same_end(done, plan, tmp_path, monkeypatch):
  monkeypatch.setattr("autoaug_jax.app.job.doubts", None)  # they are kept
  workdir, outcome, _ = done
  cut = tmp_path / "cut"
  shutil.copytree(workdir, cut)
  (cut / "job.json").unlink()
  (cut / "report.html").unlink()
  shutil.rmtree(cut / "compare" / "none-1")
  again = search_within(plan.setting.data, workdir=cut, how=How(say=lambda line: None))
  assert [row.accuracy for row in again.rows] == [row.accuracy for row in outcome.rows]
  assert again.policy == outcome.policy
  assert np.array_equal(again.doubts.indices, outcome.doubts.indices)


def test_a_plan_is_repeated_bit_for_bit(done, tmp_path):
  """Here without the baselines."""
  workdir, outcome, _ = done
  shorter = load_plan(workdir / "plan.json")._replace(rows=(), longer_rows=(), fold_epochs=0)
  save_plan(shorter, tmp_path / "plan.json")
  how = How(say=lambda line: None)
  again = search_within("", workdir=tmp_path / "again", plan=tmp_path / "plan.json", how=how)
  assert again.rows[0].accuracy == outcome.rows[0].accuracy
  assert again.policy == outcome.policy
  assert load_plan(tmp_path / "again" / "plan.json") == shorter
  assert again.verdict.startswith("Not compared")


def test_without_time_seeds_and_baselines_are_left_out_and_written_down(plan, tmp_path):
  """A budget of a second: one seed of the learned policy and TrivialAugment-Wide remain."""
  said = []
  hurried = plan._replace(budget=1.0, estimates={"learned": 1.0, "trivial-augment-wide": 1.0})
  outcome = carry_out(hurried, how=How(workdir=tmp_path, say=said.append))
  assert [row.policy for row in outcome.rows] == ["learned", "trivial-augment-wide"]
  assert {len(row.accuracy) for row in outcome.rows} == {1}
  kept = load_plan(tmp_path / "plan.json")
  assert kept.rows == ("trivial-augment-wide",)
  assert (kept.seeds, kept.longer_rows) == ((0,), ())
  assert len([line for line in said if "no time was left" in line]) == len(kept.dropped) == 3
  assert outcome.verdict.startswith("Undecided: 1 seed")


@pytest.mark.parametrize(
  ("asked", "message"),
  [
    ({"data": "photos"}, "say how long"),
    ({"data": "", "budget": "soon"}, "20m, 1h30m or 90s, not 'soon'"),
    ({"data": "", "budget": "20m", "method": "magic"}, "method must be one of auto, autodo"),
    ({"data": "", "budget": "20m", "colour": 3}, "a setting is one of"),
    ({"data": "", "budget": "20m", "options": {"ops": 2}}, "options take a method"),
    ({"data": "", "plan": "nowhere.json"}, "there is no plan 'nowhere.json'"),
    ({"data": "", "plan": "nowhere.json", "budget": "20m"}, "a plan says itself"),
    ({"data": "nowhere/", "budget": "20m"}, "no file or folder"),
  ],
  ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_mistakes_are_named_and_nothing_is_written(asked, message, tmp_path):
  with pytest.raises((ValueError, OSError), match=message):
    search_within(**asked, workdir=tmp_path / "work", how=How(say=lambda line: None))
  assert not (tmp_path / "work").exists()


def test_a_work_directory_of_something_else_is_left_alone(tmp_path, done):
  (tmp_path / "notes.txt").write_text("mine")
  with pytest.raises(ValueError, match="is not empty, and has no plan"):
    search_within("digits", workdir=tmp_path)
  with pytest.raises(ValueError, match=r"a job with data=.*, not other"):
    search_within("other", budget="20m", workdir=done[0])
