"""What AutoDO does to training images beside its policy; nothing here learns."""

from autoaug_jax.ops import Keyed, Op, kinds, random_erasing, select, spaces
from autoaug_jax.policies.base import Policy
from autoaug_jax.policies.fixed import bilinear_crop_from, standard
from autoaug_jax.policies.stages import Fixed, Step, Steps, join, uniform_slots
from autoaug_jax.types import Array, Key

SUBSET = ("Identity", "AutoContrast", "Equalize", "Invert", "Color", "Sharpness")


def autodo_base(
  *,
  subset: tuple[int, float] | None = (1, 15),
  flip: float = 0.5,
  padding: float = 4 / 32,
  area: float = 0.0,
) -> Fixed:
  """The ops of RandAugment that AutoDO does not learn, then crop and flip.

  `subset` is (N, M): N ops with replacement of `SUBSET`, each of a magnitude uniform in 0..M/30, as
  the released code has it: (1, 15) on CIFAR, (3, 7) on SVHN, (2, 9) on ImageNet, (3, 5) on MNIST;
  None for baselines. The crop pads by 4 of 32 pixels, or with an `area` (ImageNet: 0.08) is a
  resized one of that share of the image or more. SVHN and other digits take flip=0. RandomErasing
  comes after it: `erased`.
  """
  parts = [] if subset is None else [_subset(*subset)]
  if area:
    row = Op("AreaCrop", Keyed(bilinear_crop_from, kinds.itself), area, area)
    parts.append(Fixed((row,), (Steps((Step(row.name),)),)))
    padding = 0.0
  return join(*parts, standard(padding=padding, flip=flip))


def erased(
  *,
  probability: float = 0.5,
  area: tuple[float, float] = (0.02, 0.33),
  aspect: tuple[float, float] = (0.3, 3.3),
  fill: float | tuple[float, ...] = 0.0,
) -> Policy:
  """RandomErasing (Zhong et al. 2020) with the numbers of AutoDO.

  AutoDO paints zeros after normalisation: here, a `fill` with the mean colour before it.
  """
  if not 0 <= probability <= 1:
    raise ValueError(f"probability lies between 0 and 1, got {probability}")

  def apply(key: Key, draw: tuple[()], image: Array) -> Array:
    return random_erasing(key, image, probability=probability, area=area, aspect=aspect, fill=fill)

  return Policy(lambda key: (), lambda key, phi: (), apply)


def _subset(n: int, m: float) -> Fixed:
  if n < 1 or not 0 <= m <= 30:
    raise ValueError(f"subset takes N of at least 1 and M in 0..30, got ({n}, {m})")
  table = select((*spaces.randaugment(), spaces.INVERT), SUBSET)
  return Fixed(table, (uniform_slots(SUBSET, n, high=m / 30),))
