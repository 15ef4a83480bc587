"""Augmentation policies: distributions over transformations, learned and not."""

from autoaug_jax.policies.base import (
  Augment,
  Augmenter,
  Draw,
  Policy,
  chain,
  frozen,
  grouped,
  image_keys,
  per_example,
  per_image,
  shared,
)
from autoaug_jax.policies.categorical import (
  CategoricalPhi,
  Composite,
  anchored,
  as_fixed,
  categorical_uniform,
  kept_in_range,
  probabilities,
)
from autoaug_jax.policies.interpret import augmenter, policy
from autoaug_jax.policies.stages import (
  Fixed,
  Slots,
  Step,
  Steps,
  SubPolicies,
  join,
  uniform_slots,
)

__all__ = [
  "Augment",
  "Augmenter",
  "CategoricalPhi",
  "Composite",
  "Draw",
  "Fixed",
  "Policy",
  "Slots",
  "Step",
  "Steps",
  "SubPolicies",
  "anchored",
  "as_fixed",
  "augmenter",
  "categorical_uniform",
  "chain",
  "frozen",
  "grouped",
  "image_keys",
  "join",
  "kept_in_range",
  "per_example",
  "per_image",
  "policy",
  "probabilities",
  "shared",
  "uniform_slots",
]
