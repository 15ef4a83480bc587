"""Pictures of several searches beside each other: their policies, and how decided they became."""

import pathlib
from collections.abc import Mapping

import numpy as np

from autoaug_jax import export, report
from autoaug_jax.policies import Slots


def draw(searches: Mapping[str, pathlib.Path], workdir: str | pathlib.Path) -> None:
  """Writes policies.png and entropy.png for searches by name, each in its work directory.

  Searches that chose among other ops than the first one are left out of the former.
  """
  policies, curves = {}, []
  names: tuple[str, ...] = ()
  for name, folder in searches.items():
    stages = export.load(folder / "policy.json").policy.stages
    slots = next(stage for stage in stages if isinstance(stage, Slots))
    names = names or slots.ops
    if slots.ops == names:
      policies[name] = (np.asarray(slots.probability), np.asarray(slots.high[0]))
    with np.load(folder / "trajectory.npz") as stored:
      curves.append(report.Curve(name, stored["move"], stored["entropy"]))
  root = pathlib.Path(workdir)
  report.save(report.policy_pies(names, policies), root / "policies.png")
  uniform = f"entropy of the ops, in nats; {np.log(len(names)):.2f} is uniform"
  report.save(report.learning_curves({uniform: curves}, label="move"), root / "entropy.png")
