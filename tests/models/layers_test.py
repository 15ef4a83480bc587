"""The named initialisations against the distributions that they are named for."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.models import small_cnn
from autoaug_jax.models.layers import Layers, dense


class OneConv(nn.Module):
  layers: Layers

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    return self.layers.conv(x, 64, 3, stride=2, name="conv")


def draw(init: str) -> dict:
  layers = Layers(init=init, bias=True)
  return OneConv(layers).init(jax.random.key(0), jnp.zeros((1, 4, 4, 32)))["params"]["conv"]


def test_torch_draws_kernel_and_bias_uniformly_by_fan_in():
  conv, bound = draw("torch"), 1 / np.sqrt(9 * 32)
  for leaf, close in ((conv["kernel"], 0.999), (conv["bias"], 0.9)):
    assert close * bound < np.abs(leaf).max() <= bound
  # 18,432 uniform draws: the standard deviation is bound / sqrt(3), known to half a percent.
  assert np.std(conv["kernel"]) == pytest.approx(bound / np.sqrt(3), rel=0.02)


def test_he_draws_normally_by_fan_out_without_biases():
  conv = draw("he")
  assert np.std(conv["kernel"]) == pytest.approx(np.sqrt(2 / (9 * 64)), rel=0.02)
  # A normal has kurtosis 3; one truncated at two deviations, Flax's habit, has 2.4.
  z = np.asarray(conv["kernel"]) / np.std(conv["kernel"])
  assert np.mean(z**4) == pytest.approx(3, abs=0.2)
  assert not np.any(conv["bias"])


def test_dense_draws_as_torch_does():
  class OneDense(nn.Module):
    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
      return dense(x, 40, jnp.float32, name="dense")

  params = OneDense().init(jax.random.key(0), jnp.zeros((1, 100)))["params"]["dense"]
  for leaf, close in ((params["kernel"], 0.99), (params["bias"], 0.9)):
    assert close * 0.1 < np.abs(leaf).max() <= 0.1


def test_equal_choices_make_equal_models():
  # jit keys on the model where it is static, so a model built twice must not compile twice.
  assert small_cnn() == small_cnn()
  assert hash(small_cnn()) == hash(small_cnn())
  assert small_cnn() != small_cnn(init="he")
