"""Loops and switches as one writes them by hand, each as fast as it goes without an effort.

The policy is TrivialAugment's: an op out of 14, one of 31 magnitudes and a sign, `count` times in a
row, drawn for each image. Pixels come and go as numpy uint8 [B, H, W, 3].
"""

import functools
import itertools
import random
from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

Call: TypeAlias = Callable[[], np.ndarray]
PixelOp: TypeAlias = Callable[[Any, float], Any]  # (image, level in [0, 1] or in [-1, 1]) -> image

BINS = 31


def one_by_one(images: np.ndarray, augment: Callable[[np.ndarray], Any]) -> Call:
  def call() -> np.ndarray:
    out = np.empty_like(images)
    for i, image in enumerate(images):
      out[i] = augment(image)
    return out

  return call


def _drawn(image: Any, rising: list[PixelOp], signed: list[PixelOp], count: int) -> Any:
  """`count` ops; of each, one of 31 levels, and a sign where it has one."""
  for _ in range(count):
    place = random.randrange(len(rising) + len(signed))
    level = random.randrange(BINS) / (BINS - 1)
    if place < len(rising):
      image = rising[place](image, level)
    else:
      image = signed[place - len(rising)](image, level if random.random() < 0.5 else -level)
  return image


def pillow_loop(images: np.ndarray, count: int) -> Call:
  """A loop as one writes it by hand."""
  from PIL import Image, ImageEnhance, ImageOps

  def warped(coefficients: Callable[[float], tuple[float, ...]]) -> PixelOp:
    affine = Image.Transform.AFFINE
    return lambda image, level: image.transform(image.size, affine, coefficients(level))

  def enhanced(enhancer: Callable[[Any], Any]) -> PixelOp:
    return lambda image, level: enhancer(image).enhance(0.01 + 1.99 * level)

  rising: list[PixelOp] = [
    lambda image, level: image,
    lambda image, level: ImageOps.posterize(image, 8 - int(6 * level)),
    lambda image, level: ImageOps.solarize(image, 256 - int(256 * level)),
    lambda image, level: ImageOps.autocontrast(image),
    lambda image, level: ImageOps.equalize(image),
    enhanced(ImageEnhance.Brightness),
    enhanced(ImageEnhance.Color),
    enhanced(ImageEnhance.Contrast),
    enhanced(ImageEnhance.Sharpness),
  ]
  signed = [
    warped(lambda level: (1, 0.99 * level, 0, 0, 1, 0)),
    warped(lambda level: (1, 0, 0, 0.99 * level, 1, 0)),
    warped(lambda level: (1, 0, int(32 * level), 0, 1, 0)),
    warped(lambda level: (1, 0, 0, 0, 1, int(32 * level))),
    lambda image, level: image.rotate(int(135 * level)),
  ]
  return one_by_one(
    images, lambda image: np.asarray(_drawn(Image.fromarray(image), rising, signed, count))
  )


def opencv_loop(images: np.ndarray, count: int) -> Call:
  """OpenCV and numpy, by hand: tables of 256 levels wherever they serve."""
  import cv2

  cv2.setNumThreads(1)
  height, width = images.shape[1:3]
  levels = np.arange(256)
  below = [np.where(levels < 256 - int(256 * i / 30), levels, 255 - levels) for i in range(BINS)]
  solarized = [table.astype(np.uint8) for table in below]
  grey = np.array([[0.299, 0.587, 0.114]] * 3)

  def warped(matrix: Callable[[float], Any]) -> PixelOp:
    how = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return lambda image, level: cv2.warpAffine(image, matrix(level), (width, height), flags=how)

  def rotation(level: float) -> Any:
    return cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -135 * level, 1.0)

  def contrast(image: Any, level: float) -> Any:
    mean, factor = cv2.mean(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))[0], 0.01 + 1.99 * level
    return cv2.LUT(image, np.clip(mean + factor * (levels - mean), 0, 255).astype(np.uint8))

  def colour(image: Any, level: float) -> Any:
    factor = 0.01 + 1.99 * level
    return cv2.transform(image, factor * np.eye(3) + (1 - factor) * grey)

  def sharpness(image: Any, level: float) -> Any:
    factor = 0.01 + 1.99 * level
    smooth = cv2.filter2D(image, -1, _SMOOTH)
    return cv2.addWeighted(image, factor, smooth, 1 - factor, 0)

  def autocontrast(image: Any, level: float) -> Any:
    return cv2.merge([_stretched(cv2, channel) for channel in cv2.split(image)])

  rising: list[PixelOp] = [
    lambda image, level: image,
    lambda image, level: image & (255 << int(6 * level) & 255),
    lambda image, level: cv2.LUT(image, solarized[round(30 * level)]),
    autocontrast,
    lambda image, level: cv2.merge([cv2.equalizeHist(c) for c in cv2.split(image)]),
    lambda image, level: cv2.convertScaleAbs(image, alpha=0.01 + 1.99 * level),
    colour,
    contrast,
    sharpness,
  ]
  signed = [
    warped(lambda level: np.array([[1.0, 0.99 * level, 0], [0, 1, 0]])),
    warped(lambda level: np.array([[1.0, 0, 0], [0.99 * level, 1, 0]])),
    warped(lambda level: np.array([[1.0, 0, int(32 * level)], [0, 1, 0]])),
    warped(lambda level: np.array([[1.0, 0, 0], [0, 1, int(32 * level)]])),
    warped(rotation),
  ]
  return one_by_one(images, lambda image: _drawn(image, rising, signed, count))


_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13


def _stretched(cv2: Any, channel: np.ndarray) -> np.ndarray:
  low, high, _, _ = cv2.minMaxLoc(channel)
  if high <= low:
    return channel
  return cv2.convertScaleAbs(channel, alpha=255 / (high - low), beta=-255 * low / (high - low))


def pix_switch(images: np.ndarray, count: int) -> Call:
  """dm-pix and plain jax.numpy under vmap(lax.switch): what one writes first in JAX."""
  ops = _pix_ops()

  def one(key: jax.Array, image: jax.Array) -> jax.Array:
    for stage in jax.random.split(key, count):
      place, level, sign = jax.random.split(stage, 3)
      value = jax.random.randint(level, (), 0, BINS).astype(jnp.float32) / (BINS - 1)
      both = value * jax.random.rademacher(sign, (), jnp.float32)
      image = jax.lax.switch(jax.random.randint(place, (), 0, len(ops)), ops, image, value, both)
    return image

  @jax.jit
  def augment(seed: jax.Array, batch: jax.Array) -> jax.Array:
    keys = jax.random.split(jax.random.key(seed), batch.shape[0])
    out = jax.vmap(one)(keys, batch.astype(jnp.float32) / 255)
    return jnp.round(jnp.clip(out, 0, 1) * 255).astype(jnp.uint8)

  seeds = itertools.count()
  return lambda: np.asarray(augment(np.uint32(next(seeds)), images))


def _pix_ops() -> list[Callable[[Any, Any, Any], Any]]:
  """(image, level in [0, 1], the level with a sign) -> image."""
  import dm_pix as pix

  warp = functools.partial(pix.affine_transform, order=0, mode="constant")
  turn: Any = functools.partial(pix.rotate, order=0, mode="constant")
  flat, still = jnp.zeros(3), jnp.eye(3)

  def blend(low: Any, image: Any, level: Any) -> Any:
    return jnp.clip(low + (0.01 + 1.99 * level) * (image - low), 0, 1)

  def smooth(image: Any) -> Any:
    kernel = jnp.broadcast_to(jnp.asarray(_SMOOTH)[:, :, None, None], (3, 3, 1, 3))
    return jax.lax.conv_general_dilated(
      image[None],
      kernel,
      (1, 1),
      "SAME",
      dimension_numbers=("NHWC", "HWIO", "NHWC"),
      feature_group_count=3,
    )[0]

  def posterize(image: Any, step: Any) -> Any:
    return jnp.floor(image * 255 / step) * step / 255

  def autocontrast(image: Any) -> Any:
    low, high = image.min((0, 1)), image.max((0, 1))
    return jnp.where(high > low, (image - low) / jnp.maximum(high - low, 1e-6), image)

  def equalize(channel: Any) -> Any:
    index = (channel * 255).astype(jnp.int32)
    total = jnp.cumsum(jnp.bincount(index.reshape(-1), length=256))
    return (total / total[-1])[index]

  return [
    lambda image, level, both: image,
    lambda image, level, both: warp(image, still.at[1, 0].set(0.99 * both)),
    lambda image, level, both: warp(image, still.at[0, 1].set(0.99 * both)),
    lambda image, level, both: warp(image, still, offset=flat.at[1].set(jnp.trunc(32 * both))),
    lambda image, level, both: warp(image, still, offset=flat.at[0].set(jnp.trunc(32 * both))),
    lambda image, level, both: turn(image, jnp.deg2rad(135 * both)),
    lambda image, level, both: blend(0.0, image, level),
    lambda image, level, both: blend(pix.rgb_to_grayscale(image, keep_dims=True), image, level),
    lambda image, level, both: blend(pix.rgb_to_grayscale(image).mean(), image, level),
    lambda image, level, both: blend(smooth(image), image, level),
    lambda image, level, both: (
      jnp.floor(image * 255 / 2 ** jnp.trunc(6 * level)) * 2 ** jnp.trunc(6 * level) / 255
    ),
    lambda image, level, both: pix.solarize(image, 1 - level),
    lambda image, level, both: autocontrast(image),
    lambda image, level, both: jax.vmap(equalize, in_axes=2, out_axes=2)(image),
  ]
