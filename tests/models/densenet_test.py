"""DenseNet-BC: its count, one forward pass in NumPy, its second derivatives."""

import numpy as np
import pytest

from autoaug_jax.models import densenet_bc


def closed_formula(depth: int, growth: int, classes: int) -> int:
  """A sum over groups. A group of n layers that starts with c channels has, for growth k,

  norms of c + i k channels (2 numbers each) and 1 x 1 kernels from them to 4 k, i = 0 ... n - 1,
  so (2 + 4 k) (n c + k n (n - 1) / 2); and n times a norm of 4 k and a 3 x 3 kernel to k, so
  n (8 k + 36 k^2). It ends with c + n k channels, which the transition norms and halves.
  """
  n, k = (depth - 4) // 6, growth
  channels, total = 2 * k, 27 * 2 * k
  for group in range(3):
    total += (2 + 4 * k) * (n * channels + k * n * (n - 1) // 2) + n * (8 * k + 36 * k * k)
    channels += n * k
    total += 2 * channels
    if group < 2:
      total += channels * (channels // 2)
      channels //= 2
  return total + (channels + 1) * classes


# Depth 100, growth 12 is the one whose size the DenseNet paper prints: 0.8M (Table 2).
@pytest.mark.parametrize("depth", [40, 100])
def test_has_the_papers_number_of_parameters(depth, count):
  expected = closed_formula(depth, 12, 10)
  assert count(densenet_bc(depth, 12), (1, 32, 32, 3)) == expected
  assert round(expected / 1e6, 1) == {40: 0.2, 100: 0.8}[depth]


def test_agrees_with_numpy(agrees):
  def forward(net, x):
    x = net.conv(x, "body/stem")
    for group in range(3):
      if group > 0:
        at = f"body/transition{group}"
        x = net.conv(net.norm_relu(x, f"{at}_norm"), f"{at}_conv")
        x = (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4
      at = f"body/group{group}_block0"
      y = net.conv(net.norm_relu(x, f"{at}/norm0"), f"{at}/conv0")
      y = net.conv(net.norm_relu(y, f"{at}/norm1"), f"{at}/conv1")
      x = np.concatenate([x, y], axis=-1)
    return net.dense(net.norm_relu(x, "body/norm").mean((1, 2)), "head")

  agrees(densenet_bc(10, 3, classes=3, dtype="float64"), forward, (2, 8, 8, 2))


def test_is_twice_differentiable(twice_differentiable):
  twice_differentiable(densenet_bc(10, 3), (2, 8, 8, 3))


def test_refuses_what_it_cannot_build():
  with pytest.raises(ValueError, match=r"depth must be 6 n \+ 4 .* not 39"):
    densenet_bc(39, 12)
  with pytest.raises(ValueError, match="growth must be at least 1, not 0"):
    densenet_bc(40, 0)
