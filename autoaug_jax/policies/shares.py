"""How likely each op of slots is, and slots in which all are alike."""

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


def levelled(fixed: Fixed, *, bound: float) -> Fixed:
  """The policy with all ops of its slots alike, and their magnitudes uniform up to `bound`."""

  def level(stage: Slots) -> Slots:
    count = len(stage.ops)

    def rows(value: float) -> tuple[tuple[float, ...], ...]:
      return ((value,) * count,) * len(stage.probability)

    return stage._replace(
      probability=rows(1 / count), keep=rows(1.0), low=rows(0.0), high=rows(bound)
    )

  stages = (level(stage) if isinstance(stage, Slots) else stage for stage in fixed.stages)
  return fixed._replace(stages=tuple(stages))
