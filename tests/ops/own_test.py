"""A user's function as a row: its pixels in every executor, its gradients, and what is refused."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageEnhance

from autoaug_jax.ops import (
  Draws,
  apply,
  augment,
  augment_uint8,
  executors,
  make_space,
  narrow,
  op,
  plan,
  spaces,
)

KEY = jax.random.key(0)
LEVELS = np.random.default_rng(0).integers(0, 256, (6, 9, 7, 3), np.uint8)


@op("Vignette", high=0.8)
def vignette(image, strength):
  """Dark towards the corners."""
  height, width = image.shape[:2]
  y = jnp.linspace(-1.0, 1.0, height)[:, None, None]
  x = jnp.linspace(-1.0, 1.0, width)[None, :, None]
  return image * (1 - strength * (x**2 + y**2) / 2)


def vignette_by_numpy(levels, strength):
  """uint8 [H, W, C] in float64, halves rounded up."""
  height, width = levels.shape[-3:-1]
  y, x = np.linspace(-1, 1, height)[:, None, None], np.linspace(-1, 1, width)[None, :, None]
  return np.floor(levels * (1 - strength * (x**2 + y**2) / 2) + 0.5)


@op("Noise", low=0.1, high=0.3)
def noise(key, image, strength):
  return image + strength * jax.random.normal(key, image.shape)


@op("TwoTone", high=0.5, straight=True)
def two_tone(image, strength):
  return (image > strength).astype(image.dtype)


def draws(column, magnitude, count=6):
  shape = (count, 1)
  return Draws(jnp.full(shape, column), jnp.full(shape, magnitude), jnp.ones(shape))


def test_the_fused_path_has_numpys_pixels():
  space = make_space([spaces.INVERT, vignette])
  done = augment_uint8(KEY, jnp.asarray(LEVELS), draws(1, 0.75), space=space)
  assert done.dtype == jnp.uint8
  off = np.abs(np.asarray(done, float) - vignette_by_numpy(LEVELS, 0.6))
  assert off.max() <= 1
  assert (off > 0).mean() < 0.01, "one level where float32 and float64 round apart"


def test_the_fused_path_has_pillows_pixels():
  """Darkening by Pillow, which truncates where an own op rounds."""
  dim = op("Dim")(lambda image, strength: image * (1 - strength))
  done = augment_uint8(KEY, jnp.asarray(LEVELS), draws(0, 0.5), space=(dim,))
  for ours, levels in zip(np.asarray(done, int), LEVELS, strict=True):
    theirs = np.asarray(ImageEnhance.Brightness(Image.fromarray(levels)).enhance(0.5), int)
    assert set(np.unique(ours - theirs)) <= {0, 1}


def test_its_range_can_be_narrowed():
  gentle = narrow((vignette,), {"Vignette": (0, 0.2)})
  done = augment_uint8(KEY, jnp.asarray(LEVELS), draws(0, 1.0), space=gentle)
  np.testing.assert_allclose(done, vignette_by_numpy(LEVELS, 0.2), atol=1)


@pytest.mark.parametrize("channels", [3, 5])
def test_the_executors_agree_to_the_bit(channels):
  space = make_space([vignette, noise, two_tone, spaces.INVERT])
  images = jnp.asarray(np.resize(LEVELS, (8, 9, 7, channels)))
  which = Draws(
    jnp.arange(16).reshape(8, 2) % 4, jnp.linspace(0, 1, 16).reshape(8, 2), jnp.ones((8, 2))
  )
  keys = jax.vmap(lambda i: jax.random.split(jax.random.fold_in(KEY, i)))(jnp.arange(8))
  strengths = jnp.asarray([[0.8, 0.2, 0.5, 0.0]] * 4).reshape(8, 2)
  made = plan.make_plan(space, channels)
  one, two = (
    jax.jit(functools.partial(run, made))(keys, images, which.op, strengths)
    for run in (executors.run_by_image, executors.run_by_group)
  )
  np.testing.assert_array_equal(one, two)


def test_a_function_with_a_key_draws_anew_for_each_image():
  image = jnp.full((2, 8, 8, 1), 0.5)
  done = augment(KEY, image, draws(0, 1.0, 2), space=(noise,))
  assert not np.allclose(done[0], done[1])
  assert 0.2 < float(jnp.std(done - image)) < 0.4
  assert float(done.min()) >= 0
  assert float(done.max()) <= 1


def test_gradients_are_the_functions_own():
  """d/dm of image * (1 - 0.8 m r): by hand, and by finite differences."""
  image = jnp.asarray(LEVELS[:1] / np.float32(255)) * 0.9

  def total(magnitude, image):
    which = Draws(jnp.zeros((1, 1), jnp.int32), magnitude.reshape(1, 1), jnp.ones((1, 1)))
    return jnp.sum(augment(KEY, image, which, space=(vignette,)))

  by_magnitude, by_image = jax.grad(total, (0, 1))(jnp.float32(0.5), image)
  y, x = np.linspace(-1, 1, 9)[:, None, None], np.linspace(-1, 1, 7)[None, :, None]
  radius = (x**2 + y**2) / 2
  np.testing.assert_allclose(by_magnitude, -0.8 * np.sum(radius * image[0]), rtol=1e-4)
  np.testing.assert_allclose(by_image[0], (1 - 0.4 * radius) * np.ones_like(image[0]), rtol=1e-4)


def test_straight_through_is_that_of_image_plus_magnitude():
  image = jnp.asarray(LEVELS[:1] / np.float32(255))

  def total(magnitude, image):
    which = Draws(jnp.zeros((1, 1), jnp.int32), magnitude.reshape(1, 1), jnp.ones((1, 1)))
    return jnp.sum(augment(KEY, image, which, space=(two_tone,)))

  value, (by_magnitude, by_image) = jax.value_and_grad(total, (0, 1))(jnp.float32(0.5), image)
  assert float(value) == np.sum(np.asarray(image) > 0.25)
  np.testing.assert_allclose(by_magnitude, image.size, rtol=1e-5)
  np.testing.assert_allclose(by_image, 1.0)


@pytest.mark.parametrize(
  ("call", "words"),
  [
    (lambda: op("")(lambda image, strength: image), "takes a name, got ''"),
    (lambda: op("FlipX")(lambda image, strength: image), "other than .*, got 'FlipX'"),
    (lambda: op("A")(lambda image: image), r"\(image, strength\) or .*, got \(image\)"),
    (lambda: op("A")(lambda a, b, c, d: a), r"got \(a, b, c, d\)"),
    (lambda: op("A")(lambda image, strength, *, by: image), r"got \(image, strength, by\)"),
    (lambda: op("A")(3), "A takes a function, got int"),
    (lambda: op("A", high=np.inf)(lambda image, strength: image), "finite range, got 0.0 to inf"),
    (lambda: op("A", low=1, straight=True)(lambda i, s: i), "one strength, 1"),
    (
      lambda: make_space([*spaces.slack_cifar(), vignette._replace(name="Rotate")]),
      "'Rotate' twice: call one of them otherwise",
    ),
    (
      lambda: run(op("Crop")(lambda image, strength: image[:4])),
      r"Crop takes an image to float \(9, 7, 3\), got float32 \(4, 7, 3\)",
    ),
    (
      lambda: run(op("Count")(lambda image, strength: jnp.zeros(image.shape, jnp.int32))),
      "got int32",
    ),
  ],
  ids=[
    "no name",
    "taken",
    "one",
    "four",
    "keyword",
    "no function",
    "range",
    "point",
    "twice",
    "shape",
    "integers",
  ],
)
def test_mistakes_get_one_sentence(call, words):
  with pytest.raises(ValueError, match=words) as error:
    call()
  assert "\n" not in str(error.value)


def run(row):
  return apply(KEY, row, jnp.asarray(LEVELS[0]), 1.0)
