"""`autoaug_jax.search`: a folder of images and a time in; a policy and what it is worth out."""

import os
import pathlib
import time
from collections.abc import Mapping
from typing import Any

from autoaug_jax import data as images
from autoaug_jax.app.budget import seconds_of, spoken
from autoaug_jax.app.builtin import DIGITS
from autoaug_jax.app.job import carry_out
from autoaug_jax.app.kinds import option_types
from autoaug_jax.app.outcome import Outcome
from autoaug_jax.app.plan import Plan, load_plan
from autoaug_jax.app.planning import Wish, make_plan
from autoaug_jax.app.retrain import How
from autoaug_jax.app.search_setting import SearchSetting

AUTO = "auto"  # the method is chosen by a rule


def search_within(
  data: str | os.PathLike[str],
  *,
  workdir: str | os.PathLike[str],
  budget: str = "",
  method: str = AUTO,
  plan: str | os.PathLike[str] = "",
  options: Mapping[str, Any] | None = None,
  how: How = How(),  # noqa: B008
  **setting: Any,
) -> Outcome | None:
  """Learns an augmentation for a set of images and compares it with what needs no search.

  None where it was asked to stop (SIGTERM, Ctrl-C). A job that is started again with the same work
  directory goes on where it was.

  Args:
    data: a folder or archive with one folder of images for each class, a .npz file, or a TFDS name;
      "digits", without a budget, are those that come with the package, with a plan of their own.
    workdir: for plan.json, policy.json, report.html, pictures, and all that is needed to go on.
    budget: how long it may take: "20m", "1h30m".
    method: "slack", "madao", "online_bilevel", "autodo", or "auto", a rule that plan.json tells.
    plan: a plan.json of another job on these data ("" for whatever they are), which is repeated bit
      for bit; nothing else is chosen then.
    options: of the method, by name, in the place of what would be chosen.
    how: devices, checkpoints, and who is told what.
    setting: fields of `SearchSetting` in the place of what would be chosen: model, size, flip ...
  """
  began = time.monotonic()
  how = how._replace(workdir=pathlib.Path(workdir))
  chosen, source = _chosen(
    str(data), budget, method, os.fspath(plan), dict(options or {}), setting, how
  )
  for reason in chosen.reasons:
    how.say(reason)
  told = ", ".join(f"{name} {spoken(s)}" for name, s in _stages(chosen).items())
  if told:
    how.say(f"Plan: {spoken(sum(_stages(chosen).values()))} in all: {told}")
  before = {"planning": time.monotonic() - began}
  return carry_out(chosen, how=how, source=source, before=before)


def _chosen(
  data: str,
  budget: str,
  method: str,
  plan: str,
  options: dict[str, Any],
  setting: dict[str, Any],
  how: How,
) -> tuple[Plan, images.Source | None]:
  """The plan of this work directory, or of a file, or a new one."""
  own = pathlib.Path(how.workdir or ".") / "plan.json"
  wish = _wish(data, budget, method, options, setting) if budget else None
  if plan:
    if wish is not None:
      raise ValueError("a plan says itself how long its job takes: leave the budget out beside it")
    given = load_plan(plan)._replace(budget=0.0)
    _same(given, None, data, method, pathlib.Path(plan))
    return given, None
  if own.is_file():
    kept = load_plan(own)
    _same(kept, wish, data, method, own)
    return kept, None
  _empty(own.parent)
  if wish is not None:
    return make_plan(wish, how=how)
  if data not in ("", "digits") or method != AUTO or options or setting:
    raise ValueError("say how long the job may take, as budget='20m'")
  return DIGITS, None


def _wish(
  data: str, budget: str, method: str, options: dict[str, Any], setting: dict[str, Any]
) -> Wish:
  seconds = seconds_of(budget)
  methods = (AUTO, *option_types())
  if method not in methods:
    raise ValueError(f"method must be one of {', '.join(methods)}, not {method!r}")
  if method == AUTO and options:
    raise ValueError(f"options take a method to go with: one of {', '.join(methods[1:])}")
  for name in setting:
    if name not in SearchSetting._fields:
      known = ", ".join(SearchSetting._fields)
      raise ValueError(f"a setting is one of {known}, not {name!r}")
  given = SearchSetting(**{"data": data or "digits", **setting})
  return Wish(seconds, given, frozenset(setting), method, options)


def _same(kept: Plan, wish: Wish | None, data: str, method: str, own: pathlib.Path) -> None:
  """ValueError where a work directory is another job's."""
  asked = {
    "data": data or (wish.setting.data if wish else ""),
    "method": "" if method == AUTO else method,
  }
  has = {"data": kept.setting.data, "method": kept.method}
  for name, value in asked.items():
    if value and value != has[name]:
      raise ValueError(f"{own} is the plan of a job with {name}={has[name]}, not {value}")
  if wish is not None and kept.budget and wish.budget != kept.budget:
    raise ValueError(
      f"{own} is the plan of a job with budget={spoken(kept.budget)}, not {spoken(wish.budget)}"
    )


def _empty(folder: pathlib.Path) -> None:
  """ValueError where there is something that no job of this kind has put there."""
  if folder.is_dir() and any(folder.iterdir()):
    raise ValueError(
      f"the work directory {folder} is not empty, and has no plan.json to go on with"
    )


def _stages(plan: Plan) -> dict[str, float]:
  """Seconds of search, labels and comparison."""
  if not plan.estimates:
    return {}
  names = ("labels", "search")
  single: dict[str, float] = {n: plan.estimates[n] for n in names if n in plan.estimates}
  rest = sum(s for name, s in plan.estimates.items() if name not in single)
  return {**single, "comparison": rest * len(plan.seeds)}
