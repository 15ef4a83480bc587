"""The papers' networks, in Flax Linen."""

from autoaug_jax.models.resnet import resnet
from autoaug_jax.models.wide_resnet import wide_resnet

__all__ = ["resnet", "wide_resnet"]
