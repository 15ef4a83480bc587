"""How likely each op is under a policy that does not learn."""

import numpy as np

from autoaug_jax.policies.stages import Fixed, Slots


def op_shares(fixed: Fixed) -> dict[str, float]:
  """For each op of the slots: the chance that a slot applies it, averaged over all slots.

  {} where the policy has no slots. What slots leave out counts for no op.
  """
  rows: dict[str, list[float]] = {}
  slots = 0
  for stage in fixed.stages:
    if not isinstance(stage, Slots):
      continue
    slots += len(stage.probability)
    applied = np.asarray(stage.probability) * np.asarray(stage.keep)
    for name, share in zip(stage.ops, applied.sum(0), strict=True):
      rows.setdefault(name, []).append(float(share))
  return {name: sum(parts) / slots for name, parts in rows.items()}
