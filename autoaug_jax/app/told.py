"""What came of a job, in the words and units of its page."""

import csv
import datetime
import importlib.metadata
import io
import math
import os
import pathlib
import platform
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from autoaug_jax import export, report
from autoaug_jax.app.doubts import Doubts
from autoaug_jax.app.facts import Facts
from autoaug_jax.app.intervals import interval
from autoaug_jax.app.outcome import Outcome
from autoaug_jax.app.plan import LEARNED, WIDE, Plan
from autoaug_jax.app.searched import Searched
from autoaug_jax.app.site import training_setting
from autoaug_jax.app.verdict import Difference, Row
from autoaug_jax.data import Source
from autoaug_jax.files import write_whole
from autoaug_jax.methods import verdicts
from autoaug_jax.policies import Slots

LISTED = 200  # suspects


class Suspect(NamedTuple):
  """A training image whose label is doubted."""

  file: str  # or its number, where images have no files
  given: str
  proposed: str
  score: float  # what speaks for its label


def suspects_of(
  found: Searched, doubtful: Doubts | None, source: Source, *, method: str
) -> tuple[Suspect, ...]:
  """By AutoDO's weights and labels where it ran, else by networks that did not see the images."""
  learns = method == "autodo" and jax.tree.leaves((found.state.phi.weight, found.state.phi.label))
  if learns and found.suspects is not None:
    labels = np.asarray(source.parts["train"].labels)
    learned = verdicts(found.state.phi, labels)
    chosen = found.suspects[:LISTED]
    return _named(source, chosen, labels[chosen], learned.label[chosen], learned.weight[chosen])
  if doubtful is None:
    return ()
  wrong = np.flatnonzero(doubtful.given != doubtful.proposed)[:LISTED]
  return _named(
    source,
    doubtful.indices[wrong],
    doubtful.given[wrong],
    doubtful.proposed[wrong],
    doubtful.probability[wrong],
  )


def write_suspects(suspects: tuple[Suspect, ...], path: pathlib.Path) -> None:
  """As a table that a spreadsheet opens."""
  text = io.StringIO()
  writer = csv.writer(text, lineterminator="\n")
  writer.writerow(Suspect._fields)
  writer.writerows((*one[:3], f"{one.score:.4g}") for one in suspects)
  write_whole(path, text.getvalue())


def findings(
  told: Outcome, *, folder: str | os.PathLike[str], suspects: tuple[Suspect, ...]
) -> report.Findings:
  """For `report.page`."""
  plan, facts = told.plan, told.facts
  results = tuple(_results(plan, told.rows))
  return report.Findings(
    title=facts.name,
    verdict=told.verdict,
    results=results,
    differences=tuple(_difference(one, len(plan.seeds)) for one in told.differences),
    reference=WIDE,
    classes=_classes(told.rows),
    advice=tuple(_advice(plan)),
    left_out=tuple(report.LeftOut(*said.split(": ", 1)) for said in plan.dropped),
    ops=_ops(told.found),
    suspects=tuple(report.Suspect(*one) for one in suspects),
    data=_data(facts),
    plan=_plan(plan, facts, sum(told.stages.values())),
    cost=tuple(_costs(plan, told.stages)),
    settings=tuple(_settings(plan)),
    commands=_commands(pathlib.Path(folder), plan),
    made=_made(),
  )


def _named(
  source: Source, numbers: np.ndarray, given: np.ndarray, proposed: Any, score: Any
) -> tuple[Suspect, ...]:
  names, classes = source.parts["train"].names, source.classes
  return tuple(
    Suspect(names[i] if names else f"training image {i}", classes[a], classes[b], float(s))
    for i, a, b, s in zip(numbers, given, proposed, score, strict=True)
  )


def _results(plan: Plan, rows: tuple[Row, ...]) -> Iterator[report.Result]:
  """Each row in its column, and the learned policy in both, with what its search cost."""
  for row in rows:
    learned, mean = row.policy == LEARNED, interval(row.accuracy)
    columns = [(report.EQUAL_COST if row.longer else report.EQUAL_STEPS, float(row.epochs))]
    if learned and any(other.longer for other in rows):
      columns.append((report.EQUAL_COST, row.cost))
    for column, epochs in columns:
      yield report.Result(
        policy=row.policy,
        column=column,
        accuracy=tuple(100 * a for a in row.accuracy),
        mean=100 * mean.mean,
        half_width=100 * mean.half_width,
        steps=round(epochs * plan.steps),
        seconds=row.seconds,
        learned=learned,
      )


def _difference(one: Difference, seeds: int) -> report.Difference:
  return report.Difference(
    policy=one.policy,
    baseline=one.other,
    column=report.EQUAL_COST if one.longer else report.EQUAL_STEPS,
    mean=100 * one.accuracy.mean,
    half_width=100 * one.accuracy.half_width,
    seeds=seeds,
  )


def _classes(rows: tuple[Row, ...]) -> report.Classes | None:
  """The learned policy less TrivialAugment-Wide, in means over seeds."""
  found = {row.policy: row for row in rows if not row.longer}
  if LEARNED not in found or WIDE not in found:
    return None
  ours, theirs = found[LEARNED].per_class, found[WIDE].per_class
  changes = tuple(
    report.ClassChange(
      name, _percent(ours[name]), _percent(theirs[name]), _change(ours[name], theirs[name])
    )
    for name in ours
  )
  return report.Classes(LEARNED, WIDE, report.EQUAL_STEPS, changes)


def _percent(value: float | None) -> float | None:
  return None if value is None else 100 * value


def _change(ours: float | None, theirs: float | None) -> float:
  return math.nan if ours is None or theirs is None else 100 * (ours - theirs)


def _advice(plan: Plan) -> Iterator[str]:
  yield "Accuracies are those of the last step, on test images that the search never saw."
  yield "Intervals are over seeds: what other test images would change is not in them."
  yield from (reason for reason in plan.reasons if reason.startswith("More time"))


def _ops(found: Searched) -> tuple[report.OpShare, ...]:
  """Means over slots; () where the policy has none."""
  stage = next((s for s in found.policy.stages if isinstance(s, Slots)), None)
  if stage is None:
    return ()
  chance = (np.asarray(stage.probability) * np.asarray(stage.keep)).mean(0)
  low, high = np.asarray(stage.low).mean(0), np.asarray(stage.high).mean(0)
  return tuple(
    report.OpShare(name, float(p), float(a), float(b))
    for name, p, a, b in zip(stage.ops, chance, low, high, strict=True)
  )


def _data(facts: Facts) -> report.Data:
  height, width, channels = facts.shape
  return report.Data(
    images=tuple(facts.parts.items()),
    height=height,
    width=width,
    channels=channels,
    classes=tuple(facts.counts.items()),
    imbalance=facts.ratio,
    left_out=tuple(report.LeftOut(*said.split(": ", 1)) for said in facts.left_out),
  )


def _plan(plan: Plan, facts: Facts, used: float) -> report.Plan:
  return report.Plan(
    method=plan.method,
    why=" ".join(reason for reason in plan.reasons if not reason.startswith("More time")),
    network=plan.setting.model,
    size=min(facts.shape[:2]),
    batch=plan.setting.batch,
    epochs=plan.epochs,
    seeds=plan.seeds,
    budget=plan.budget or None,
    used=used,
  )


def _costs(plan: Plan, stages: Mapping[str, float]) -> Iterator[report.Cost]:
  """Stages, those of the comparison summed over seeds."""
  sums: dict[str, float] = {}
  for stage, seconds in stages.items():
    name = stage.split(", seed ")[0]
    sums[name] = sums.get(name, 0.0) + seconds
  for name, seconds in sums.items():
    steps = round(plan.search_cost * plan.steps) if name == "search" else None
    yield report.Cost(name, seconds, steps or None)


def _settings(plan: Plan) -> Iterator[report.Settings]:
  one = training_setting(plan.setting, "(each)", epochs=plan.epochs, seed=plan.seeds[0])
  yield report.Settings("Search: data and network", tuple(plan.setting._asdict().items()))
  yield report.Settings(f"Search: {plan.method}", tuple(plan.options._asdict().items()))
  yield report.Settings("Training of what is compared", tuple(one._asdict().items()))
  whole = {**plan._asdict(), "setting": "above", "options": "above"}
  yield report.Settings("Plan", tuple(whole.items()))


def _commands(folder: pathlib.Path, plan: Plan) -> tuple[report.Command, ...]:
  policy = folder / "policy.json"
  data = f" --data={plan.setting.data}" if plan.setting.data != "digits" else ""
  return (
    report.Command(
      "The same job again, bit for bit on the same machine:",
      f"python -m experiments.search --plan={folder / 'plan.json'} --workdir={folder}-again",
    ),
    report.Command(
      "More seeds under the learned policy:",
      f"python -m experiments.retrain{data} --model={plan.setting.model} "
      f"--epochs={plan.epochs} --seeds=5 --policy={policy}",
    ),
    report.Command(
      "The policy for torchvision, as one file without dependencies on this library:",
      f"python -m experiments.export --policy={policy} --to=torchvision --out=policy.py",
    ),
    report.Command(
      "In JAX:", f'policy = autoaug_jax.load("{policy}")\nimages = policy(key, images)'
    ),
  )


def _made() -> str:
  versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("jax", "flax"))
  kind = jax.devices()[0].device_kind
  return (
    f"autoaug_jax {export.library_version()}, {versions}, Python "
    f"{platform.python_version()}, {jax.device_count()} x {kind}, "
    f"{datetime.date.today().isoformat()}."
  )
