import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax import export
from autoaug_jax.app import named_policy, policy_names
from autoaug_jax.policies import fixed
from autoaug_jax.types import Batch


def batch(channels):
  images = np.random.default_rng(0).integers(0, 256, (6, 16, 16, channels), np.uint8)
  return Batch(jnp.asarray(images), jnp.zeros(6, jnp.int32), jnp.ones(6), jnp.arange(6))


@pytest.mark.parametrize("name", [*policy_names(), "randaugment-1-9"])
def test_every_name_augments_grey_uint8_images(name):
  policy = named_policy(name, mean=(0.5,))
  out = jax.eval_shape(lambda k, b: policy.augment(k, (), b), jax.random.key(0), batch(1))
  assert out.image.shape == (6, 16, 16, 1)
  assert out.image.dtype == jnp.uint8


def test_no_flip_where_none_is_wanted():
  images = batch(1)
  still = named_policy("standard", flip=0.0, mean=(0.5,))
  out = jax.jit(still.augment)(jax.random.key(1), (), images)
  # Pad and crop by up to 2 of 16 pixels: the middle of every image is in its unmirrored source.
  for before, after in zip(np.asarray(images.image), np.asarray(out.image), strict=True):
    middle = after[4:12, 4:12]
    windows = [before[y : y + 8, x : x + 8] for y in range(2, 7) for x in range(2, 7)]
    assert any(np.array_equal(middle, window) for window in windows)


def test_a_policy_file(tmp_path):
  path = tmp_path / "own.json"
  export.save(export.described(fixed.randaugment(n=1, m=9, then=fixed.standard_cutout())), path)
  ours, named = named_policy(str(path)), named_policy("randaugment-1-9")
  outs = [p.augment(jax.random.key(2), (), batch(3)).image for p in (ours, named)]
  np.testing.assert_array_equal(*outs)


@pytest.mark.parametrize("name", ["autoaugment", "randaugment-1", ""])
def test_an_unknown_name_gets_one_sentence(name):
  with pytest.raises(ValueError, match=r"unknown policy .* known are none"):
    named_policy(name)
