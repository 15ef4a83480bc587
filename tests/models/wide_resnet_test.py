"""Wide residual networks: their counts, one forward pass in NumPy, their second derivatives."""

import flax.linen as nn
import pytest

from autoaug_jax.models import wide_resnet


@pytest.mark.parametrize(
  ("depth", "width", "classes", "conv_bias", "expected"),
  [
    (40, 2, 10, True, 2_246_474),
    (28, 2, 10, True, 1_469_642),
    # Without biases: the count less one for each channel that a convolution makes.
    (40, 2, 10, False, 2_246_474 - (16 + 13 * 32 + 13 * 64 + 13 * 128)),
    (28, 10, 10, True, 36_489_290),
    (28, 10, 100, True, 36_489_290 + 90 * 641),
    # Stem; groups of one block that widens and one that does not; norm and head. At width 1 the
    # first group has no shortcut.
    (16, 1, 10, True, 448 + 2 * 4_704 + 14_528 + 18_624 + 57_728 + 74_112 + 128 + 650),
  ],
)
def test_has_the_papers_number_of_parameters(depth, width, classes, conv_bias, expected, count):
  model = wide_resnet(depth, width, classes=classes, conv_bias=conv_bias)
  assert count(model, (1, 32, 32, 3)) == expected


def test_agrees_with_numpy(agrees):
  def forward(net, x):
    x = net.conv(x, "body/stem")
    for group in range(3):
      at = f"body/group{group}_block0"
      stride = 1 if group == 0 else 2
      y = net.conv(net.norm_relu(x, f"{at}/norm0"), f"{at}/conv0")
      y = net.conv(net.norm_relu(y, f"{at}/norm1"), f"{at}/conv1", stride)
      x = y + (x if group == 0 else net.conv(x, f"{at}/shortcut", stride))
    return net.dense(net.norm_relu(x, "body/norm").mean((1, 2)), "head")

  agrees(wide_resnet(10, 1, classes=3, dtype="float64"), forward, (2, 7, 8, 2))


@pytest.mark.parametrize("activation", [nn.relu, nn.celu])
def test_is_twice_differentiable(activation, twice_differentiable):
  twice_differentiable(wide_resnet(10, 1, activation=activation), (2, 8, 8, 3))


def test_refuses_what_it_cannot_build():
  with pytest.raises(ValueError, match=r"depth must be 6 n \+ 4 .* not 41"):
    wide_resnet(41, 2)
  with pytest.raises(ValueError, match="width must be at least 1, not 0"):
    wide_resnet(40, 0)
  with pytest.raises(ValueError, match="init must be one of 'torch', 'he', not 'xavier'"):
    wide_resnet(40, 2, init="xavier")
