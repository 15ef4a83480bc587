"""Derivatives: true ones against central differences in float64, straight-through ones by rule."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from autoaug_jax.ops import color, crops, geometry, gradients, histogram, space, spaces
from tests.ops import cases

# Away from the neutral value, where clipping at white has a kink, and from whole pixels, where
# bilinear interpolation has one.
SMOOTH = {
  "shear_x": (geometry.shear_x, (0.13, -0.211)),
  "shear_y": (geometry.shear_y, (0.13, -0.211)),
  "translate_x": (geometry.translate_x, (3.3, -7.4)),
  "translate_y": (geometry.translate_y, (3.3, -7.4)),
  "rotate": (geometry.rotate, (13.1, -27.3)),
  "scale_x": (geometry.scale_x, (0.77, 1.31)),
  "scale_y": (geometry.scale_y, (0.77, 1.31)),
  "brightness": (color.brightness, (0.3, 0.9)),
  "saturation": (color.saturation, (0.3, 0.9)),
  "contrast": (color.contrast, (0.3, 0.9)),
  "sharpness": (color.sharpness, (0.3, 0.9)),
  "hue": (color.hue, (0.13, -0.27)),
  "gamma": (color.gamma, (0.7, 1.6)),
  "blur": (color.blur, (0.8, 1.7)),
}
FILLS = (0.0, (0.2, 0.5, 0.7), "edge", "reflect")


def pixels(size=(12, 10)) -> np.ndarray:
  """Values strictly between 0 and 1: with none of them at a kink of a clip."""
  return np.random.default_rng(0).uniform(0.1, 0.9, (*size, 3))


def weighted(op, image):
  """A scalar of op(image, value) that no symmetry makes small."""
  weights = jnp.asarray(np.random.default_rng(1).normal(size=image.shape))
  return lambda value: jnp.sum(weights * op(image, value))


@pytest.mark.parametrize("name", SMOOTH)
def test_magnitude_gradient_against_central_differences(name, x64):
  op, values = SMOOTH[name]
  for value in values:
    # float64 and a step of 1e-6 leave an error of about 1e-9 of the third derivative.
    chex.assert_numerical_grads(
      weighted(op, jnp.asarray(pixels())), (jnp.float64(value),), order=1, eps=1e-6, rtol=1e-5
    )


@pytest.mark.parametrize("fill", FILLS, ids=str)
def test_fill_does_not_spoil_the_gradient(fill, x64):
  op = functools.partial(geometry.rotate, fill=fill)
  loss = weighted(op, jnp.asarray(pixels()))
  chex.assert_numerical_grads(loss, (jnp.float64(21.7),), order=1, eps=1e-6, rtol=1e-5)


# The others round grey levels, with the gradient straight through.
@pytest.mark.parametrize("name", sorted(set(SMOOTH) - {"saturation", "contrast", "sharpness"}))
def test_image_gradient_against_central_differences(name, x64):
  op, values = SMOOTH[name]
  weights = jnp.asarray(np.random.default_rng(1).normal(size=(5, 4, 3)))
  loss = lambda image: jnp.sum(weights * op(image, values[0]))  # noqa: E731
  image = jnp.asarray(pixels((5, 4)))
  chex.assert_numerical_grads(loss, (image,), order=1, eps=1e-6, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("op", [geometry.shear_x, geometry.rotate, geometry.translate_x])
def test_nothing_is_stuck_at_the_identity(op, x64):
  """The derivative at 0 is the one to the right, as a one-sided difference has it."""
  loss = weighted(op, jnp.asarray(pixels()))
  slope = jax.grad(loss)(jnp.float64(0.0))
  one_sided = (loss(jnp.float64(1e-6)) - loss(jnp.float64(0.0))) / 1e-6
  assert abs(slope) > 0.01
  # A rotation moves half of the pixels to the left, where the right-hand rule is the other side's.
  if op is not geometry.rotate:
    chex.assert_trees_all_close(slope, one_sided, rtol=1e-4)


@pytest.mark.parametrize(
  ("fill", "mode", "cval"),
  [(0.0, "grid-constant", 0.0), (0.3, "grid-constant", 0.3), ("edge", "nearest", 0.0),
   ("reflect", "mirror", 0.0)],
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_bilinear_warp_against_scipy(fill, mode, cval, dtype, x64):
  draw = np.random.default_rng(2)
  for image in cases.images((40, 24))[::3].astype(np.float64) / 255:
    matrix = np.eye(2, 3) + draw.uniform(-0.3, 0.3, (2, 3)) * [1, 1, 9]
    # scipy's coordinates are (row, column) with pixel centres at whole numbers.
    (a, b, c), (d, e, f) = matrix
    linear = np.array([[e, d], [b, a]])
    offset = np.array([f, c]) + linear @ [0.5, 0.5] - 0.5
    theirs = np.stack(
      [
        ndimage.affine_transform(channel, linear, offset, order=1, mode=mode, cval=cval)
        for channel in np.moveaxis(image, -1, 0)
      ],
      axis=-1,
    )
    ours = geometry.affine(jnp.asarray(image, dtype), jnp.asarray(matrix, dtype), fill=fill)
    tolerance = 1e-9 if dtype == "float64" else 1e-5
    chex.assert_trees_all_close(np.asarray(ours, "float64"), theirs, atol=tolerance, rtol=0)


def test_posterize_is_straight_through():
  image = jnp.asarray(pixels(), jnp.float32)
  by_bits = jax.grad(lambda b: jnp.sum(color.posterize(image, b)))(4.0)
  by_image = jax.grad(lambda x: jnp.sum(color.posterize(x, 4.0)))(image)
  chex.assert_trees_all_close(by_bits, jnp.float32(image.size / 8), rtol=1e-6)
  chex.assert_trees_all_equal(by_image, jnp.ones_like(image))


def test_solarize_is_straight_through_in_its_threshold():
  image = jnp.asarray(pixels(), jnp.float32)
  by_threshold = jax.grad(lambda t: jnp.sum(color.solarize(image, t)))(128.0)
  by_image = jax.grad(lambda x: jnp.sum(color.solarize(x, 128.0)))(image)
  chex.assert_trees_all_close(by_threshold, jnp.float32(image.size / 255), rtol=1e-5)
  chex.assert_trees_all_equal(by_image, jnp.where(image * 255 < 127.5, 1.0, -1.0))


@pytest.mark.parametrize("op", [histogram.equalize, histogram.autocontrast])
def test_histogram_ops_are_straight_through_in_the_image(op):
  image = jnp.asarray(pixels(), jnp.float32)
  weights = jnp.arange(image.size, dtype=jnp.float32).reshape(image.shape)
  slope = jax.grad(lambda x: jnp.sum(weights * op(x)))(image)
  chex.assert_trees_all_equal(slope, weights)


def test_straight_through_keeps_the_value_to_the_bit():
  hard, soft = jnp.float32(0.1), jnp.float32(12345.678)
  assert gradients.straight_through(hard, soft) == hard
  assert jax.grad(lambda x: gradients.straight_through(hard, 3.0 * x))(soft) == 3.0


def test_truncation_forgives_float_rounding():
  for whole in range(31):
    for steps in (7.0, 10.0, 30.0):
      scaled = jnp.float32(whole) / jnp.float32(steps) * jnp.float32(steps)
      assert gradients.truncate_through(scaled) == whole
      assert gradients.truncate_through(-scaled) == -whole
  assert gradients.truncate_through(jnp.float32(6.9)) == 6


FACTORIES = [
  *(spaces.slack_cifar, spaces.slack_imagenet, spaces.slack_domainnet, spaces.madao),
  *(spaces.autodo, spaces.bilevel_translation, spaces.bilevel_affine, spaces.bilevel_color),
  *(spaces.randaugment, spaces.trivial_augment_ra, spaces.trivial_augment_wide),
  *(spaces.uniform_augment, spaces.autoaugment),
]


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda f: f.__name__)
def test_no_nan_anywhere(factory):
  """Black, white, grey, saturated and noisy images, at magnitudes 0, 1/2 and 1."""
  flat = [jnp.full((9, 9, 3), level, jnp.float32) for level in (0.0, 0.5, 1.0)]
  pure = jnp.zeros((9, 9, 3)).at[..., 0].set(1.0)
  noise = jnp.asarray(np.random.default_rng(0).integers(0, 2, (9, 9, 3)), jnp.float32)
  batch = jnp.stack([*flat, pure, noise])
  magnitudes = jnp.asarray([0.0, 0.5, 1.0])

  @functools.partial(jax.jit, static_argnums=0)
  def all_slopes(op):
    def total(image, magnitude):
      return jnp.sum(space.apply(jax.random.key(0), op, image, magnitude))

    slopes = jax.value_and_grad(total, argnums=(0, 1))
    return jax.vmap(lambda x: jax.vmap(lambda m: slopes(x, m))(magnitudes))(batch)

  for op in factory():
    chex.assert_tree_all_finite(all_slopes(op))


def test_gamma_is_finite_at_black_and_right_elsewhere():
  image = jnp.asarray([0.0, 0.25, 1.0]).reshape(1, 3, 1)
  for exponent in (0.3, 1.0, 3.0):
    chex.assert_trees_all_close(
      np.asarray(color.gamma(image, exponent)), np.asarray(image) ** exponent, rtol=1e-6
    )
    slopes = jax.grad(lambda x, e: jnp.sum(color.gamma(x, e)), argnums=(0, 1))(image, exponent)
    chex.assert_tree_all_finite(slopes)


def test_resize_gradient(x64):
  image = jnp.asarray(pixels((6, 5)))
  weights = jnp.asarray(np.random.default_rng(1).normal(size=(4, 8, 3)))
  loss = lambda x: jnp.sum(weights * crops.resize(x, (4, 8)))  # noqa: E731
  chex.assert_numerical_grads(loss, (image,), order=1, eps=1e-6, rtol=1e-5, atol=1e-7)
