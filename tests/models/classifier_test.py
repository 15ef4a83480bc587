"""The two parts of a network, and the dtypes that each keeps."""

import chex
import jax
import jax.numpy as jnp
import pytest

from autoaug_jax.models import badgan, densenet_bc, resnet, small_cnn, wide_resnet

IMAGES = jax.random.uniform(jax.random.key(0), (3, 8, 8, 1))


def test_the_head_alone_reads_the_features(drawn):
  model = small_cnn(classes=4)
  variables = drawn(model, IMAGES.shape)
  whole = model.apply(variables, IMAGES, train=False)
  features = model.apply(variables, IMAGES, train=False, method="features")
  head = {"params": {"head": variables["params"]["head"]}}
  chex.assert_trees_all_equal(model.apply(head, features, method="logits"), whole)
  assert features.shape == (3, 32)
  assert set(variables["params"]) == {"body", "head"}
  assert variables["params"]["head"]["kernel"].shape == (32, 4)


@pytest.mark.parametrize(
  "factory",
  [
    badgan,
    lambda **k: densenet_bc(40, 12, **k),
    lambda **k: resnet(18, **k),
    small_cnn,
    lambda **k: wide_resnet(16, 1, **k),
  ],
)
def test_bfloat16_keeps_parameters_statistics_and_logits_in_float32(factory):
  model = factory(dtype=jnp.bfloat16)

  def run(key):
    return model.init_with_output(key, IMAGES, train=True)

  logits, variables = jax.eval_shape(run, jax.random.key(0))

  def features(v):
    return model.apply(v, IMAGES, train=False, method="features")

  assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
  assert logits.dtype == jnp.float32
  assert jax.eval_shape(features, variables).dtype == jnp.bfloat16


def test_bfloat16_computes_what_float32_does(drawn):
  variables = drawn(small_cnn(), IMAGES.shape)
  wide = small_cnn().apply(variables, IMAGES, train=False)
  narrow = small_cnn(dtype=jnp.bfloat16).apply(variables, IMAGES, train=False)
  # Three layers, each rounded to 8 bits: 1 / 256.
  chex.assert_trees_all_close(narrow, wide, rtol=1e-2)
