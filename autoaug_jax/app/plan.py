"""What a job is going to do, all of it, as plain values and as a file."""

import json
import os
import pathlib
from typing import Any, NamedTuple

from autoaug_jax.app.checks import at_least
from autoaug_jax.app.declared import filled
from autoaug_jax.app.kinds import Options, kind_of, option_types
from autoaug_jax.app.search_setting import SearchSetting, check_search
from autoaug_jax.app.writing import write_json

FORMAT, VERSION = "autoaug_jax plan", 1
LEARNED, FROZEN, WIDE = "learned", "learned, frozen", "trivial-augment-wide"
BASELINES = (WIDE, "none", "standard", "uniform")


class Plan(NamedTuple):
  """A job: search, then training under each policy with each seed. The same plan, the same bits.

  Attributes:
    budget: in seconds; 0 for none.
    setting: the data, the network and the search's seed.
    method: the search's.
    options: the method's.
    epochs: of each training that is compared, over all images that are no test images.
    steps: of an epoch.
    longer: epochs of a baseline that may cost as much as search and training together.
    seeds: of the trainings.
    rows: the baselines that train as many steps as the learned policy's networks.
    longer_rows: the baselines that train longer.
    fold_epochs: of the three networks that look for wrong labels; 0 looks for none.
    search_cost: of a search, in epochs of such a training; of a joint one with its own training.
    reasons: what was chosen and why, a sentence each.
    estimates: seconds that each stage is thought to take.
    dropped: what was left out for lack of time, a sentence each.
  """

  budget: float
  setting: SearchSetting
  method: str
  options: Options
  epochs: int
  steps: int
  longer: int
  seeds: tuple[int, ...]
  rows: tuple[str, ...] = BASELINES
  longer_rows: tuple[str, ...] = (WIDE,)
  fold_epochs: int = 0
  search_cost: float = 0.0
  reasons: tuple[str, ...] = ()
  estimates: dict[str, float] = {}  # noqa: RUF012
  dropped: tuple[str, ...] = ()


def save_plan(plan: Plan, path: str | os.PathLike[str]) -> None:
  """Writes a plan, whole or not at all."""
  content = {
    "format": FORMAT,
    "version": VERSION,
    **plan._asdict(),
    "setting": plan.setting._asdict(),
    "options": plan.options._asdict(),
  }
  write_json(path, content)


def load_plan(path: str | os.PathLike[str]) -> Plan:
  """Reads a plan; ValueError, in one sentence that names the file, for anything else."""
  name = os.fspath(path)
  try:
    content = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
  except FileNotFoundError:
    raise ValueError(f"there is no plan {name!r}") from None
  except RecursionError:
    raise ValueError(f"the plan {name!r} is nested deeper than any plan") from None
  except (OSError, ValueError) as error:  # no text, no JSON, a number of too many digits
    raise ValueError(f"the plan {name!r} cannot be read: {error}") from None
  try:
    return _from_json(content)
  except ValueError as error:
    raise ValueError(f"in {name!r}: {error}") from None


def _from_json(content: Any) -> Plan:
  if not isinstance(content, dict) or content.get("format") != FORMAT:
    raise ValueError(f"a plan says format {FORMAT!r}")
  if content.get("version") != VERSION:
    raise ValueError(
      f"the plan has version {content.get('version')!r:.200}; read is version {VERSION}"
    )
  fields = {name: value for name, value in content.items() if name not in ("format", "version")}
  method = fields.get("method")
  if not isinstance(method, str) or method not in option_types():
    raise ValueError(f"method must be one of {', '.join(option_types())}, not {method!r:.200}")
  fields["setting"] = filled(SearchSetting, fields.get("setting"), "setting")
  fields["options"] = filled(option_types()[method], fields.get("options"), "options")
  plan: Plan = filled(Plan, fields, "the plan")
  check_search(plan.setting)
  kind_of(plan.options).needs(plan.options)
  return _checked(plan)


def _checked(plan: Plan) -> Plan:
  at_least(plan, 0, ["budget", "fold_epochs", "search_cost"])
  at_least(plan, 1, ["epochs", "steps", "longer"])
  if not plan.seeds or min(plan.seeds) < 0:
    raise ValueError(f"seeds of the plan must be whole numbers of at least 0, not {plan.seeds!r}")
  for name in ("rows", "longer_rows"):
    for row in getattr(plan, name):
      if row not in BASELINES:
        raise ValueError(f"{name} of the plan may hold {', '.join(BASELINES)}, not {row!r:.200}")
  return plan
