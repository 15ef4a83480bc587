"""Ops on the colours of uint8 tensors [H, W, C] in TensorFlow, and what they are given."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf


def as_it_is(strength: tf.Tensor) -> tf.Tensor:
  return strength


def truncated(strength: tf.Tensor) -> tf.Tensor:
  """int(strength), forgiving a rounding error."""
  moved = strength + 1e-4 * tf.sign(strength)
  return tf.sign(moved) * tf.floor(tf.abs(moved))


def one_plus(strength: tf.Tensor) -> tf.Tensor:
  return 1 + strength


def below_white(strength: tf.Tensor) -> tf.Tensor:
  return 255 - strength


def above_white(strength: tf.Tensor) -> tf.Tensor:
  return 256 - strength


def above_white_truncated(strength: tf.Tensor) -> tf.Tensor:
  return 256 - truncated(strength)


def bits_left(strength: tf.Tensor) -> tf.Tensor:
  return 8 - strength


def bits_left_truncated(strength: tf.Tensor) -> tf.Tensor:
  return 8 - truncated(strength)


def wide(image: tf.Tensor) -> tf.Tensor:
  return tf.cast(image, tf.int32)


def shifted_right(numbers: tf.Tensor, bits: int) -> tf.Tensor:
  return tf.bitwise.right_shift(numbers, tf.constant(bits, numbers.dtype))


def blend(low: tf.Tensor, image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
  """low + factor (image - low) of levels, in fixed point, truncated."""
  share = tf.cast(tf.floor(tf.clip_by_value(factor, -31.0, 31.0) * 2**18 + 0.5), tf.int32)
  mixed = low * 2**18 + share * (wide(image) - low) + 128
  return tf.cast(tf.clip_by_value(shifted_right(mixed, 18), 0, 255), tf.uint8)


def grey_levels(image: tf.Tensor) -> tf.Tensor:
  """The grey levels [H, W, 1] of one or three channels."""
  if image.shape[-1] == 1:
    return wide(image)
  if image.shape[-1] != 3:
    raise ValueError(f"this op takes 1 or 3 channels, got {image.shape[-1]}")
  total = tf.reduce_sum(wide(image) * [19595, 38470, 7471], axis=-1, keepdims=True)
  return shifted_right(total + 0x8000, 16)


def brightness(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
  """0 is black, 1 the image."""
  return tf.cast(tf.clip_by_value(tf.cast(image, tf.float32) * factor, 0, 255), tf.uint8)


def color(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
  """0 is grey, 1 the image."""
  return blend(grey_levels(image), image, factor)


def contrast(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
  """0 is the mean grey, 1 the image."""
  grey = grey_levels(image)
  count = tf.size(grey)
  return blend((2 * tf.reduce_sum(grey) + count) // (2 * count), image, factor)


def sharpness(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
  """0 is smooth, 1 the image; the border stays."""
  inside = wide(image)
  rows = inside[:-2] + inside[1:-1] + inside[2:]
  total = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] + 4 * inside[1:-1, 1:-1]
  smooth = shifted_right(total * 80660 + (1 << 19), 20)  # the rounded 13th part
  blended = blend(smooth, image[1:-1, 1:-1], factor)
  middle = tf.concat([image[1:-1, :1], blended, image[1:-1, -1:]], 1)
  return tf.concat([image[:1], middle, image[-1:]], 0)


def posterize(image: tf.Tensor, bits: tf.Tensor) -> tf.Tensor:
  """The highest bits stay, 0 to 8 of them."""
  dropped = 8 - tf.cast(tf.clip_by_value(tf.floor(bits + 0.5), 0, 8), tf.int32)
  kept = tf.bitwise.left_shift(tf.bitwise.right_shift(wide(image), dropped), dropped)
  return tf.cast(kept, tf.uint8)


def solarize(image: tf.Tensor, threshold: tf.Tensor) -> tf.Tensor:
  """Levels from the threshold on are inverted; 256 is the image."""
  return tf.where(tf.cast(image, tf.float32) < threshold, image, 255 - image)


def added_below_middle(image: tf.Tensor, amount: tf.Tensor) -> tf.Tensor:
  """Levels below 128 grow by an amount."""
  more = tf.clip_by_value(wide(image) + tf.cast(amount, tf.int32), 0, 255)
  return tf.where(image < 128, tf.cast(more, tf.uint8), image)


def identity(image: tf.Tensor) -> tf.Tensor:
  return image


def invert(image: tf.Tensor) -> tf.Tensor:
  return 255 - image


def grayscale(image: tf.Tensor) -> tf.Tensor:
  """Grey, in as many channels."""
  return tf.cast(tf.broadcast_to(grey_levels(image), tf.shape(image)), tf.uint8)


def autocontrast(image: tf.Tensor) -> tf.Tensor:
  """Each channel stretched to 0..255; one that is constant stays."""
  low, high = (extreme(wide(image), axis=(0, 1)) for extreme in (tf.reduce_min, tf.reduce_max))
  scale = 255 / tf.cast(tf.maximum(high - low, 1), tf.float32)
  stretched = tf.floor(tf.cast(wide(image) - low, tf.float32) * scale + 1e-3)
  return tf.where(high > low, tf.cast(stretched, tf.uint8), image)


def equalize(image: tf.Tensor) -> tf.Tensor:
  """Each channel's levels made equally frequent."""
  channels = tf.unstack(wide(image), axis=-1)
  return tf.stack([tf.gather(equalize_table(c), c) for c in channels], axis=-1)


def equalize_table(channel: tf.Tensor) -> tf.Tensor:
  """uint8 [256]."""
  counts = tf.math.bincount(tf.reshape(channel, [-1]), minlength=256, maxlength=256)
  step = (tf.reduce_sum(counts) - counts[tf.reduce_max(channel)]) // 255
  darker = tf.cumsum(counts) - counts
  table = tf.minimum((darker + step // 2) // tf.maximum(step, 1), 255)
  return tf.cast(tf.where(step > 0, table, np.arange(256, dtype=np.int32)), tf.uint8)


VALUES: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
  "strength": as_it_is,
  "truncated": truncated,
  "one_plus": one_plus,
  "255_minus": below_white,
  "256_minus": above_white,
  "256_minus_truncated": above_white_truncated,
  "8_minus": bits_left,
  "8_minus_truncated": bits_left_truncated,
}
TONES: dict[str, Callable[..., tf.Tensor]] = {
  "brightness": brightness,
  "color": color,
  "contrast": contrast,
  "sharpness": sharpness,
  "posterize": posterize,
  "solarize": solarize,
  "added_below_middle": added_below_middle,
}
PLAIN: dict[str, Callable[..., tf.Tensor]] = {
  "identity": identity,
  "autocontrast": autocontrast,
  "equalize": equalize,
  "invert": invert,
  "grayscale": grayscale,
}
