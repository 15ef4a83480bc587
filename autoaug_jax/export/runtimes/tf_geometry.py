"""Warps and boxes of uint8 tensors [H, W, C] in TensorFlow."""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import tensorflow as tf

# Output position (x, y) looks at (a x + b y + c, d x + e y + f), in pixels, with centres at halves.
Matrix: TypeAlias = tuple[Any, Any, Any, Any, Any, Any]
Box: TypeAlias = tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]


def shear_x(factor: tf.Tensor, height: tf.Tensor, width: tf.Tensor, places: tf.Tensor) -> Matrix:
  return (1.0, factor, 0.0, 0.0, 1.0, 0.0)


def shear_y(factor: tf.Tensor, height: tf.Tensor, width: tf.Tensor, places: tf.Tensor) -> Matrix:
  return (1.0, 0.0, 0.0, factor, 1.0, 0.0)


def translate_x(share: tf.Tensor, height: tf.Tensor, width: tf.Tensor, places: tf.Tensor) -> Matrix:
  return (1.0, 0.0, share * width, 0.0, 1.0, 0.0)


def translate_y(share: tf.Tensor, height: tf.Tensor, width: tf.Tensor, places: tf.Tensor) -> Matrix:
  return (1.0, 0.0, 0.0, 0.0, 1.0, share * height)


def shift_x(pixels: tf.Tensor, height: tf.Tensor, width: tf.Tensor, places: tf.Tensor) -> Matrix:
  return (1.0, 0.0, pixels, 0.0, 1.0, 0.0)


def shift_y(pixels: tf.Tensor, height: tf.Tensor, width: tf.Tensor, places: tf.Tensor) -> Matrix:
  return (1.0, 0.0, 0.0, 0.0, 1.0, pixels)


def rotate(degrees: tf.Tensor, height: tf.Tensor, width: tf.Tensor, places: tf.Tensor) -> Matrix:
  """Counter-clockwise about the middle."""
  angle = degrees * (math.pi / 180)
  cosine, sine = (tf.round(part(angle) * 1e15) / 1e15 for part in (tf.cos, tf.sin))
  return about_middle((cosine, -sine, 0.0, sine, cosine, 0.0), height, width)


def scale_x(factor: tf.Tensor, height: tf.Tensor, width: tf.Tensor, places: tf.Tensor) -> Matrix:
  return about_middle((1.0 / factor, 0.0, 0.0, 0.0, 1.0, 0.0), height, width)


def scale_y(factor: tf.Tensor, height: tf.Tensor, width: tf.Tensor, places: tf.Tensor) -> Matrix:
  return about_middle((1.0, 0.0, 0.0, 0.0, 1.0 / factor, 0.0), height, width)


def flip_x(value: tf.Tensor, height: tf.Tensor, width: tf.Tensor, places: tf.Tensor) -> Matrix:
  """Left and right exchanged."""
  return (-1.0, 0.0, width, 0.0, 1.0, 0.0)


def flip_y(value: tf.Tensor, height: tf.Tensor, width: tf.Tensor, places: tf.Tensor) -> Matrix:
  """Upside down."""
  return (1.0, 0.0, 0.0, 0.0, -1.0, height)


def random_crop(share: tf.Tensor, height: tf.Tensor, width: tf.Tensor, places: tf.Tensor) -> Matrix:
  """Padded by a share of the width on all sides, and the old size cut out anywhere."""
  reach = tf.floor(share * width + 0.5)
  steps = tf.floor(tf.cast(places, tf.float64) * (2 * reach + 1))
  shift = tf.minimum(steps, 2 * reach) - reach
  return (1.0, 0.0, shift[0], 0.0, 1.0, shift[1])


def about_middle(matrix: Matrix, height: tf.Tensor, width: tf.Tensor) -> Matrix:
  """The middle of the image stays where it is."""
  a, b, c, d, e, f = matrix
  x, y = 0.5 * width, 0.5 * height
  return (a, b, c + x - (a * x + b * y), d, e, f + y - (d * x + e * y))


def look_up(image: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor, fill: Any) -> tf.Tensor:
  """image[rows, columns]; outside is a colour (pixels [C or 1]), "edge" or "reflect"."""
  height, width = tf.shape(image)[0], tf.shape(image)[1]
  if isinstance(fill, str) and fill == "reflect":
    rows, columns = reflect(rows, height), reflect(columns, width)
  near_rows = tf.clip_by_value(rows, 0, height - 1)
  near_columns = tf.clip_by_value(columns, 0, width - 1)
  pixels = tf.gather_nd(image, tf.stack([near_rows, near_columns], -1))
  if isinstance(fill, str):
    return pixels
  inside = (rows == near_rows) & (columns == near_columns)
  return tf.where(inside[..., None], pixels, fill)


def reflect(index: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
  """Mirrored at the centres of the first and the last pixel."""
  period = tf.maximum(2 * (length - 1), 1)
  index = index % period
  return tf.minimum(index, period - index) * tf.cast(length > 1, index.dtype)


def warp_nearest(image: tf.Tensor, matrix: Matrix, fill: Any) -> tf.Tensor:
  """Each pixel looks at the nearest one, in fixed point, as in Pillow."""
  a, b, c, d, e, f = (tf.cast(number, tf.float64) for number in matrix)
  at_centres = tf.stack([a, b, c + (a + b) / 2, d, e, f + (d + e) / 2])
  a, b, c, d, e, f = tf.unstack(tf.cast(tf.floor(at_centres * 65536 + 0.5), tf.int64))
  x = tf.range(tf.shape(image, tf.int64)[1])[None, :]
  y = tf.range(tf.shape(image, tf.int64)[0])[:, None]
  rows, columns = (
    tf.cast(tf.bitwise.right_shift(place, tf.cast(16, tf.int64)), tf.int32)
    for place in (d * x + (e * y + f), a * x + (b * y + c))
  )
  return look_up(image, rows, columns, fill if isinstance(fill, str) else levels(fill))


def warp_bilinear(image: tf.Tensor, matrix: Matrix, fill: Any) -> tf.Tensor:
  """Each pixel looks at four; each of these outside counts as `fill`."""
  a, b, c, d, e, f = (tf.cast(number, tf.float32) for number in matrix)
  x = (tf.cast(tf.range(tf.shape(image)[1]), tf.float32) + 0.5)[None, :]
  y = (tf.cast(tf.range(tf.shape(image)[0]), tf.float32) + 0.5)[:, None]
  x, y = a * x + (b * y + (c - 0.5)), d * x + (e * y + (f - 0.5))
  left, top = tf.floor(x), tf.floor(y)
  right, low = (x - left)[..., None], (y - top)[..., None]
  columns, rows = (tf.cast(tf.clip_by_value(n, -1e6, 1e6), tf.int32) for n in (left, top))
  pixels = tf.cast(image, tf.float32) / 255
  outside = fill if isinstance(fill, str) else tf.reshape(tf.constant(fill, tf.float32), [-1])
  upper, lower = (
    mix(look_up(pixels, row, columns, outside), look_up(pixels, row, columns + 1, outside), right)
    for row in (rows, rows + 1)
  )
  mixed = tf.clip_by_value(mix(upper, lower, low), 0, 1)
  return tf.cast(tf.floor(mixed * 255 + 0.5001), tf.uint8)


def mix(first: tf.Tensor, second: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
  return first + share * (second - first)


def levels(fill: Any) -> tf.Tensor:
  """uint8 [C or 1] of a colour in 0..1."""
  colour = tf.reshape(tf.constant(fill, tf.float32), [-1])
  return tf.cast(tf.floor(colour * 255 + 0.5), tf.uint8)


def paint(image: tf.Tensor, box: Box, fill: Any) -> tf.Tensor:
  """A box in a colour."""
  top, left, bottom, right = box
  y = tf.range(tf.shape(image)[0])[:, None, None]
  x = tf.range(tf.shape(image)[1])[None, :, None]
  return tf.where((y >= top) & (y < bottom) & (x >= left) & (x < right), levels(fill), image)


def clipped_box(side: tf.Tensor, size: tf.Tensor, places: tf.Tensor) -> Box:
  """A square about any pixel; what sticks out is cut off."""
  whole = tf.cast(tf.floor(side + 1e-4), tf.int32)
  low = tf.cast(tf.floor(places * tf.cast(size, tf.float32)), tf.int32) - whole // 2
  high = tf.minimum(low + whole, size)
  return low[0], low[1], high[0], high[1]


def shifted_box(side: tf.Tensor, size: tf.Tensor, places: tf.Tensor) -> Box:
  """A square about any point; shifted inwards at the top and left, cut off otherwise."""
  whole = tf.cast(tf.floor(side + 1e-4), tf.int32)
  low = box_corner(whole, size, places)
  high = tf.minimum(low + whole, size)
  return low[0], low[1], high[0], high[1]


def inclusive_box(side: tf.Tensor, size: tf.Tensor, places: tf.Tensor) -> Box:
  """The same, one pixel longer; a side of 0 is empty."""
  whole = tf.cast(tf.floor(side + 1e-4), tf.int32)
  low = box_corner(whole, size, places)
  high = tf.minimum(low + tf.where(whole > 0, whole + 1, 0), size)
  return low[0], low[1], high[0], high[1]


def box_corner(side: tf.Tensor, size: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
  corner = places * tf.cast(size, tf.float32) - tf.cast(side, tf.float32) / 2
  return tf.cast(tf.maximum(corner, 0), tf.int32)


WARPS: dict[str, Callable[..., Matrix]] = {
  "shear_x_about_corner": shear_x,
  "shear_y_about_corner": shear_y,
  "translate_x_by_share": translate_x,
  "translate_y_by_share": translate_y,
  "translate_x_by_pixels": shift_x,
  "translate_y_by_pixels": shift_y,
  "rotate_about_middle": rotate,
  "scale_x_about_middle": scale_x,
  "scale_y_about_middle": scale_y,
  "flip_x": flip_x,
  "flip_y": flip_y,
  "random_crop_by_share": random_crop,
}
BOXES: dict[str, Callable[..., Box]] = {
  "cutout_clipped": clipped_box,
  "cutout_shifted": shifted_box,
  "cutout_inclusive": inclusive_box,
}
