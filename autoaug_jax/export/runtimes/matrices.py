"""Warps: where an output pixel looks, as six numbers.

Output position (x, y) looks at (a x + b y + c, d x + e y + f), in pixels, with centres at halves.
"""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

Matrix: TypeAlias = tuple[float, float, float, float, float, float]
Size: TypeAlias = tuple[int, int]  # height, width
MatrixRule: TypeAlias = Callable[[float, Size, Sequence[float]], Matrix]


def shear_x(factor: float, size: Size, noise: Sequence[float]) -> Matrix:
  return (1.0, factor, 0.0, 0.0, 1.0, 0.0)


def shear_y(factor: float, size: Size, noise: Sequence[float]) -> Matrix:
  return (1.0, 0.0, 0.0, factor, 1.0, 0.0)


def translate_x(share: float, size: Size, noise: Sequence[float]) -> Matrix:
  return (1.0, 0.0, share * size[1], 0.0, 1.0, 0.0)


def translate_y(share: float, size: Size, noise: Sequence[float]) -> Matrix:
  return (1.0, 0.0, 0.0, 0.0, 1.0, share * size[0])


def translate_x_pixels(pixels: float, size: Size, noise: Sequence[float]) -> Matrix:
  return (1.0, 0.0, pixels, 0.0, 1.0, 0.0)


def translate_y_pixels(pixels: float, size: Size, noise: Sequence[float]) -> Matrix:
  return (1.0, 0.0, 0.0, 0.0, 1.0, pixels)


def rotate(degrees: float, size: Size, noise: Sequence[float]) -> Matrix:
  """Counter-clockwise about the middle."""
  angle = math.radians(degrees)
  cosine, sine = round(math.cos(angle), 15), round(math.sin(angle), 15)
  return about_middle((cosine, -sine, 0.0, sine, cosine, 0.0), size)


def scale_x(factor: float, size: Size, noise: Sequence[float]) -> Matrix:
  return about_middle((1.0 / factor, 0.0, 0.0, 0.0, 1.0, 0.0), size)


def scale_y(factor: float, size: Size, noise: Sequence[float]) -> Matrix:
  return about_middle((1.0, 0.0, 0.0, 0.0, 1.0 / factor, 0.0), size)


def flip_x(value: float, size: Size, noise: Sequence[float]) -> Matrix:
  """Left and right exchanged."""
  return (-1.0, 0.0, float(size[1]), 0.0, 1.0, 0.0)


def flip_y(value: float, size: Size, noise: Sequence[float]) -> Matrix:
  """Upside down."""
  return (1.0, 0.0, 0.0, 0.0, -1.0, float(size[0]))


def random_crop(share: float, size: Size, noise: Sequence[float]) -> Matrix:
  """Padded by a share of the width on all sides, and the old size cut out anywhere."""
  reach = math.floor(share * size[1] + 0.5)
  across, down = (min(int(place * (2 * reach + 1)), 2 * reach) - reach for place in noise)
  return (1.0, 0.0, float(across), 0.0, 1.0, float(down))


def add_xx(value: float, size: Size, noise: Sequence[float]) -> Matrix:
  return from_unit((1.0 + value, 0.0, 0.0, 0.0, 1.0, 0.0), size)


def add_xy(value: float, size: Size, noise: Sequence[float]) -> Matrix:
  return from_unit((1.0, value, 0.0, 0.0, 1.0, 0.0), size)


def add_x1(value: float, size: Size, noise: Sequence[float]) -> Matrix:
  return from_unit((1.0, 0.0, value, 0.0, 1.0, 0.0), size)


def add_yx(value: float, size: Size, noise: Sequence[float]) -> Matrix:
  return from_unit((1.0, 0.0, 0.0, value, 1.0, 0.0), size)


def add_yy(value: float, size: Size, noise: Sequence[float]) -> Matrix:
  return from_unit((1.0, 0.0, 0.0, 0.0, 1.0 + value, 0.0), size)


def add_y1(value: float, size: Size, noise: Sequence[float]) -> Matrix:
  return from_unit((1.0, 0.0, 0.0, 0.0, 1.0, value), size)


def about_middle(matrix: Matrix, size: Size) -> Matrix:
  """The middle of the image stays where it is."""
  a, b, c, d, e, f = matrix
  x, y = 0.5 * size[1], 0.5 * size[0]
  return (a, b, c + x - (a * x + b * y), d, e, f + y - (d * x + e * y))


def from_unit(matrix: Matrix, size: Size) -> Matrix:
  """From coordinates -1..1, the centres of corner pixels at +-1, to pixels."""
  a, b, c, d, e, f = matrix
  x, y = (size[1] - 1) / 2, (size[0] - 1) / 2
  b, d = b * (x / max(y, 0.5)), d * (y / max(x, 0.5))
  middle_x, middle_y = x + 0.5, y + 0.5
  across = c * x + middle_x - (a * middle_x + b * middle_y)
  down = f * y + middle_y - (d * middle_x + e * middle_y)
  return (a, b, across, d, e, down)


def fixed_point(matrix: Matrix) -> tuple[int, ...]:
  """The matrix in 65536ths of a pixel, at pixel centres, as Pillow has it."""
  a, b, c, d, e, f = matrix
  at_centres = (a, b, c + (a + b) / 2, d, e, f + (d + e) / 2)
  return tuple(math.floor(number * 65536 + 0.5) for number in at_centres)


def in_one(matrices: Sequence[Matrix], summed: bool) -> Matrix:
  """Warps as one: the first first, or the differences from no warp summed."""
  total = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
  for matrix in matrices:
    if summed:
      changes = zip(total, matrix, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), strict=True)
      a, b, c, d, e, f = (t + m - still for t, m, still in changes)
    else:
      p, q, r, s, t, u = total
      g, h, i, j, k, m = matrix
      a, b, c = p * g + q * j, p * h + q * k, p * i + q * m + r
      d, e, f = s * g + t * j, s * h + t * k, s * i + t * m + u
    total = (a, b, c, d, e, f)
  return total


WARPS: dict[str, MatrixRule] = {
  "shear_x_about_corner": shear_x,
  "shear_y_about_corner": shear_y,
  "translate_x_by_share": translate_x,
  "translate_y_by_share": translate_y,
  "translate_x_by_pixels": translate_x_pixels,
  "translate_y_by_pixels": translate_y_pixels,
  "rotate_about_middle": rotate,
  "scale_x_about_middle": scale_x,
  "scale_y_about_middle": scale_y,
  "flip_x": flip_x,
  "flip_y": flip_y,
  "random_crop_by_share": random_crop,
  "affine_xx": add_xx,
  "affine_xy": add_xy,
  "affine_x1": add_x1,
  "affine_yx": add_yx,
  "affine_yy": add_yy,
  "affine_y1": add_y1,
}
