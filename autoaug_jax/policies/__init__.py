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

__all__ = [
  "Augment",
  "Augmenter",
  "Draw",
  "Policy",
  "chain",
  "frozen",
  "grouped",
  "image_keys",
  "per_example",
  "per_image",
  "shared",
]
