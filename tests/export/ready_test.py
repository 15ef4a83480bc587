"""`autoaug_jax.load`: a function of images, bit for bit the policy's augmenter."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import autoaug_jax
from autoaug_jax import export
from autoaug_jax.ops import select, spaces
from autoaug_jax.policies import Step, Steps, augmenter, fixed, policy, uniform_slots
from autoaug_jax.policies.stages import Fixed
from autoaug_jax.types import Batch
from tests.ops import cases

NAMES = ("Color", "Posterize", "Identity")  # quick to compile
SPACE = select(spaces.trivial_augment_wide(), NAMES)
POLICY = Fixed(SPACE, (uniform_slots(NAMES, 2, levels=31),))


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
  path = tmp_path_factory.mktemp("policy") / "policy.json"
  export.save(export.described(POLICY, image_size=(16, 16)), path)
  return autoaug_jax.load(path)


def batch_of(images):
  count = len(images)
  return Batch(images, np.zeros(count, int), np.ones(count, np.float32), np.arange(count))


def test_it_is_the_augmenter(ready):
  images, key = cases.images((16, 16)), jax.random.key(3)
  wanted = jax.jit(augmenter(POLICY).augment)(key, (), batch_of(images)).image
  out = ready(key, images)
  assert (out.dtype, out.shape) == (jnp.uint8, images.shape)
  np.testing.assert_array_equal(np.asarray(out), np.asarray(wanted))
  assert (np.asarray(out) != images).any()
  floats = ready(key, images.astype(np.float32) / 255)
  assert floats.dtype == jnp.float32
  assert np.abs(np.asarray(floats) * 255 - np.asarray(out, float)).mean() < 2


def test_it_is_itself_a_function_for_jit_and_vmap(ready):
  images = jnp.asarray(cases.images((16, 16))[:12])
  key = jax.random.key(1)
  np.testing.assert_array_equal(jax.jit(ready)(key, images), ready(key, images))
  keys, batches = jax.random.split(key, 3), images.reshape(3, 4, 16, 16, 3)
  wanted = np.stack([ready(k, b) for k, b in zip(keys, batches, strict=True)])
  np.testing.assert_array_equal(jax.jit(jax.vmap(ready))(keys, batches), wanted)
  one = jax.vmap(ready, in_axes=(0, None))(keys, batches[0])
  np.testing.assert_array_equal(one, np.stack([ready(k, batches[0]) for k in keys]))
  same = jax.vmap(ready, in_axes=(None, 0))(key, batches)
  np.testing.assert_array_equal(same, np.stack([ready(key, b) for b in batches]))


def test_an_outer_axis_leaves_switches_as_they_are(ready):
  """One larger batch: a mapped switch would run all ops for each image."""
  images = jnp.zeros((3, 4, 16, 16, 3), jnp.uint8)
  keys = jax.random.split(jax.random.key(0), 3)

  def conds(jaxpr):
    found = [eqn.primitive.name for eqn in jaxpr.eqns if eqn.primitive.name == "cond"]
    for eqn in jaxpr.eqns:
      for value in jax.tree.leaves(eqn.params, is_leaf=lambda x: hasattr(x, "eqns")):
        inner = getattr(value, "jaxpr", value)
        found += conds(inner) if hasattr(inner, "eqns") else []
    return found

  alone = conds(jax.make_jaxpr(ready)(keys[0], images[0]).jaxpr)
  mapped = conds(jax.make_jaxpr(jax.vmap(ready))(keys, images).jaxpr)
  assert len(mapped) >= len(alone) > 0


def test_it_is_a_record(ready):
  assert ready.spec.image_size == (16, 16)
  assert {ready: 1}[ready] == 1
  assert "PolicySpec" in repr(ready)


def test_one_key_an_image_is_taken_too(ready):
  images = jnp.asarray(cases.images((16, 16))[:4])
  keys = jax.random.split(jax.random.key(1), 4)
  out = ready(keys, images)
  np.testing.assert_array_equal(out[2:3], ready(keys[2:3], images[2:3]))


def test_floats_are_differentiable(ready):
  smooth = export.ready(
    export.PolicySpec(
      Fixed(
        select(spaces.slack_cifar(), ["Brightness"]), (Steps((Step("Brightness", 1.0, 0.5, 0.5),)),)
      )
    )
  )
  images = jnp.full((2, 4, 4, 3), 0.4)
  slope = jax.grad(lambda x: smooth(jax.random.key(0), x).sum())(images)
  assert set(np.round(np.unique(slope), 4)) <= {np.float32(0.505), np.float32(1.495)}


@pytest.mark.parametrize(
  "images",
  [np.zeros((4, 4, 3), np.uint8), np.zeros((2, 4, 4, 3), np.int32)],
  ids=["one image", "whole numbers"],
)
def test_other_images_are_refused(ready, images):
  with pytest.raises(
    ValueError, match=r"takes images \[batch, height, width, channels\], uint8 or"
  ):
    ready(jax.random.key(0), images)


def test_a_policy_that_does_nothing():
  images = cases.images((16, 16))[:2]
  nothing = export.ready(export.PolicySpec(fixed.none()))
  np.testing.assert_array_equal(nothing(jax.random.key(0), images), images)
  assert policy(fixed.none()).log_prob is None


def test_a_missing_file_is_named(tmp_path):
  with pytest.raises(ValueError, match="there is no policy file"):
    autoaug_jax.load(tmp_path / "policy.json")
