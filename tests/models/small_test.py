"""The plain stacks: BadGAN's layers, forward passes in NumPy, their second derivatives."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.models import badgan, small_cnn


def test_badgan_has_nine_convolutions_and_an_mlp(count):
  # Kernels 3 x 3 from 3 to 96, 96, 96, 192, 192, 192, 192 and 1 x 1 to 192, 192; two numbers a
  # channel in nine norms; the MLP 192 -> 192 -> 10.
  kernels = 9 * (3 * 96 + 2 * 96 * 96 + 96 * 192 + 3 * 192 * 192) + 2 * 192 * 192
  assert count(badgan(), (1, 32, 32, 3)) == kernels + 2 * (3 * 96 + 6 * 192) + 193 * 192 + 193 * 10


def test_badgan_agrees_with_numpy(agrees):
  def leaky(x):
    return np.where(x > 0, x, 0.2 * x)

  def forward(net, x):
    for i in range(9):
      x = leaky(net.norm(net.conv(x, f"body/conv{i}", 2 if i in (2, 5) else 1), f"body/norm{i}"))
    return net.dense(leaky(net.dense(x.mean((1, 2)), "body/hidden")), "head")

  agrees(badgan(width=3, dtype="float64"), forward, (2, 7, 8, 3))


@pytest.mark.parametrize("channels", [1, 3])
def test_small_cnn_agrees_with_numpy(channels, agrees):
  def forward(net, x):
    for i in range(3):
      x = net.norm_relu(net.conv(x, f"body/conv{i}", 1 if i == 0 else 2), f"body/norm{i}")
    return net.dense(x.mean((1, 2)), "head")

  agrees(small_cnn(widths=(4, 5, 6), dtype="float64"), forward, (3, 8, 8, channels))


@pytest.mark.parametrize("model", [badgan(width=4), small_cnn(), small_cnn(activation=nn.celu)])
def test_is_twice_differentiable(model, twice_differentiable):
  twice_differentiable(model, (2, 8, 8, 1))


@pytest.mark.parametrize("size", [8, 16])
def test_small_cnn_reads_digits_of_either_size(size):
  model = small_cnn()
  images = jax.ShapeDtypeStruct((2, size, size, 1), jnp.float32)

  def init(key, x):
    return model.init_with_output(key, x, train=True)

  assert jax.eval_shape(init, jax.random.key(0), images)[0].shape == (2, 10)


def test_refuses_what_it_cannot_build():
  with pytest.raises(ValueError, match="width must be at least 1, not 0"):
    badgan(width=0)
  with pytest.raises(ValueError, match=r"widths must be one or more positive numbers, not \(\)"):
    small_cnn(widths=())
  with pytest.raises(ValueError, match="init must be one of 'torch', 'he', not 'zero'"):
    small_cnn(init="zero")
