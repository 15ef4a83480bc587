"""Geometric ops by one rule: an output pixel looks up its place in the image.

A matrix is six numbers (a, b, c, d, e, f): the output position (x, y) looks at the input position
(a x + b y + c, d x + e y + f), in pixels from the top left corner, pixel centres at halves, which
is Pillow's convention. Three keywords are common:

* `interpolation`: "bilinear" is differentiable in the matrix, with the right-hand derivative where
  a place falls on a pixel centre, so that nothing is stuck at the identity. "nearest" is Pillow's
  16.16 fixed point to the bit, and has a gradient in the image only.
* `fill`: a colour in [0, 1] (one value, or one a channel), "edge", or "reflect".
* `center`: the fixed point in shares of width and height: (0.5, 0.5) is the middle, (0, 0) the
  top left corner.
"""

from collections.abc import Callable
from typing import TypeAlias

import jax.numpy as jnp
from jax import lax

from autoaug_jax.ops import pix
from autoaug_jax.ops.double import Number, cosine_sine, double, fixed
from autoaug_jax.ops.erasing import Colour, Size, colour_of
from autoaug_jax.ops.levels import as_float, checked, like, number
from autoaug_jax.types import Array

Fill: TypeAlias = Colour | str
Point: TypeAlias = tuple[float, float]  # x, y
Matrix: TypeAlias = tuple[Number, Number, Number, Number, Number, Number]
MatrixRule: TypeAlias = Callable[[Number, Size], Matrix]  # (strength, size) -> matrix

MIDDLE: Point = (0.5, 0.5)
CORNER: Point = (0.0, 0.0)


def affine(
  image: Array, matrix: Array, *, interpolation: str = "bilinear", fill: Fill = 0.0
) -> Array:
  """Warps [H, W, C] by any matrix, here as an array [2, 3]."""
  image = checked(image, op="affine")
  if tuple(jnp.shape(matrix)) != (2, 3):
    raise ValueError(f"affine takes a matrix of shape (2, 3), got {tuple(jnp.shape(matrix))}")
  a, b, c, d, e, f = (number(image, entry) for entry in jnp.asarray(matrix).reshape(6))
  return warp(image, (a, b, c, d, e, f), interpolation=interpolation, fill=fill)


def shear_x(
  image: Array,
  factor: Array | float,
  *,
  center: Point = CORNER,
  interpolation: str = "bilinear",
  fill: Fill = 0.0,
) -> Array:
  """Looks up x + factor * y: rows of [H, W, C] move left, the more the lower."""
  image = checked(image, op="shear_x")
  rule = about(center)(shear_x_matrix)
  return transform(image, rule, factor, interpolation=interpolation, fill=fill)


def shear_y(
  image: Array,
  factor: Array | float,
  *,
  center: Point = CORNER,
  interpolation: str = "bilinear",
  fill: Fill = 0.0,
) -> Array:
  """Looks up y + factor * x: columns of [H, W, C] move up, the more the further right."""
  image = checked(image, op="shear_y")
  rule = about(center)(shear_y_matrix)
  return transform(image, rule, factor, interpolation=interpolation, fill=fill)


def translate_x(
  image: Array, pixels: Array | float, *, interpolation: str = "bilinear", fill: Fill = 0.0
) -> Array:
  """Looks up x + pixels: [H, W, C] moves left."""
  image = checked(image, op="translate_x")
  return transform(image, translate_x_matrix, pixels, interpolation=interpolation, fill=fill)


def translate_y(
  image: Array, pixels: Array | float, *, interpolation: str = "bilinear", fill: Fill = 0.0
) -> Array:
  """Looks up y + pixels: [H, W, C] moves up."""
  image = checked(image, op="translate_y")
  return transform(image, translate_y_matrix, pixels, interpolation=interpolation, fill=fill)


def rotate(
  image: Array,
  degrees: Array | float,
  *,
  center: Point = MIDDLE,
  interpolation: str = "bilinear",
  fill: Fill = 0.0,
) -> Array:
  """Turns [H, W, C] counter-clockwise, size kept."""
  image = checked(image, op="rotate")
  rule = about(center)(rotate_matrix)
  return transform(image, rule, degrees, interpolation=interpolation, fill=fill)


def scale_x(
  image: Array,
  factor: Array | float,
  *,
  center: Point = MIDDLE,
  interpolation: str = "bilinear",
  fill: Fill = 0.0,
) -> Array:
  """Makes the content of [H, W, C] `factor` times as wide."""
  image = checked(image, op="scale_x")
  rule = about(center)(scale_x_matrix)
  return transform(image, rule, factor, interpolation=interpolation, fill=fill)


def scale_y(
  image: Array,
  factor: Array | float,
  *,
  center: Point = MIDDLE,
  interpolation: str = "bilinear",
  fill: Fill = 0.0,
) -> Array:
  """Makes the content of [H, W, C] `factor` times as high."""
  image = checked(image, op="scale_y")
  rule = about(center)(scale_y_matrix)
  return transform(image, rule, factor, interpolation=interpolation, fill=fill)


def flip_x(image: Array) -> Array:
  """[H, W, C] with left and right exchanged."""
  image = checked(image, op="flip_x")
  return pix.flip_left_right(image)


def flip_y(image: Array) -> Array:
  """[H, W, C] upside down."""
  image = checked(image, op="flip_y")
  return pix.flip_up_down(image)


def shear_x_matrix(factor: Number, size: Size) -> Matrix:
  return (1.0, factor, 0.0, 0.0, 1.0, 0.0)


def shear_y_matrix(factor: Number, size: Size) -> Matrix:
  return (1.0, 0.0, 0.0, factor, 1.0, 0.0)


def translate_x_matrix(pixels: Number, size: Size) -> Matrix:
  return (1.0, 0.0, pixels, 0.0, 1.0, 0.0)


def translate_y_matrix(pixels: Number, size: Size) -> Matrix:
  return (1.0, 0.0, 0.0, 0.0, 1.0, pixels)


def rotate_matrix(degrees: Number, size: Size) -> Matrix:
  cosine, sine = cosine_sine(degrees)
  return (cosine, -sine, 0.0, sine, cosine, 0.0)


def scale_x_matrix(factor: Number, size: Size) -> Matrix:
  return (1.0 / factor, 0.0, 0.0, 0.0, 1.0, 0.0)


def scale_y_matrix(factor: Number, size: Size) -> Matrix:
  return (1.0, 0.0, 0.0, 0.0, 1.0 / factor, 0.0)


def flip_x_matrix(strength: Number, size: Size) -> Matrix:
  return (-1.0, 0.0, float(size[1]), 0.0, 1.0, 0.0)


def flip_y_matrix(strength: Number, size: Size) -> Matrix:
  return (1.0, 0.0, 0.0, 0.0, -1.0, float(size[0]))


def about(center: Point) -> Callable[[MatrixRule], MatrixRule]:
  """Moves the fixed point of a rule from the corner to `center`."""

  def move(rule: MatrixRule) -> MatrixRule:
    def moved(strength: Number, size: Size) -> Matrix:
      a, b, c, d, e, f = rule(strength, size)
      x, y = center[0] * size[1], center[1] * size[0]
      return (a, b, c + x - (a * x + b * y), d, e, f + y - (d * x + e * y))

    return moved

  return move


def from_unit(matrix: Matrix, size: Size) -> Matrix:
  """A matrix in coordinates -1..1, the centres of corner pixels at +-1, as one in pixels."""
  a, b, c, d, e, f = matrix
  x, y = (size[1] - 1) / 2, (size[0] - 1) / 2
  b, d = b * (x / max(y, 0.5)), d * (y / max(x, 0.5))
  middle_x, middle_y = x + 0.5, y + 0.5
  return (
    *(a, b, c * x + middle_x - (a * middle_x + b * middle_y)),
    *(d, e, f * y + middle_y - (d * middle_x + e * middle_y)),
  )


def stack_matrix(matrix: Matrix, like: Array) -> Array:
  """Six numbers as an array [2, 3] of the dtype of `like`."""
  return jnp.stack([jnp.asarray(entry, like.dtype) for entry in matrix]).reshape(2, 3)


def compose(first: Array, second: Array) -> Array:
  """The matrix of warping by `first`, then by `second`: all [2, 3]."""
  linear = first[:, :2] @ second[:, :2]
  offset = first[:, :2] @ second[:, 2] + first[:, 2]
  return jnp.concatenate([linear, offset[:, None]], axis=1)


def transform(
  image: Array, rule: MatrixRule, strength: Array | float, *, interpolation: str, fill: Fill
) -> Array:
  """Warps [H, W, C] by rule(strength, size)."""
  value: Number = number(image, strength)
  if interpolation == "nearest":
    value = double(lax.stop_gradient(value))
  return warp(image, rule(value, image.shape[:2]), interpolation=interpolation, fill=fill)


def warp(image: Array, matrix: Matrix, *, interpolation: str, fill: Fill) -> Array:
  """Warps [H, W, C] by six numbers."""
  _check_convention(interpolation, fill)
  if interpolation == "nearest":
    return _warp_nearest(image, jnp.stack(fixed_point(matrix)), fill)
  pixels = as_float(image)
  return like(image, warp_bilinear(pixels, stack_matrix(matrix, pixels), fill))


def _check_convention(interpolation: str, fill: Fill) -> None:
  """Raises ValueError for an unknown interpolation or fill."""
  if interpolation not in ("nearest", "bilinear"):
    raise ValueError(f"interpolation takes 'nearest' or 'bilinear', got {interpolation!r}")
  if isinstance(fill, str) and fill not in ("edge", "reflect"):
    raise ValueError(f"fill takes a colour in [0, 1], 'edge' or 'reflect', got {fill!r}")


def fixed_point(matrix: Matrix) -> tuple[Array, ...]:
  """The six numbers as Pillow's nearest warp has them: int32 in 16.16, offsets to pixel centres.

  From `Double`s they are right to the last bit. An error of one unit would move whole rows of
  pixels at ties, which rotations and shears have.
  """
  a, b, c, d, e, f = (double(entry) for entry in matrix)
  across, down = c + (a + b) * 0.5, f + (d + e) * 0.5
  return tuple(fixed(entry) for entry in (a, b, across, d, e, down))


def fixed_lookup(coefficients: Array, size: Size) -> tuple[Array, Array]:
  """(y, x) int32 [H, W]: where each output pixel of a fixed-point warp looks, perhaps outside."""
  a, b, c, d, e, f = coefficients
  columns = jnp.arange(size[1], dtype=jnp.int32)[None, :]
  rows = jnp.arange(size[0], dtype=jnp.int32)[:, None]
  return (d * columns + (e * rows + f)) >> 16, (a * columns + (b * rows + c)) >> 16


def _warp_nearest(image: Array, coefficients: Array, fill: Fill) -> Array:
  """The nearest warp of [H, W, C] by the int32 coefficients [6] of `fixed_point`."""
  rows, columns = fixed_lookup(coefficients, image.shape[:2])
  return look_up(image, rows, columns, _outside_of(image, fill))


def warp_bilinear(image: Array, matrix: Array, fill: Fill) -> Array:
  """The bilinear warp of a float [H, W, C]; each of four neighbours outside counts as `fill`."""
  height, width, _ = image.shape
  columns = (jnp.arange(width, dtype=image.dtype) + 0.5)[None, :]
  rows = (jnp.arange(height, dtype=image.dtype) + 0.5)[:, None]
  outside = _outside_of(image, fill)
  (a, b, c), (d, e, f) = (matrix[0], matrix[1])
  x, right = _split(a * columns + (b * rows + (c - 0.5)))
  y, low = _split(d * columns + (e * rows + (f - 0.5)))
  top = _mix(look_up(image, y, x, outside), look_up(image, y, x + 1, outside), right)
  bottom = _mix(look_up(image, y + 1, x, outside), look_up(image, y + 1, x + 1, outside), right)
  return _mix(top, bottom, low)


def _split(position: Array) -> tuple[Array, Array]:
  """Whole part (kept within int32) and fraction [H, W, 1]."""
  whole = jnp.floor(position)
  return jnp.clip(whole, -1e6, 1e6).astype(jnp.int32), (position - whole)[..., None]


def _mix(first: Array, second: Array, share: Array) -> Array:
  return first + share * (second - first)


def look_up(image: Array, rows: Array, columns: Array, outside: Array | str) -> Array:
  """image[rows, columns] of [H, W] or [H, W, C]; `outside` is a pixel, "edge" or "reflect"."""
  height, width = image.shape[:2]
  if isinstance(outside, str) and outside == "reflect":
    rows, columns = _reflect(rows, height), _reflect(columns, width)
  near_rows = jnp.clip(rows, 0, height - 1)
  near_columns = jnp.clip(columns, 0, width - 1)
  pixels = image.at[near_rows, near_columns].get(mode="promise_in_bounds")
  if isinstance(outside, str):
    return pixels
  inside = (rows == near_rows) & (columns == near_columns)
  return jnp.where(inside.reshape(inside.shape + (1,) * (image.ndim - 2)), pixels, outside)


def _outside_of(image: Array, fill: Fill) -> Array | str:
  """What `look_up` finds outside of [H, W, C]: a pixel [1, 1, C or 1], or the rule."""
  return fill if isinstance(fill, str) else colour_of(image, fill)


def _reflect(index: Array, length: int) -> Array:
  """Mirrors indices at the centres of the first and last pixel."""
  if length == 1:
    return jnp.zeros_like(index)
  period = 2 * (length - 1)
  index = index % period
  return jnp.minimum(index, period - index)
