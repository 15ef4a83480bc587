"""The papers' networks, in Flax Linen."""

from autoaug_jax.models.densenet import densenet_bc
from autoaug_jax.models.resnet import resnet
from autoaug_jax.models.small import badgan, small_cnn
from autoaug_jax.models.wide_resnet import wide_resnet

__all__ = ["badgan", "densenet_bc", "resnet", "small_cnn", "wide_resnet"]
