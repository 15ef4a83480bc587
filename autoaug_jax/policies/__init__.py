"""Augmentation policies: distributions over transformations, learned and not."""

from autoaug_jax.policies import fixed
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
from autoaug_jax.policies.distributions import entropy, kl_divergence
from autoaug_jax.policies.interpret import augmenter, policy
from autoaug_jax.policies.stages import (
  Fixed,
  Slots,
  Step,
  Steps,
  SubPolicies,
  check_fixed,
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
  "check_fixed",
  "entropy",
  "fixed",
  "frozen",
  "grouped",
  "image_keys",
  "join",
  "kept_in_range",
  "kl_divergence",
  "per_example",
  "per_image",
  "policy",
  "probabilities",
  "shared",
  "uniform_slots",
]
