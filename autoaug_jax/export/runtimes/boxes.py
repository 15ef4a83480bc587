"""Where ops paint or crop: boxes (top, left, bottom, right) in pixels, from places in [0, 1)."""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

from autoaug_jax.export.runtimes.matrices import Size

Box: TypeAlias = tuple[int, int, int, int]
BoxRule: TypeAlias = Callable[[float, Size, Sequence[float]], Box]


def clipped_box(side: float, size: Size, noise: Sequence[float]) -> Box:
  """A square about any pixel; what sticks out is cut off."""
  whole = math.floor(side + 1e-4)
  top, left = (int(place * n) - whole // 2 for place, n in zip(noise, size, strict=True))
  return max(top, 0), max(left, 0), min(top + whole, size[0]), min(left + whole, size[1])


def shifted_box(side: float, size: Size, noise: Sequence[float]) -> Box:
  """A square about any point; shifted inwards at the top and left, cut off otherwise."""
  whole = math.floor(side + 1e-4)
  top, left = box_corner(whole, size, noise)
  return top, left, min(top + whole, size[0]), min(left + whole, size[1])


def inclusive_box(side: float, size: Size, noise: Sequence[float]) -> Box:
  """The same, one pixel longer; a side of 0 is empty."""
  whole = math.floor(side + 1e-4)
  top, left = box_corner(whole, size, noise)
  longer = whole + 1 if whole > 0 else 0
  return top, left, min(top + longer, size[0]), min(left + longer, size[1])


def box_corner(side: int, size: Size, noise: Sequence[float]) -> tuple[int, int]:
  top, left = (int(max(place * n - side / 2, 0)) for place, n in zip(noise, size, strict=True))
  return top, left


def crop_box(areas: tuple[float, float], size: Size, noise: Sequence[float]) -> Box:
  """The first of ten boxes of random area and aspect (3/4 to 4/3) that fits, else the middle."""
  height, width = size
  low, high = math.log(3 / 4), math.log(4 / 3)
  for share, place in zip(noise[:10], noise[10:20], strict=True):
    pixels = (areas[0] + share * (areas[1] - areas[0])) * height * width
    aspect = math.exp(low + place * (high - low))
    wide = math.floor(math.sqrt(pixels * aspect) + 0.5)
    tall = math.floor(math.sqrt(pixels / aspect) + 0.5)
    if 0 < tall <= height and 0 < wide <= width:
      top, left = int(noise[20] * (height - tall + 1)), int(noise[21] * (width - wide + 1))
      return top, left, top + tall, left + wide
  tall = round(width / (3 / 4)) if width < 3 / 4 * height else height
  wide = round(height * (4 / 3)) if width > 4 / 3 * height else width
  top, left = (height - tall) // 2, (width - wide) // 2
  return top, left, top + tall, left + wide


BOXES: dict[str, BoxRule] = {
  "cutout_clipped": clipped_box,
  "cutout_shifted": shifted_box,
  "cutout_inclusive": inclusive_box,
}
