"""AutoDO's tables and curves as frozen records: a name, and everything that makes its cell."""

from collections.abc import Iterator
from typing import NamedTuple

from autoaug_jax import methods

PARTS = {
  "base": methods.AutodoParts(False, False, False),
  "raa": methods.AutodoParts(False, False, False),
  "sha": methods.AutodoParts(True, False, False, True),
  "a": methods.AutodoParts(True, False, False),
  "aw": methods.AutodoParts(True, True, False),
  "aws": methods.AutodoParts(),
}


class Recipe(NamedTuple):
  """Everything that makes one cell of a table."""

  data: str
  row: str
  imbalance: float = 1.0
  noise: float = 0.0
  model: str = "wrn-28-10-celu"
  classes: int = 10
  size: int = 32
  channels: int = 3
  images: int = 50_000  # with the validation side
  common: float = 0.5  # the share of images in the first half of the classes
  val: float | int = 10_000
  flip: float = 0.5
  subset: tuple[int, float] | None = (1, 15)  # RandAugment's N and M beside what is learned
  raa: tuple[int, float] = (3, 15)
  erase: bool = True
  batch: int = 256
  epochs: int = 200
  begin: int = 50
  rate: float = 0.1
  policy_rate: float = 0.05
  learned_from: str = "val"  # or "test" (Table 5)
  trained_on: str = "train"  # or "all" (Table 6)


CIFAR10 = Recipe("cifar10", "aws")
CIFAR100 = CIFAR10._replace(data="cifar100", classes=100)
SVHN = Recipe(
  "svhn_cropped", "aws", images=73_257, common=0.619, val=23_257, flip=0.0, subset=(3, 7),
  raa=(3, 7), rate=0.005,
)  # fmt: skip
IMAGENET = Recipe(
  "imagenet2012", "aws", model="resnet-18-celu", classes=1000, size=224, images=1_281_167, val=0.2,
  subset=(2, 9), raa=(2, 9), erase=False, begin=100, policy_rate=0.01,
)  # fmt: skip
# The released code has MNIST, the paper has not; neither's network is known.
MNIST = Recipe(
  "mnist", "aws", model="wrn-16-4-celu", size=28, channels=1, images=60_000, flip=0.0,
  subset=(3, 5), raa=(3, 5), batch=32, rate=0.05,
)  # fmt: skip
FOLDER = MNIST._replace(data="", batch=64, images=10_000, val=0.2, rate=0.1, flip=0.5)
DIGITS = MNIST._replace(
  data="digits", model="small-cnn-celu", size=8, images=1297, val=0.2, subset=None, raa=(1, 5),
  erase=False, batch=64, epochs=80, begin=20, rate=0.1, noise=0.1,
)  # fmt: skip


def _recipes() -> Iterator[tuple[str, Recipe]]:
  small = {"svhn": (SVHN, 100.0), "cifar10": (CIFAR10, 10.0), "cifar100": (CIFAR100, 10.0)}
  for name, (base, ratio) in small.items():
    for row in PARTS:
      for imbalance, noise in ((1.0, 0.0), (ratio, 0.0), (1.0, 0.1), (ratio, 0.1)):
        cell = base._replace(row=row, imbalance=imbalance, noise=noise)
        yield f"{name}-{imbalance:g}-{noise:.1f}-{row}", cell
    yield f"{name}-test-aws", base._replace(learned_from="test")
    for row in ("raa", "aws"):
      yield f"{name}-all-{row}", base._replace(row=row, trained_on="all")
  for begin in (10, 150, 190):
    cell = SVHN._replace(imbalance=100.0, noise=0.1, begin=begin)
    yield f"svhn-100-0.1-aws-e{begin}", cell
  for row in ("base", "aws"):
    yield f"digits-1-0.1-{row}", DIGITS._replace(row=row)
  for begin in (4, 60, 76):
    yield f"digits-1-0.1-aws-e{begin}", DIGITS._replace(begin=begin)
  for row in ("base", "raa", "aws"):
    for noise in (0.0, 0.1):
      yield (
        f"imagenet-10-{noise:.1f}-{row}",
        IMAGENET._replace(row=row, imbalance=10.0, noise=noise),
      )
  for row in PARTS:
    yield f"mnist-1-0.1-{row}", MNIST._replace(row=row, noise=0.1)
    yield f"folder-{row}", FOLDER._replace(row=row)


RECIPES = dict(_recipes())
