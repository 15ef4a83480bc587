"""Boxes: where they may lie, and how often they are drawn there."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from autoaug_jax.ops import erasing

SIZE = (20, 12)


def boxes(rule, side, count=4000):
  keys = jax.random.split(jax.random.key(0), count)
  return np.asarray(jax.vmap(lambda key: rule(key, jnp.float32(side), SIZE))(keys))


@pytest.mark.parametrize("rule", [erasing.clipped_box, erasing.shifted_box, erasing.inclusive_box])
def test_side_zero_is_empty_and_boxes_stay_inside(rule):
  assert np.all(boxes(rule, 0, 100)[:, :2] == boxes(rule, 0, 100)[:, 2:])
  drawn = boxes(rule, 7)
  assert drawn[:, :2].min() >= 0
  assert drawn[:, 2].max() <= SIZE[0]
  assert drawn[:, 3].max() <= SIZE[1]


def test_clipped_box_has_a_uniform_centre():
  """Counted by the centre's row: that of an unclipped box, or the row of its clipped edge."""
  top, _, bottom, _ = boxes(erasing.clipped_box, 1).T
  assert np.all(bottom - top == 1)  # side 1 is never cut
  counts = np.bincount(top, minlength=SIZE[0])
  assert stats.chisquare(counts).pvalue > 1e-3


def test_shifted_box_is_whole_at_the_top_left_and_cut_at_the_bottom_right():
  top, left, bottom, _right = boxes(erasing.shifted_box, 6).T
  assert np.all((bottom - top)[top == 0] == 6)
  assert np.any(bottom - top < 6)
  assert np.all((bottom - top == 6) | (bottom == SIZE[0]))
  # A real centre above 3 shifts the box to the edge: 3 + 1 of 20 rows have their corner at 0.
  assert abs(np.mean(top == 0) - 4 / 20) < 0.03
  assert abs(np.mean(left == 0) - 4 / 12) < 0.03


def test_inclusive_box_is_one_longer():
  top, _, bottom, _ = boxes(erasing.inclusive_box, 6).T
  assert np.all((bottom - top)[top == 0] == 7)


def test_random_erasing_follows_its_probability_and_area():
  image = jnp.ones((32, 32, 3))
  keys = jax.random.split(jax.random.key(1), 2000)
  erased = jax.vmap(lambda key: erasing.random_erasing(key, image))(keys)
  share = np.mean(np.asarray(erased) == 0, axis=(1, 2, 3))
  assert abs(np.mean(share > 0) - 0.5) < 0.04  # 3.5 standard deviations of 2,000 coins
  drawn = share[share > 0]
  # Sides are rounded to pixels: up to half a pixel on each of four edges.
  assert drawn.min() > 0.02 - 0.01
  assert drawn.max() < 0.33 + 0.03
  assert abs(np.mean(drawn) - 0.175) < 0.01


def test_fill_and_dtypes():
  image = jnp.zeros((6, 5, 3), jnp.uint8)
  out = erasing.erase(image, jnp.asarray([1, 2, 3, 9]), fill=(1.0, 0.5, 0.0))
  assert out.dtype == jnp.uint8
  expected = np.zeros((6, 5, 3), np.uint8)
  expected[1:3, 2:] = (255, 128, 0)
  chex.assert_trees_all_equal(np.asarray(out), expected)
  with pytest.raises(ValueError, match=r"fill takes 1 or 3 values for this image, got \(1, 0\)"):
    erasing.erase(image, jnp.zeros(4, jnp.int32), fill=(1, 0))
