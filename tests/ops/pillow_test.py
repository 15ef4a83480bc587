"""Every op against Pillow, on both faces, eager and compiled, in colour and in grey."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from autoaug_jax.ops import crops, erasing, geometry
from tests.ops import cases

by_name = pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.name)
by_neutral = pytest.mark.parametrize(
  "case", [c for c in cases.CASES if c.neutral is not None], ids=lambda case: case.name
)
by_size = pytest.mark.parametrize("size", cases.SIZES, ids=str)


@functools.cache
def batched(case: cases.Case):
  return jax.jit(jax.vmap(case.ours, in_axes=(0, None)))


def assert_levels_agree(case, ours, theirs):
  if case.identical:
    np.testing.assert_array_equal(ours, theirs)
    return
  difference = np.abs(ours.astype(int) - theirs.astype(int))
  assert difference.max() <= 1
  assert np.mean(difference > 0) <= 0.005


@by_name
@by_size
def test_uint8_face(case, size):
  batch = cases.images(size)
  for value in case.values:
    ours = np.asarray(batched(case)(batch, jnp.float32(value)))
    assert ours.dtype == np.uint8
    assert_levels_agree(case, ours, cases.each_pillow(case, batch, value))


@by_name
@by_size
def test_float_face_is_within_one_level(case, size):
  batch = cases.images(size)
  for value in case.values:
    ours = np.asarray(batched(case)(batch.astype(np.float32) / 255, jnp.float32(value)))
    theirs = cases.each_pillow(case, batch, value) / 255
    assert ours.dtype == np.float32
    assert ours.min() >= 0
    assert ours.max() <= 1
    # Pillow truncates blends, so the distance is below one level; 1e-6 is float32 rounding.
    chex.assert_trees_all_close(ours, theirs, atol=1 / 255 + 1e-6, rtol=0)


@by_name
def test_greyscale(case):
  batch = cases.images((32, 32))[..., 1:2]
  for value in case.values[::2]:
    ours = np.asarray(batched(case)(batch, jnp.float32(value)))
    assert_levels_agree(case, ours, cases.each_pillow(case, batch, value))


@by_neutral
def test_neutral_value_is_the_identity(case):
  batch = cases.images((40, 24))
  pixels = batch.astype(np.float32) / 255
  neutral = jnp.float32(case.neutral)
  np.testing.assert_array_equal(np.asarray(batched(case)(batch, neutral)), batch)
  # d + 1 * (x - d) rounds twice: two units in the last place of 1.
  chex.assert_trees_all_close(np.asarray(batched(case)(pixels, neutral)), pixels, atol=2.4e-7)


class Replay(chex.TestCase):
  """The same cases under each way of running them."""

  @chex.variants(with_jit=True, without_jit=True)
  def test_variants_agree_with_pillow(self):
    batch = cases.images((40, 24))[::5]
    for case in cases.CASES:
      run = self.variant(jax.vmap(case.ours, in_axes=(0, None)))
      value = case.values[len(case.values) // 4]
      ours = np.asarray(run(jnp.asarray(batch), jnp.float32(value)))
      assert_levels_agree(case, ours, cases.each_pillow(case, batch, value))


def test_posterize_and_solarize_really_act_and_in_the_right_direction():
  ramp = jnp.arange(256, dtype=jnp.uint8).reshape(16, 16, 1)
  colour = {case.name: case.ours for case in cases.COLOURS}
  counts = [len(np.unique(colour["posterize"](ramp, b))) for b in range(9)]
  assert counts == [2**bits for bits in range(9)]
  changed = [int(np.sum(colour["solarize"](ramp, t) != ramp)) for t in (0, 64, 128, 256)]
  assert changed == [256, 192, 128, 0]


def test_fills_are_pillows_colours():
  batch = cases.images((40, 24))
  fill = (0.4, 0.0, 1.0)
  for image in batch[::4]:
    ours = geometry.rotate(jnp.asarray(image), 33.0, interpolation="nearest", fill=fill)
    theirs = Image.fromarray(image).rotate(33.0, fillcolor=(102, 0, 255))
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def test_any_matrix():
  batch = cases.images((40, 24))
  draw = np.random.default_rng(0)
  warp = jax.jit(functools.partial(geometry.affine, interpolation="nearest"))
  for image in batch:
    matrix = np.eye(2, 3) + draw.uniform(-0.4, 0.4, (2, 3)) * [1, 1, 30]
    matrix = matrix.astype(np.float32)
    ours = warp(jnp.asarray(image), matrix)
    data = [float(entry) for entry in matrix.reshape(-1)]
    theirs = Image.fromarray(image).transform((24, 40), Image.Transform.AFFINE, data)
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


@by_size
def test_random_crop_of_the_same_draw(size):
  crop = jax.jit(crops.random_crop)
  for seed, image in enumerate(cases.images(size)):
    key, padding = jax.random.key(seed), 3 + seed % 3
    _, _, x, _, _, y = crops.crop_matrix(key)(jnp.float32(padding), size)
    left, top = int(x) + padding, int(y) + padding
    assert min(left, top) >= 0
    assert max(left, top) <= 2 * padding
    padded = Image.new("RGB", (size[1] + 2 * padding, size[0] + 2 * padding))
    padded.paste(Image.fromarray(image), (padding, padding))
    theirs = padded.crop((left, top, left + size[1], top + size[0]))
    np.testing.assert_array_equal(
      np.asarray(crop(key, jnp.asarray(image), padding)), np.asarray(theirs)
    )


RULES = (erasing.clipped_box, erasing.shifted_box, erasing.inclusive_box)


@by_size
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_cutout_of_the_same_draw(rule, size):
  cutout = jax.jit(functools.partial(erasing.cutout, box=rule, fill=(0.2, 0.4, 0.6)))
  for seed, image in enumerate(cases.images(size)):
    key, side = jax.random.key(seed), jnp.float32(2 * seed)
    top, left, bottom, right = (int(edge) for edge in rule(key, side, size))
    theirs = Image.fromarray(image)
    theirs.paste((51, 102, 153), (left, top, right, bottom))
    np.testing.assert_array_equal(
      np.asarray(cutout(key, jnp.asarray(image), side)), np.asarray(theirs)
    )


FILTERS = {
  "bilinear": (crops.BILINEAR, Image.Resampling.BILINEAR),
  "bicubic": (crops.BICUBIC, Image.Resampling.BICUBIC),
}


@pytest.mark.parametrize("size", [(16, 20), (32, 32), (57, 41)], ids=str)
@pytest.mark.parametrize("name", FILTERS)
def test_resize(name, size):
  ours_filter, theirs_filter = FILTERS[name]
  resize = jax.jit(lambda x: crops.resize(x, size, method=ours_filter))
  for image in cases.images((40, 24)):
    theirs = np.asarray(Image.fromarray(image).resize(size[::-1], theirs_filter)).astype(int)
    assert np.abs(np.asarray(resize(jnp.asarray(image))).astype(int) - theirs).max() <= 1


@pytest.mark.parametrize("name", FILTERS)
def test_random_resized_crop_of_the_same_draw(name):
  ours_filter, theirs_filter = FILTERS[name]
  size, aspect = (32, 32), (3 / 4, 4 / 3)
  crop = jax.jit(functools.partial(crops.random_resized_crop, method=ours_filter))
  for seed, image in enumerate(cases.images(size)):
    key, area = jax.random.key(seed), jnp.float32(0.9 - seed / 16)
    tall, wide, found = erasing.draw_shape(key, size, (area, area), aspect)
    assert bool(found)
    assert abs(int(tall) * int(wide) / 1024 - area) < 0.06  # two roundings of a side to pixels
    assert 0.7 < wide / tall < 1.43
    top, left = erasing.draw_corner(key, size, tall, wide)
    box = (int(left), int(top), int(left + wide), int(top + tall))
    theirs = np.asarray(Image.fromarray(image).resize((32, 32), theirs_filter, box=box))
    ours = np.asarray(crop(key, jnp.asarray(image), area))
    assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 1


def test_center_crop():
  image = cases.images((40, 24))[0]
  theirs = Image.fromarray(image).crop((4, 10, 20, 30))
  np.testing.assert_array_equal(
    np.asarray(crops.center_crop(jnp.asarray(image), (20, 16))), np.asarray(theirs)
  )
