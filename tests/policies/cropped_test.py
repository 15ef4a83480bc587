import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.policies import augmenter, cropped, fixed
from autoaug_jax.types import Batch

COUNT, WHOLE, SIDE = 600, 6, 4


def batch():
  """Every pixel says where it is."""
  places = np.arange(WHOLE * WHOLE, dtype=np.uint8).reshape(1, WHOLE, WHOLE, 1)
  image = jnp.asarray(np.repeat(places, COUNT, 0))
  index = jnp.arange(COUNT)
  return Batch(image, index, jnp.ones(COUNT), index)


def test_squares_from_everywhere_alike():
  augment = jax.jit(cropped(augmenter(fixed.none()), SIDE).augment)
  images = np.asarray(augment(jax.random.key(0), (), batch()).image)
  assert images.shape == (COUNT, SIDE, SIDE, 1)
  top, left = np.divmod(images[:, 0, 0, 0], WHOLE)
  for image, y, x in zip(images[:20], top, left, strict=False):
    window = np.arange(WHOLE * WHOLE).reshape(WHOLE, WHOLE)[y : y + SIDE, x : x + SIDE]
    assert np.array_equal(image[..., 0], window)
  counts = np.bincount(top * 3 + left, minlength=9)
  # Chi-square of 9 equal shares: 26.1 is passed once in 1,000 times.
  assert np.sum((counts - COUNT / 9) ** 2 / (COUNT / 9)) < 26.1


def test_a_crop_has_to_fit():
  with pytest.raises(ValueError, match="a crop of 7 pixels does not fit into 6 x 6"):
    cropped(augmenter(fixed.none()), 7).augment(jax.random.key(0), (), batch())
  with pytest.raises(ValueError, match="at least 1 pixel a side, not 0"):
    cropped(augmenter(fixed.none()), 0)
