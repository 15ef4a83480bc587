"""Learns an augmentation for a set of images, and says whether it is worth having.

  python -m experiments.search --workdir=runs/digits                 # built-in digits, 3 minutes
  python -m experiments.search --data=photos --budget=20m --workdir=runs/photos

With a budget everything is chosen for the images: the network, their size, the method, and how long
to search and to train. The policy that is found is then compared, on test images that the search
never saw, with no augmentation, crop and flip, a uniform policy and TrivialAugment-Wide, at equal
steps and at equal cost. `report.html` tells all of it and begins with one sentence on what to use;
`policy.json` is the policy, which `experiments.retrain` and `experiments.export` take.

  python -m experiments.search --method=madao --data=photos --size=32 --model=wrn-16-1 \\
      --workdir=runs/photos-madao
  python -m experiments.search --method=slack --budget=paper --data=cifar10 --model=wrn-40-2 ...

With a method and no time, or the paper's own, the search is all that is done, as its flags say.

`--data` is a folder or archive with one folder of images for each class, a .npz file, a TFDS name,
or "digits". Data with a part "val" of their own are validated on it. No step is chosen by test
accuracy. Started again with the same flags, a job goes on where it was, to the same bits.

A search of one method can be spread over several processes (experiments/README.md):

  python -m experiments.search --method=slack --processes=auto --devices=0 ...
"""

from typing import Any

from absl import flags

from autoaug_jax.app import (
  AUTO,
  How,
  SearchSetting,
  option_types,
  outcome_lines,
  search,
  search_lines,
  search_within,
  sized,
)
from experiments import launch, processes

HOW = ("devices", "sync_norm", "log_every", "save_every", "memory_budget", "cache_dir")
PAPER = "paper"


def define_flags() -> None:
  """A flag for each field of SearchSetting and How, and for each option of each method."""
  kinds = option_types()
  flags.DEFINE_enum(
    "method", AUTO, [AUTO, *sorted(kinds)], "How the augmentation is learned; auto is a rule."
  )
  flags.DEFINE_string("workdir", None, "A folder for all that comes of it.", required=True)
  flags.DEFINE_string(
    "budget", "", "How long it may take: 20m, 1h30m; or paper, a method's own length in its paper."
  )
  flags.DEFINE_string("plan", "", "A plan.json of another job, to be repeated bit for bit.")
  launch.define(SearchSetting, defaults={"model": AUTO})
  launch.define(How, only=HOW)
  processes.define_flags()
  flags.DEFINE_enum("on_nan", "stop", ["stop", "rewind"], "At a loss or gradient not finite.")
  for name, kind in kinds.items():
    launch.define(kind, prefix=f"{name}_")


def main() -> None:
  asked = flags.FLAGS
  with processes.together(asked.processes):
    carry_out(asked)


def carry_out(asked: Any) -> None:
  """The search, in as many processes as there are."""
  how = How(**launch.values(How, only=(*HOW, "on_nan")), workdir=asked.workdir, say=launch.aside)
  if asked.method != AUTO and asked.budget in ("", PAPER) and not asked.plan:
    alone(how)
    return
  if asked.processes:
    raise ValueError("several processes take one --method, and no time or plan for a whole job")
  setting = launch.given(SearchSetting)
  data = setting.pop("data", "")
  if setting.get("model") == AUTO:
    del setting["model"]
  if data and not (asked.budget or asked.plan):
    raise ValueError("say how long it may take, --budget=20m, or which --method to use without end")
  outcome = search_within(
    data,
    workdir=asked.workdir,
    budget=asked.budget,
    method=asked.method,
    plan=asked.plan,
    options={} if asked.method == AUTO else _options(asked.method),
    how=how,
    **setting,
  )
  if outcome is None:
    return  # asked to stop, and it has said so
  print(outcome_lines(outcome))
  print(f"{asked.workdir}/report.html has all of it, {asked.workdir}/policy.json the policy.")


def alone(how: How) -> None:
  """The search of one method, as its flags say."""
  asked = flags.FLAGS
  setting = SearchSetting(**launch.values(SearchSetting))
  if setting.model == AUTO:
    setting = setting._replace(model=SearchSetting().model)
  options = sized(asked.method, asked.budget)._replace(**_options(asked.method))
  result = search(setting, options, how=how)
  if result is None:
    return  # asked to stop, and it has said so
  if processes.first():
    print(search_lines(result))


def _options(method: str) -> dict[str, object]:
  return launch.given(option_types()[method], prefix=f"{method}_")


if __name__ == "__main__":
  define_flags()
  launch.run("search", main)
