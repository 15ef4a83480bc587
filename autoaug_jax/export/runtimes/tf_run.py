"""Augments uint8 tensors in `tf.data` pipelines."""

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from autoaug_jax.export.runtimes.drawing import OPS
from autoaug_jax.export.runtimes.tf_colors import PLAIN, TONES, VALUES
from autoaug_jax.export.runtimes.tf_drawing import NAMES, draw
from autoaug_jax.export.runtimes.tf_geometry import (
  BOXES,
  WARPS,
  paint,
  warp_bilinear,
  warp_nearest,
)


@tf.autograph.experimental.do_not_convert
def augment(image: tf.Tensor, *others: Any) -> Any:
  """A random augmentation of one uint8 image [H, W, C]; what else an example has stays.

  TensorFlow's generator decides, so that `tf.random.set_seed` makes it repeatable.
  """
  seed = tf.random.uniform([2], maxval=tf.int32.max, dtype=tf.int32)
  augmented = apply(image, *draw(seed))
  return (augmented, *others) if others else augmented


def apply(image: tf.Tensor, ops: tf.Tensor, strengths: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
  """What `draw` has drawn, on uint8 [H, W, C]."""
  if image.dtype != tf.uint8 or image.shape.rank != 3:
    raise ValueError(f"an image is uint8 [H, W, C], got {image.dtype} {image.shape}")
  shape = image.shape
  for k in range(ops.shape[0]):
    branches = [functools.partial(run, OPS[name], image, strengths[k], places[k]) for name in NAMES]
    image = tf.ensure_shape(tf.switch_case(ops[k], branches), shape)
  return image


def run(op: dict[str, Any], image: tf.Tensor, strength: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
  """One op."""
  value = VALUES[op.get("value", "strength")](strength)
  return KINDS[op["kind"]](image, op, value, places)


def run_warp(image: tf.Tensor, op: dict[str, Any], value: tf.Tensor, places: tf.Tensor) -> Any:
  height, width, _ = tf.unstack(tf.cast(tf.shape(image), tf.float64))
  matrix = WARPS[op["op"]](tf.cast(value, tf.float64), height, width, places)
  return INTERPOLATIONS[op.get("interpolation", "nearest")](image, matrix, op["fill"])


def run_box(image: tf.Tensor, op: dict[str, Any], value: tf.Tensor, places: tf.Tensor) -> Any:
  size = tf.shape(image)[:2]
  side = value * tf.cast(size[1], tf.float32)
  return paint(image, BOXES[op["op"]](side, size, places), op["fill"])


def run_tone(image: tf.Tensor, op: dict[str, Any], value: tf.Tensor, places: tf.Tensor) -> Any:
  return TONES[op["op"]](image, value)


def run_plain(image: tf.Tensor, op: dict[str, Any], value: tf.Tensor, places: tf.Tensor) -> Any:
  return PLAIN[op["op"]](image)


KINDS: dict[str, Callable[..., tf.Tensor]] = {
  "warp": run_warp,
  "box": run_box,
  "tone": run_tone,
  "plain": run_plain,
}
INTERPOLATIONS: dict[str, Callable[..., tf.Tensor]] = {
  "nearest": warp_nearest,
  "bilinear": warp_bilinear,
}
