"""The cases that the op tests replay: our op, Pillow's, and the values to compare at."""

import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from autoaug_jax.ops import color, geometry, histogram

IMAGES = pathlib.Path(__file__).parent.parent / "images"
SIZES = ((32, 32), (40, 24))  # height, width
MAGNITUDES = (0.0, 0.25, 0.5, 0.75, 1.0)


class Case(NamedTuple):
  """`ours` is (image, value) -> image, `pillow` the same on a PIL image."""

  name: str
  ours: Callable[[Any, Any], Any]
  pillow: Callable[[Image.Image, float], Image.Image]
  values: tuple[float, ...]
  neutral: float | None  # the value that changes nothing
  identical: bool = True  # else one level in 0.5% of values
  smooth: bool = True  # the true gradient in the value exists almost everywhere


def images(size: tuple[int, int]) -> np.ndarray:
  """All test pictures, uint8 [13, *size, 3]; wedges and dots are kept in by the offsets."""
  height, width = size
  files = sorted(IMAGES.glob("*.png"))
  pictures = [np.asarray(Image.open(file).convert("RGB")) for file in files]
  return np.stack([picture[4 : 4 + height, 6 : 6 + width] for picture in pictures])


def each_pillow(case: Case, batch: np.ndarray, value: float) -> np.ndarray:
  """`case.pillow` of every image of a batch, greyscale where it has one channel."""
  results = []
  for image in batch:
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    results.append(np.asarray(case.pillow(picture, value)).reshape(image.shape))
  return np.stack(results)


def _signed(reach: float) -> tuple[float, ...]:
  values = {sign * reach * m for m in MAGNITUDES for sign in (1.0, -1.0)}
  return tuple(sorted(float(np.float32(v)) for v in values))


def _range(low: float, high: float) -> tuple[float, ...]:
  return tuple(float(np.float32(low + m * (high - low))) for m in MAGNITUDES)


def _matrix(*entries: Callable[[float], float]) -> Callable[[Image.Image, float], Image.Image]:
  def warp(picture: Image.Image, value: float) -> Image.Image:
    data = [entry(value) for entry in entries]
    return picture.transform(picture.size, Image.Transform.AFFINE, data)

  return warp


def _scale(axis: int) -> Callable[[Image.Image, float], Image.Image]:
  def warp(picture: Image.Image, factor: float) -> Image.Image:
    middle = picture.size[axis] / 2
    along = (1 / factor, middle - middle / factor)
    # Without any shear Pillow steps in float64 and lets its rounding noise decide ties; with a
    # trace of it, too little to move a pixel, it takes the fixed-point path of all other warps.
    data = (along[0], 1e-12, along[1], 0, 1, 0) if axis == 0 else (1, 0, 0, 1e-12, *along)
    return picture.transform(picture.size, Image.Transform.AFFINE, data)

  return warp


def _nearest(op: Callable[..., Any]) -> Callable[[Any, Any], Any]:
  return lambda image, value: op(image, value, interpolation="nearest")


def _enhance(kind: Any) -> Callable[[Image.Image, float], Image.Image]:
  return lambda picture, value: kind(picture).enhance(value)


def _one(value: float) -> float:
  return 1.0


def _zero(value: float) -> float:
  return 0.0


def _it(value: float) -> float:
  return value


WARPS = (
  Case(
    "shear_x", _nearest(geometry.shear_x), _matrix(_one, _it, _zero, _zero, _one, _zero),
    _signed(1.0), 0.0,
  ),
  Case(
    "shear_y", _nearest(geometry.shear_y), _matrix(_one, _zero, _zero, _it, _one, _zero),
    _signed(0.3), 0.0,
  ),
  Case(
    "translate_x", _nearest(geometry.translate_x), _matrix(_one, _zero, _it, _zero, _one, _zero),
    _signed(14.4), 0.0,
  ),
  Case(
    "translate_y", _nearest(geometry.translate_y), _matrix(_one, _zero, _zero, _zero, _one, _it),
    _signed(24.0), 0.0,
  ),
  Case(
    "rotate", _nearest(geometry.rotate), lambda p, v: p.rotate(v),
    (*_signed(135.0), *_signed(30.0), 90.0, 180.0), 0.0,
  ),
  Case("scale_x", _nearest(geometry.scale_x), _scale(0), _range(0.5, 1.5), 1.0),
  Case("scale_y", _nearest(geometry.scale_y), _scale(1), _range(0.5, 2.0), 1.0),
  Case("flip_x", lambda x, v: geometry.flip_x(x), lambda p, v: ImageOps.mirror(p), (0.0,), None),
  Case("flip_y", lambda x, v: geometry.flip_y(x), lambda p, v: ImageOps.flip(p), (0.0,), None),
)  # fmt: skip

COLOURS = (
  Case("identity", lambda x, v: x, lambda p, v: p, (0.0,), 0.0),
  Case(
    "brightness", color.brightness, _enhance(ImageEnhance.Brightness),
    (*_range(0.01, 2.0), *_range(0.1, 1.9)), 1.0,
  ),
  Case("color", color.saturation, _enhance(ImageEnhance.Color), _range(0.01, 1.99), 1.0, False),
  Case("contrast", color.contrast, _enhance(ImageEnhance.Contrast), _range(0.1, 1.9), 1.0, False),
  Case("sharpness", color.sharpness, _enhance(ImageEnhance.Sharpness), _range(0.01, 2), 1.0, False),
  Case("invert", lambda x, v: color.invert(x), lambda p, v: ImageOps.invert(p), (0.0,), None),
  Case(
    "grayscale", lambda x, v: color.grayscale(x), lambda p, v: p.convert("L").convert(p.mode),
    (0.0,), None,
  ),
  Case(
    "posterize", color.posterize, lambda p, v: ImageOps.posterize(p, int(v)),
    tuple(float(b) for b in range(1, 9)), 8.0, smooth=False,
  ),
  Case(
    "solarize", color.solarize, ImageOps.solarize,
    (*_range(0.0, 256.0), 1.0, 100.0, 255.0), 256.0, smooth=False,
  ),
  Case(
    "autocontrast", lambda x, v: histogram.autocontrast(x), lambda p, v: ImageOps.autocontrast(p),
    (0.0,), None, False,
  ),
  Case(
    "equalize", lambda x, v: histogram.equalize(x), lambda p, v: ImageOps.equalize(p),
    (0.0,), None,
  ),
)  # fmt: skip

CASES = WARPS + COLOURS
