"""The papers' search spaces as tables. Factories cache theirs, so that equal calls are equal.

Ranges are strengths: degrees, shear factors, shares of the image's side (or pixels where said),
grey levels, bits, and distances from factor 1. `Signed` ops draw a sign with probability 1/2.
"""

import functools

from autoaug_jax.ops import color, crops, erasing, geometry, histogram, kinds
from autoaug_jax.ops.double import Number
from autoaug_jax.ops.erasing import Size
from autoaug_jax.ops.geometry import CORNER, MIDDLE, Fill, Matrix, MatrixRule, about
from autoaug_jax.ops.gradients import truncate_through
from autoaug_jax.ops.kinds import Erase, Keyed, KeyedMatrixRule, Plain, Tone, Warp
from autoaug_jax.ops.space import Op, Space, make_space
from autoaug_jax.types import Key

CIFAR_MEAN = (0.4914, 0.4822, 0.4465)
IMAGENET_MEAN = (0.485, 0.456, 0.406)


def _unkeyed(rule: MatrixRule) -> KeyedMatrixRule:
  return lambda key, value, size: rule(value, size)


_SHEAR_X = _unkeyed(about(CORNER)(geometry.shear_x_matrix))
_SHEAR_Y = _unkeyed(about(CORNER)(geometry.shear_y_matrix))
_PIXELS_X = _unkeyed(geometry.translate_x_matrix)
_PIXELS_Y = _unkeyed(geometry.translate_y_matrix)
_TRANSLATE_X = _unkeyed(lambda share, size: geometry.translate_x_matrix(share * size[1], size))
_TRANSLATE_Y = _unkeyed(lambda share, size: geometry.translate_y_matrix(share * size[0], size))
_ROTATE = _unkeyed(about(MIDDLE)(geometry.rotate_matrix))
_SCALE_X = _unkeyed(about(MIDDLE)(geometry.scale_x_matrix))
_SCALE_Y = _unkeyed(about(MIDDLE)(geometry.scale_y_matrix))


def _crop(key: Key, share: Number, size: Size) -> Matrix:
  return crops.crop_matrix(key)(share * size[1], size)


IDENTITY = Op("Identity", Plain(kinds.identity))
AUTOCONTRAST = Op("AutoContrast", Plain(histogram.autocontrast))
EQUALIZE = Op("Equalize", Plain(histogram.equalize))
INVERT = Op("Invert", Plain(color.invert))
GRAYSCALE = Op("Grayscale", Plain(color.grayscale))
FLIP_X = Op("FlipX", Warp(_unkeyed(geometry.flip_x_matrix)))
FLIP_Y = Op("FlipY", Warp(_unkeyed(geometry.flip_y_matrix)))

_FACTORS = (
  ("Contrast", color.contrast),
  ("Color", color.saturation),
  ("Brightness", color.brightness),
  ("Sharpness", color.sharpness),
)


def _around_one(reach: float) -> list[Op]:
  """Factors 1 +- reach."""
  return [Op(name, Tone(op, kinds.one_plus), 0.0, reach, True) for name, op in _FACTORS]


def _from_low(low: float, high: float) -> list[Op]:
  """Factors low..high, magnitude 0 the lowest (AutoAugment, Table 6)."""
  return [Op(name, Tone(op, kinds.itself), low, high) for name, op in _FACTORS]


@functools.cache
def slack_cifar(
  *, interpolation: str = "nearest", fill: Fill = 0.0, cutout_fill: erasing.Colour = CIFAR_MEAN
) -> Space:
  """SLACK's 17 ops for CIFAR (Tables 8 and 9), in the order of the paper's figures."""
  warp = functools.partial(Warp, interpolation=interpolation, fill=fill)
  return make_space(
    [
      Op("ShearX", warp(_SHEAR_X), 0.0, 1.0, True),
      Op("ShearY", warp(_SHEAR_Y), 0.0, 1.0, True),
      Op("TranslateX", warp(_TRANSLATE_X), 0.0, 0.75, True),
      Op("TranslateY", warp(_TRANSLATE_Y), 0.0, 0.75, True),
      Op("Rotate", warp(_ROTATE), 0.0, 90.0, True),
      AUTOCONTRAST,
      INVERT,
      EQUALIZE,
      Op("Solarize", Tone(color.solarize, kinds.below_white), 0.0, 255.0),
      Op("Posterize", Tone(color.posterize, kinds.bits_left), 0.0, 6.0),
      *_around_one(0.99),
      Op("Cutout", Erase(erasing.shifted_box, cutout_fill), 0.0, 1.0),
      Op("RandomCrop", Warp(_crop), 0.0, 0.5),
      IDENTITY,
    ]
  )


_HUE = Op("Hue", Tone(color.hue, kinds.itself), 0.0, 0.5, True)
_RESIZED_CROP = Op(
  "RandomResizedCrop", Keyed(crops.random_resized_crop, kinds.one_minus), 0.0, 0.95
)


@functools.cache
def slack_imagenet(
  *,
  interpolation: str = "nearest",
  fill: Fill = 0.0,
  cutout_fill: erasing.Colour = IMAGENET_MEAN,
) -> Space:
  """SLACK's 18 ops for ImageNet-100: Hue before Cutout, a resized crop for the padded one."""
  ops = list(slack_cifar(interpolation=interpolation, fill=fill, cutout_fill=cutout_fill))
  return make_space([*ops[:14], _HUE, ops[14], _RESIZED_CROP, ops[16]])


@functools.cache
def slack_domainnet(
  *,
  interpolation: str = "nearest",
  fill: Fill = 0.0,
  cutout_fill: erasing.Colour = IMAGENET_MEAN,
) -> Space:
  """SLACK's 20 ops for DomainNet: both crops, Hue, and Grayscale after Equalize."""
  ops = list(slack_cifar(interpolation=interpolation, fill=fill, cutout_fill=cutout_fill))
  return make_space(
    [*ops[:8], GRAYSCALE, *ops[8:14], _HUE, ops[14], _RESIZED_CROP, ops[15], ops[16]]
  )


@functools.cache
def madao(*, interpolation: str = "bilinear", fill: Fill = 0.0) -> Space:
  """MADAO's 14 ops (arXiv version, Table 5): differentiable warps, magnitude 0 changes nothing."""
  warp = functools.partial(Warp, interpolation=interpolation, fill=fill)
  return make_space(
    [
      Op("ShearX", warp(_SHEAR_X), 0.0, 0.3, True),
      Op("ShearY", warp(_SHEAR_Y), 0.0, 0.3, True),
      Op("TranslateX", warp(_TRANSLATE_X), 0.0, 0.45, True),
      Op("TranslateY", warp(_TRANSLATE_Y), 0.0, 0.45, True),
      Op("Rotate", warp(_ROTATE), 0.0, 30.0, True),
      INVERT,
      Op("Solarize", Tone(color.solarize, kinds.above_white), 0.0, 256.0),
      Op("Posterize", Tone(color.posterize, kinds.bits_left), 0.0, 4.0),
      *_around_one(1.0),
      AUTOCONTRAST,
      EQUALIZE,
    ]
  )


@functools.cache
def autodo(*, interpolation: str = "bilinear", fill: Fill = "edge") -> Space:
  """AutoDO's 7 geometric ops (Section 4): borders are continued, nothing is black."""
  warp = functools.partial(Warp, interpolation=interpolation, fill=fill)
  return make_space(
    [
      Op("Rotate", warp(_ROTATE), 0.0, 30.0, True),
      Op("TranslateX", warp(_TRANSLATE_X), 0.0, 0.45, True),
      Op("TranslateY", warp(_TRANSLATE_Y), 0.0, 0.45, True),
      Op("ShearX", warp(_SHEAR_X), 0.0, 0.3, True),
      Op("ShearY", warp(_SHEAR_Y), 0.0, 0.3, True),
      Op("ScaleX", warp(_SCALE_X, value=kinds.one_plus), 0.0, 0.5, True),
      Op("ScaleY", warp(_SCALE_Y, value=kinds.one_plus), 0.0, 0.5, True),
    ]
  )


@functools.cache
def bilevel_translation(*, interpolation: str = "bilinear", fill: Fill = CIFAR_MEAN) -> Space:
  """Online bilevel's 2 translations (Section 4.1): 1 is half the image, which has a mean fill."""
  warp = functools.partial(Warp, interpolation=interpolation, fill=fill)
  return make_space(
    [
      Op("TranslateX", warp(_TRANSLATE_X), 0.0, 0.5, True),
      Op("TranslateY", warp(_TRANSLATE_Y), 0.0, 0.5, True),
    ]
  )


@functools.cache
def bilevel_affine(*, interpolation: str = "bilinear", fill: Fill = CIFAR_MEAN) -> Space:
  """Online bilevel's 6 numbers added to the identity, in coordinates -1..1 (Section 4.1)."""
  names = ("AffineXX", "AffineXY", "AffineX1", "AffineYX", "AffineYY", "AffineY1")
  return make_space(
    Op(name, Warp(_affine_entry(i), interpolation, fill), 0.0, 1.0, True)
    for i, name in enumerate(names)
  )


@functools.cache
def bilevel_color() -> Space:
  """Online bilevel's 4 colour ops in their proper forms: factors 1 +- 1, hue by half a turn."""
  return make_space([*(op for op in _around_one(1.0) if op.name != "Sharpness"), _HUE])


@functools.cache
def randaugment(*, interpolation: str = "nearest", fill: Fill = 0.0) -> Space:
  """RandAugment's 14 ops in the published ranges, level M standing for magnitude M / 30."""
  warp = functools.partial(Warp, interpolation=interpolation, fill=fill)
  return make_space(
    [
      IDENTITY,
      AUTOCONTRAST,
      EQUALIZE,
      Op("Rotate", warp(_ROTATE), 0.0, 30.0, True),
      _solarize_whole(),
      _posterize_whole(4.0),
      *_from_low(0.1, 1.9),
      Op("ShearX", warp(_SHEAR_X), 0.0, 0.3, True),
      Op("ShearY", warp(_SHEAR_Y), 0.0, 0.3, True),
      Op("TranslateX", warp(_TRANSLATE_X), 0.0, 0.45, True),
      Op("TranslateY", warp(_TRANSLATE_Y), 0.0, 0.45, True),
    ]
  )


@functools.cache
def trivial_augment_ra(*, interpolation: str = "nearest", fill: Fill = 0.0) -> Space:
  """TrivialAugment's RA space: 14 ops, whole degrees and pixels (10, whatever the image's size)."""
  return _trivial_augment(30.0, 0.3, 10.0, 4.0, (0.1, 1.9), interpolation=interpolation, fill=fill)


@functools.cache
def trivial_augment_wide(*, interpolation: str = "nearest", fill: Fill = 0.0) -> Space:
  """TrivialAugment's Wide space: the same 14 ops, up to 135 degrees, 32 pixels, 2 bits."""
  wide = (0.01, 2.0)
  return _trivial_augment(135.0, 0.99, 32.0, 6.0, wide, interpolation=interpolation, fill=fill)


@functools.cache
def uniform_augment(*, interpolation: str = "nearest", fill: Fill = 0.0) -> Space:
  """UniformAugment's 16 ops: RandAugment's, Invert, and Cutout up to a fifth of the side."""
  ops = randaugment(interpolation=interpolation, fill=fill)
  return make_space([*ops, INVERT, Op("Cutout", Erase(erasing.inclusive_box), 0.0, 0.2)])


@functools.cache
def autoaugment(*, interpolation: str = "nearest", fill: Fill = 0.0) -> Space:
  """AutoAugment's ops (its Table 6), levels in tenths; pixels as shares of its 331-pixel images.

  SamplePairing is left out: it mixes in a second image, and no published policy rests on it.
  """
  warp = functools.partial(Warp, interpolation=interpolation, fill=fill)
  return make_space(
    [
      Op("ShearX", warp(_SHEAR_X), 0.0, 0.3, True),
      Op("ShearY", warp(_SHEAR_Y), 0.0, 0.3, True),
      Op("TranslateX", warp(_TRANSLATE_X), 0.0, 150 / 331, True),
      Op("TranslateY", warp(_TRANSLATE_Y), 0.0, 150 / 331, True),
      Op("Rotate", warp(_ROTATE), 0.0, 30.0, True),
      AUTOCONTRAST,
      INVERT,
      EQUALIZE,
      _solarize_whole(),
      _posterize_whole(4.0),
      *_from_low(0.1, 1.9),
      Op("Cutout", Erase(erasing.inclusive_box), 0.0, 60 / 331),
    ]
  )


def _trivial_augment(
  degrees: float,
  shear: float,
  pixels: float,
  bits: float,
  factors: tuple[float, float],
  *,
  interpolation: str,
  fill: Fill,
) -> Space:
  warp = functools.partial(Warp, interpolation=interpolation, fill=fill)
  return make_space(
    [
      IDENTITY,
      AUTOCONTRAST,
      EQUALIZE,
      Op("Rotate", warp(_ROTATE, value=truncate_through), 0.0, degrees, True),
      _solarize_whole(),
      _posterize_whole(bits),
      *_from_low(*factors),
      Op("ShearX", warp(_SHEAR_X), 0.0, shear, True),
      Op("ShearY", warp(_SHEAR_Y), 0.0, shear, True),
      Op("TranslateX", warp(_PIXELS_X, value=truncate_through), 0.0, pixels, True),
      Op("TranslateY", warp(_PIXELS_Y, value=truncate_through), 0.0, pixels, True),
    ]
  )


def _solarize_whole() -> Op:
  return Op("Solarize", Tone(color.solarize, kinds.above_white_truncated), 0.0, 256.0)


def _posterize_whole(bits: float) -> Op:
  return Op("Posterize", Tone(color.posterize, kinds.bits_left_truncated), 0.0, bits)


@functools.cache  # so that spaces with other fills have the same rules, which policy files name
def _affine_entry(index: int) -> KeyedMatrixRule:
  """Adds the value to one entry of the identity in coordinates -1..1."""

  def rule(key: Key, value: Number, size: Size) -> Matrix:
    a, b, c, d, e, f = (
      entry + value if i == index else entry
      for i, entry in enumerate((1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    )
    return geometry.from_unit((a, b, c, d, e, f), size)

  return rule
