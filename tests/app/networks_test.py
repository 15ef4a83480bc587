import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest

from autoaug_jax.app import network


def parameters(name, size=32):
  model = network(name, classes=10, image_size=size)
  images = jax.ShapeDtypeStruct((1, size, size, 3), jnp.float32)
  shapes = jax.eval_shape(lambda k, x: model.init(k, x, train=False), jax.random.key(0), images)
  return sum(x.size for x in jax.tree.leaves(shapes["params"]))


@pytest.mark.parametrize(
  ("name", "count"),
  [
    ("wrn-40-2", 2_246_474),
    ("wrn-28-2", 1_469_642),
    ("wrn-28-2-he", 1_467_610),
    ("resnet-18", 11_173_962),
  ],
)
def test_names_mean_the_papers_networks(name, count):
  assert parameters(name) == count


def test_madaos_wide_resnet_is_initialised_by_he():
  layers = network("wrn-16-1-he", classes=10, image_size=32).body.layers
  assert (layers.init, layers.bias) == ("he", False)


def test_large_images_get_the_large_stem():
  # A 7 x 7 convolution of 3 channels to 64 instead of a 3 x 3 one.
  assert parameters("resnet-18", 224) - parameters("resnet-18") == 64 * 3 * (49 - 9)


@pytest.mark.parametrize(
  "name", ["wrn-16-1", "wrn-16-1-he", "resnet-18", "densenet-bc-10-2", "badgan", "small-cnn"]
)
def test_a_name_may_ask_for_celu(name):
  plain, smooth = (network(n, classes=10, image_size=8) for n in (name, f"{name}-celu"))
  assert smooth.body.layers == plain.body.layers._replace(activation=nn.celu)
  assert smooth == plain.clone(body=plain.body.clone(layers=smooth.body.layers))


@pytest.mark.parametrize("name", ["wrn-40", "resnet", "vgg", "wrn-40-2x", ""])
def test_an_unknown_name_gets_one_sentence(name):
  with pytest.raises(ValueError, match=r"unknown network .* known are wrn-40-2"):
    network(name, classes=10, image_size=32)


def test_an_unknown_dtype_gets_one_sentence():
  with pytest.raises(ValueError, match=r"dtype must be one of float32.* not 'half'"):
    network("small-cnn", classes=10, image_size=32, dtype="half")
