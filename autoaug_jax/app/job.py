"""The whole job: an augmentation learned, compared with what needs no search, and reported."""

import pathlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from autoaug_jax import data, export, files, report
from autoaug_jax.app.clock import Clock, clock
from autoaug_jax.app.comparison import (
  Entry,
  Measured,
  entries,
  row_of,
  trained,
)
from autoaug_jax.app.doubts import Doubts, doubts, keep_doubts, kept_doubts
from autoaug_jax.app.facts import facts_of
from autoaug_jax.app.kinds import is_joint
from autoaug_jax.app.outcome import Outcome, as_json
from autoaug_jax.app.own import are_classes
from autoaug_jax.app.plan import FROZEN, LEARNED, Plan, save_plan
from autoaug_jax.app.prepare import load_images, moments
from autoaug_jax.app.pressure import Time, before_seed, over, without_seeds
from autoaug_jax.app.retrain import How
from autoaug_jax.app.search import search
from autoaug_jax.app.searched import Searched
from autoaug_jax.app.site import training_setting
from autoaug_jax.app.spaces import slack_space
from autoaug_jax.app.told import findings, suspects_of, write_suspects
from autoaug_jax.app.verdict import differences, verdict
from autoaug_jax.app.writing import write_json
from autoaug_jax.policies import fixed, levelled

RESERVE = 0.03  # of a budget, for the report


class Job(NamedTuple):
  """What the stages of a job share."""

  plan: Plan
  source: data.Source
  how: How
  folder: pathlib.Path
  time: Clock


def carry_out(
  plan: Plan,
  *,
  how: How,
  source: data.Source | None = None,
  before: dict[str, float] | None = None,
) -> Outcome | None:
  """Does what a plan says, from where its work directory has come to; None if asked to stop.

  `how.workdir` gets plan.json, policy.json and job.json, beside a folder for each part. With a
  budget, what there is no time for is left out, whole seeds first, and taken off plan.json before;
  `before` are seconds that were spent before, by stage.
  """
  if how.workdir is None:
    raise ValueError("a job takes a workdir")
  folder = pathlib.Path(how.workdir)
  time = clock(folder / "clock.json", before=before)
  save_plan(plan, folder / "plan.json")
  if source is None:
    source = load_images(plan.setting, memory_budget=how.memory_budget, cache_dir=how.cache_dir)
  if not are_classes(source.parts["train"].labels):
    raise ValueError("a job compares accuracies, and these labels are no classes: use app.search")
  job = Job(plan, source, how, folder, time)
  time.done("loading")
  doubtful = _doubts(job)
  if plan.fold_epochs and doubtful is None:
    return None
  found = _search(job, plan.seeds[0])
  if found is None:
    return None
  time.done("search")
  files.write_whole(folder / "policy.json", (folder / "search" / "policy.json").read_bytes())
  compared = _compare(job, found)
  if compared is None:
    return None
  plan, measured = compared
  joint = is_joint(plan.method)
  kept = {entry: measured[entry] for entry in entries(plan, joint=joint) if measured.get(entry)}
  rows = tuple(
    row_of(plan, entry, each[: len(plan.seeds)], joint=joint) for entry, each in kept.items()
  )
  outcome = Outcome(
    plan=plan,
    facts=facts_of(source),
    found=found,
    rows=rows,
    differences=differences(rows),
    verdict=verdict(rows),
    doubts=doubtful,
    stages=time.stages(),
    workdir=str(folder),
  )
  _report(job, outcome)
  return outcome


def _doubts(job: Job) -> Doubts | None:
  if not job.plan.fold_epochs:
    return None
  setting = training_setting(job.plan.setting, "standard", epochs=job.plan.fold_epochs, seed=0)
  kept = job.folder / "labels.npz"
  found = kept_doubts(kept, setting=setting)
  if found is None:
    found = doubts(setting, job.source, how=job.how._replace(title="labels"))
    if found is None:
      return None
    keep_doubts(found, kept, setting=setting)
  job.time.done("labels")
  return found


def _search(job: Job, seed: int) -> Searched | None:
  """The search with a seed; that of the first is the one that is reported."""
  name = "search" if seed == job.plan.seeds[0] else f"search-{seed}"
  how = job.how._replace(workdir=job.folder / name, title=name)
  setting = job.plan.setting._replace(seed=seed)
  return search(setting, job.plan.options, how=how, source=job.source)


def _compare(job: Job, found: Searched) -> tuple[Plan, dict[Entry, list[Measured]]] | None:
  """Seed by seed, what there is time for: the plan that is left, and what was measured."""
  plan, joint = job.plan, is_joint(job.plan.method)
  measured: dict[Entry, list[Measured]] = {}
  each = dict(plan.estimates)
  number = 0
  while number < len(plan.seeds):
    plan = _saved(job, plan, before_seed(plan, number, _time(job, plan, each), joint=joint))
    if number >= len(plan.seeds):
      break
    seed = plan.seeds[number]
    for entry in entries(plan, joint=joint):
      if number and over(entry, _time(job, plan, each)):
        plan = _saved(job, plan, without_seeds(plan, number))
        break
      one = _measure(job._replace(plan=plan), entry, seed, found)
      if one is None:
        return None
      measured.setdefault(entry, []).append(one)
      stage = f"{entry.name}, seed {seed}"
      job.time.done(stage)
      each[entry.name] = job.time.stages()[stage]
    number += 1
  return plan, measured


def _time(job: Job, plan: Plan, each: Mapping[str, float]) -> Time:
  limit = (1 - RESERVE) * plan.budget if plan.budget else float("inf")
  return Time(job.time.spent(), limit, each)


def _saved(job: Job, before: Plan, after: Plan) -> Plan:
  """What is left out is written down before it takes effect."""
  for said in after.dropped[len(before.dropped) :]:
    job.how.say(f"left out: {said}")
  if after != before:
    save_plan(after, job.folder / "plan.json")
  return after


def _measure(job: Job, entry: Entry, seed: int, found: Searched) -> Measured | None:
  """One network of the comparison."""
  plan = job.plan
  if entry.policy == LEARNED and is_joint(plan.method):
    one = found if seed == plan.seeds[0] else _search(job, seed)
    if one is None or one.accuracy is None:
      return None
    return Measured(one.accuracy, one.per_class, one.seconds)
  policy = entry.policy
  if policy in (LEARNED, FROZEN):
    policy = str(job.folder / "policy.json")
  if policy == "uniform":
    policy = str(_uniform(job, found))
  epochs = plan.longer if entry.longer else plan.epochs
  setting = training_setting(plan.setting, policy, epochs=epochs, seed=seed)
  name = f"{entry.name}-{seed}"
  how = job.how._replace(workdir=job.folder / "compare" / name, title=name)
  return trained(setting, how=how, source=job.source)


def _uniform(job: Job, found: Searched) -> pathlib.Path:
  """What SLACK starts from: of its search's own ops, or of those that it would have here."""
  path = job.folder / "uniform.json"
  if not path.is_file():
    examples, options = job.source.parts["train"], job.plan.options
    if job.plan.method == "slack":
      policy = levelled(found.policy, bound=options.bound)
    else:
      mean, _ = moments(examples, np.arange(len(examples.labels)))
      space = slack_space(examples.shape, mean)
      policy = fixed.slack_uniform(space, flip=job.plan.setting.flip)
    spec = export.described(policy, image_size=examples.shape[:2], method="uniform")
    export.save(spec, path)
  return path


def _report(job: Job, outcome: Outcome) -> None:
  """report.html, its pictures, the doubted labels, and job.json, the last thing that is written."""
  suspects = suspects_of(outcome.found, outcome.doubts, job.source, method=outcome.plan.method)
  if suspects:
    write_suspects(suspects, job.folder / "suspects.csv")
  page = findings(outcome, folder=job.folder, suspects=suspects)
  pictures = {path.stem: path.read_bytes() for path in (job.folder / "search").glob("*.png")}
  for name, content in pictures.items():
    files.write_whole(job.folder / "pictures" / f"{name}.png", content)
  try:
    for name, figure in report.figures(page).items():
      report.save(figure, job.folder / "pictures" / f"{name}.png")
  except ImportError as error:
    job.how.say(f"no pictures: {error}")
  files.write_whole(job.folder / "report.html", report.page(page, pictures))
  job.time.done("report")
  write_json(job.folder / "job.json", as_json(outcome))
