"""dm-pix as an oracle, where it is right: inside the image, away from its border and its hue."""

import colorsys

import chex
import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.ops import color, geometry, pix
from tests.ops import cases


def test_bilinear_rotation_inside_the_image():
  import dm_pix

  for image in cases.images((32, 32))[::3].astype(np.float32) / 255:
    ours = geometry.rotate(jnp.asarray(image), 20.0)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
      # dm-pix turns about the centre of pixel 15.5, as we do, with radians.
      theirs = dm_pix.rotate(jnp.asarray(image), np.radians(20.0))
    # Its float32 coordinates start at the corner: 1e-5 of a pixel at a contrast of 1.
    inside = (slice(8, 24), slice(8, 24))
    chex.assert_trees_all_close(ours[inside], theirs[inside], atol=5e-5, rtol=0)


def test_hue_against_a_float64_rotation():
  pixels = np.random.default_rng(0).uniform(size=(10, 10, 3))
  for turns in (-0.5, -0.2, 0.1, 0.4):
    expected = np.empty_like(pixels)
    for place in np.ndindex(10, 10):
      hue, saturation, value = colorsys.rgb_to_hsv(*pixels[place])
      expected[place] = colorsys.hsv_to_rgb((hue + turns) % 1, saturation, value)
    ours = color.hue(jnp.asarray(pixels, jnp.float32), turns)
    # A hue of float32 rounding 1e-7, times 6 sectors.
    chex.assert_trees_all_close(np.asarray(ours, np.float64), expected, atol=5e-6, rtol=0)


def test_hue_of_a_full_first_sector_pixel():
  """(1, .6, .2) keeps its red at a turn of 0: the released Online bilevel code loses it."""
  pixel = jnp.asarray([1.0, 0.6, 0.2]).reshape(1, 1, 3)
  chex.assert_trees_all_close(color.hue(pixel, 0.0), pixel, atol=1e-6)


def test_blur_against_scipy():
  from scipy import ndimage

  image = cases.images((32, 32))[0].astype(np.float64) / 255
  ours = color.blur(jnp.asarray(image, jnp.float32), 1.0)
  theirs = ndimage.gaussian_filter(image, (1.0, 1.0, 0), mode="nearest", radius=(3, 3, 0))
  chex.assert_trees_all_close(np.asarray(ours, np.float64), theirs, atol=2e-6, rtol=0)


def test_strict_promotion_is_no_obstacle():
  assert jax.config.jax_numpy_dtype_promotion == "strict"
  assert pix.hsv_to_rgb(jnp.zeros((2, 2, 3))).shape == (2, 2, 3)
