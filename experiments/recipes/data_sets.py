"""What is known of data sets before they are there."""

from typing import NamedTuple


class DataSet(NamedTuple):
  """How large it is, and how its images are read."""

  images: int  # to train on, those that a search validates on included
  classes: int
  size: int  # images are read at
  crop: int = 0  # and cut to
  stretch: bool = False  # SLACK's sketches are not cut, but stretched (its Table 9)
  flip: float = 0.5


DATA = {
  "digits": DataSet(1297, 10, 16, flip=0.0),
  "cifar10": DataSet(50_000, 10, 32),
  "cifar100": DataSet(50_000, 100, 32),
  "svhn_cropped": DataSet(73_257, 10, 32, flip=0.0),
  "imagenet": DataSet(1_281_167, 1000, 256, crop=224),
  "imagenet100": DataSet(126_689, 100, 256, crop=224),
  "flowers": DataSet(2040, 102, 256, crop=224),
  "pets": DataSet(3680, 37, 256, crop=224),
  "aircraft": DataSet(6667, 70, 256, crop=224),  # 70 families
  "cars": DataSet(8144, 196, 256, crop=224),
  "real": DataSet(50_000, 345, 256, crop=224),
  "quickdraw": DataSet(50_025, 345, 224, stretch=True),
  "infograph": DataSet(42_557, 345, 256, crop=224),
  "sketch": DataSet(56_304, 345, 224, stretch=True),
  "painting": DataSet(60_617, 345, 256, crop=224),
  "clipart": DataSet(39_064, 345, 224, stretch=True),
}
