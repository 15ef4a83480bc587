"""The policies that do not learn, each as its paper has it, in the order in which it is applied.

Where a paper normalises between two of these ops nothing changes but the colour of Cutout: the mean
colour before is the 0 after. Sizes are shares of the image's side unless the paper counts pixels.
Greyscale images need a `fill` of one number where the default has three.
"""

from typing import TypeAlias

import jax

from autoaug_jax.ops import (
  BILINEAR,
  Erase,
  Keyed,
  Op,
  Space,
  clipped_box,
  find,
  kinds,
  random_resized_crop,
  spaces,
)
from autoaug_jax.policies import autoaugment
from autoaug_jax.policies.categorical import as_fixed, categorical_uniform
from autoaug_jax.policies.stages import (
  Fixed,
  Stage,
  Step,
  Steps,
  SubPolicies,
  join,
  uniform_slots,
)
from autoaug_jax.types import Array, Key

Colour: TypeAlias = float | tuple[float, ...]


def none() -> Fixed:
  """Images as they are."""
  return Fixed((), ())


def standard(*, padding: float = 4 / 32, flip: float = 0.5, fill: Colour | str = 0.0) -> Fixed:
  """Pad by 4 of 32 pixels and crop, then flip; SVHN takes flip=0, MADAO fill="reflect"."""
  warp = spaces.slack_cifar(fill=fill)
  crop = warp[find(warp, "RandomCrop")]._replace(name="PaddedCrop", low=padding, high=padding)
  rows = [(crop, Step(crop.name))] if padding else []
  return _in_order(*rows, *_flip(flip))


def cutout(*, side: float = 16 / 32, fill: Colour = spaces.CIFAR_MEAN) -> Fixed:
  """A square of 16 of 32 pixels in the mean colour, centred anywhere."""
  row = Op("FinalCutout", Erase(clipped_box, fill), side, side)
  return _in_order((row, Step(row.name)))


def standard_cutout(*, flip: float = 0.5, fill: Colour = spaces.CIFAR_MEAN) -> Fixed:
  """Crop, flip, Cutout: what AutoAugment's heirs do on CIFAR beside their policy."""
  return join(standard(flip=flip), cutout(fill=fill))


def crop_flip_jitter(*, area: float = 0.08, flip: float = 0.5, jitter: float = 0.4) -> Fixed:
  """ImageNet's default: a bicubic RandomResizedCrop, a flip, ColorJitter (Table 8 of SLACK)."""
  row = Op("AreaCrop", Keyed(bicubic_crop_from, kinds.itself), area, area)
  return join(_in_order((row, Step(row.name)), *_flip(flip)), color_jitter(reach=jitter))


def domainbed(
  *, area: float = 0.7, jitter: float = 0.3, hue: float = 0.0, flip: float = 0.5
) -> Fixed:
  """DomainBed's as SLACK compares with it (Table 8); the original has hue=0.3."""
  row = Op("AreaCrop", Keyed(bilinear_crop_from, kinds.itself), area, area)
  grey = _in_order((spaces.GRAYSCALE, Step("Grayscale", 0.1)))
  return join(
    _in_order((row, Step(row.name)), *_flip(flip)), color_jitter(reach=jitter, hue=hue), grey
  )


def color_jitter(*, reach: float = 0.4, hue: float = 0.0) -> Fixed:
  """Brightness, contrast, colour by factors 1 +- reach, and hue by +- turns, in a random order."""
  table = spaces.slack_domainnet()
  reaches = {"Brightness": reach, "Contrast": reach, "Color": reach, "Hue": hue}
  rows = [
    table[find(table, name)]._replace(name=f"Jitter{name}", high=high)
    for name, high in reaches.items()
    if high
  ]
  return Fixed(tuple(rows), (Steps(tuple(Step(op.name, low=0.0) for op in rows), True),))


def slack_uniform(space: Space, *, k: int = 3, flip: float = 0.5) -> Fixed:
  """SLACK before it learns: ops alike, magnitudes up to 0.75; no other default than the flip."""
  phi = categorical_uniform(space, k).init(jax.random.key(0))
  return as_fixed(phi, space, flip=flip)


def randaugment(*, n: int = 3, m: float = 5, then: Fixed | None = None) -> Fixed:
  """n ops with replacement, all of magnitude m / 30, then `then` (standard_cutout()).

  (3, 5) is the paper's choice for WRN-28-10 on CIFAR-10; (2, 14) on CIFAR-100, (3, 9) on SVHN,
  (2, 9) for ResNet-50 on ImageNet.
  """
  if n < 1 or not 0 <= m <= 30:
    raise ValueError(f"randaugment takes n of at least 1 and m in 0..30, got n={n} and m={m}")
  return _over(spaces.randaugment(), n, then, low=m / 30, high=m / 30)


def trivial_augment_ra(*, then: Fixed | None = None) -> Fixed:
  """One op, one of 31 magnitudes, RandAugment's ranges, then `then` (standard_cutout())."""
  return _over(spaces.trivial_augment_ra(), 1, then, levels=31)


def trivial_augment_wide(*, then: Fixed | None = None) -> Fixed:
  """The same in TrivialAugment's wide ranges."""
  return _over(spaces.trivial_augment_wide(), 1, then, levels=31)


def uniform_augment(*, then: Fixed | None = None) -> Fixed:
  """Two ops of 16, any magnitude, then `then` (standard_cutout()).

  An op is applied with a probability that is itself drawn from U(0, 1) each time, hence with 1/2.
  """
  return _over(spaces.uniform_augment(), 2, then, keep=0.5)


def autoaugment_cifar(*, then: Fixed | None = None) -> Fixed:
  """AutoAugment's 25 sub-policies for CIFAR-10, then `then` (standard_cutout())."""
  return _sub_policies(autoaugment.CIFAR, standard_cutout() if then is None else then)


def autoaugment_svhn(*, then: Fixed | None = None) -> Fixed:
  """Its 25 for SVHN, then `then` (a Cutout of 20 of 32 pixels)."""
  return _sub_policies(autoaugment.SVHN, cutout(side=20 / 32) if then is None else then)


def autoaugment_imagenet(*, then: Fixed | None = None) -> Fixed:
  """Its 25 for ImageNet, then `then` (crop_flip_jitter())."""
  return _sub_policies(autoaugment.IMAGENET, crop_flip_jitter() if then is None else then)


def bicubic_crop_from(key: Key, image: Array, area: Array) -> Array:
  """A crop of `area` to 1 of [H, W, C], resized to [H, W, C]."""
  return random_resized_crop(key, image, (area, 1.0))


def bilinear_crop_from(key: Key, image: Array, area: Array) -> Array:
  """The same, by torchvision's default filter."""
  return random_resized_crop(key, image, (area, 1.0), method=BILINEAR)


def _in_order(*rows: tuple[Op, Step]) -> Fixed:
  stages: tuple[Stage, ...] = (Steps(tuple(step for _, step in rows)),) if rows else ()
  return Fixed(tuple(op for op, _ in rows), stages)


def _flip(probability: float) -> list[tuple[Op, Step]]:
  return [(spaces.FLIP_X, Step(spaces.FLIP_X.name, probability))] if probability else []


def _over(
  space: Space,
  k: int,
  then: Fixed | None,
  *,
  low: float = 0.0,
  high: float = 1.0,
  keep: float = 1.0,
  levels: int = 0,
) -> Fixed:
  """k ops of `space`, all alike, then `then`."""
  names = tuple(op.name for op in space)
  slots = uniform_slots(names, k, low=low, high=high, keep=keep, levels=levels)
  return join(Fixed(space, (slots,)), standard_cutout() if then is None else then)


def _sub_policies(table: autoaugment.Table, then: Fixed) -> Fixed:
  """Level 0..9 stands for magnitude 0 to 0.9, as in the released code."""
  branches = tuple(
    tuple(Step(op, p / 10, level / 10, level / 10) for op, p, level in pair) for pair in table
  )
  weights = (1.0 / len(branches),) * len(branches)
  return join(Fixed(spaces.autoaugment(), (SubPolicies(branches, weights),)), then)
