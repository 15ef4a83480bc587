"""Residual networks: their counts, forward passes in NumPy, their second derivatives."""

import flax.linen as nn
import numpy as np
import pytest

from autoaug_jax.models import resnet
from autoaug_jax.models.classifier import Classifier
from autoaug_jax.models.layers import Layers
from autoaug_jax.models.resnet import ResNet


@pytest.mark.parametrize(
  ("depth", "stem", "classes", "expected"),
  [
    (18, "cifar", 10, 11_173_962),
    (18, "imagenet", 1000, 11_689_512),
    (34, "imagenet", 1000, 21_797_672),
    (50, "imagenet", 1000, 25_557_032),
  ],
)
def test_has_the_papers_number_of_parameters(depth, stem, classes, expected, count):
  assert count(resnet(depth, stem=stem, classes=classes), (1, 64, 64, 3)) == expected


def tiny(bottleneck: bool, downsample: bool, dtype: str = "float32") -> Classifier:
  layers = Layers(nn.relu, "he", dtype=dtype)
  return Classifier(ResNet((1, 1), bottleneck, downsample, layers, width=4), 3, dtype)


def forward(net, x, convs, downsample):
  """`convs` strided at the one that keeps 3 x 3: the first of two, the second of three."""
  x = net.norm_relu(net.conv(x, "body/stem", 2 if downsample else 1), "body/stem_norm")
  if downsample:
    x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    rows, columns = (range(0, x.shape[i] - 2, 2) for i in (1, 2))
    x = np.array([[x[:, i : i + 3, j : j + 3].max((1, 2)) for j in columns] for i in rows])
    x = x.transpose(2, 0, 1, 3)
  for group in range(2):
    at, y = f"body/group{group}_block0", x
    for i in range(convs):
      y = net.conv(y, f"{at}/conv{i}", 2 if group > 0 and i == convs - 2 else 1)
      y = net.norm(y, f"{at}/norm{i}")
      if i < convs - 1:
        y = np.maximum(y, 0)
    if x.shape != y.shape:
      x = net.norm(net.conv(x, f"{at}/shortcut", 1 + group), f"{at}/shortcut_norm")
    x = np.maximum(x + y, 0)
  return net.dense(x.mean((1, 2)), "head")


@pytest.mark.parametrize(("bottleneck", "downsample"), [(False, False), (True, True)])
def test_agrees_with_numpy(bottleneck, downsample, agrees):
  model = tiny(bottleneck, downsample, "float64")
  convs = 3 if bottleneck else 2
  agrees(model, lambda net, x: forward(net, x, convs, downsample), (2, 15, 16, 3))


@pytest.mark.parametrize(("bottleneck", "downsample"), [(False, False), (True, True)])
def test_is_twice_differentiable(bottleneck, downsample, twice_differentiable):
  twice_differentiable(tiny(bottleneck, downsample), (2, 16, 16, 3))


def test_refuses_what_it_cannot_build():
  with pytest.raises(ValueError, match="depth must be one of 18, 34, 50, not 20"):
    resnet(20)
  with pytest.raises(ValueError, match="stem must be one of 'cifar', 'imagenet', not 'svhn'"):
    resnet(18, stem="svhn")
  with pytest.raises(ValueError, match="init must be one of 'torch', 'he', not 'zero'"):
    resnet(18, init="zero")
