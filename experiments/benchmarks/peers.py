"""What people use today to give every image a transformation of its own, each at its best.

Libraries take part with their own TrivialAugment (count 1) or RandAugment; where they have none,
with the same ops in the same ranges. Pixels come and go as numpy uint8 [B, H, W, 3].
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from experiments.benchmarks.by_hand import Call, one_by_one, opencv_loop, pillow_loop, pix_switch


class Peer(NamedTuple):
  """`build` is (images, count) -> call; it raises ImportError where its libraries are missing."""

  name: str
  build: Callable[[np.ndarray, int], Call]
  own: bool = True  # whether each image gets a transformation of its own


def torchvision_pillow(images: np.ndarray, count: int) -> Call:
  from PIL import Image

  augment = _torchvision(count)
  return one_by_one(images, lambda image: np.asarray(augment(Image.fromarray(image))))


def torchvision_tensors(images: np.ndarray, count: int) -> Call:
  augment = _torchvision(count)
  torch = _torch()

  def one(image: np.ndarray) -> np.ndarray:
    return augment(torch.from_numpy(image).permute(2, 0, 1)).permute(1, 2, 0).numpy()

  return one_by_one(images, one)


def _torch() -> Any:
  import torch

  torch.set_num_threads(1)
  return torch


@functools.cache
def _transforms() -> Any:
  """torchvision.transforms.v2, also where its build does not match torch's.

  Then two schemas are missing while it is loaded; the transforms themselves are Python.
  """
  torch = _torch()
  try:
    from torchvision.transforms import v2
  except RuntimeError:
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
      library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from torchvision.transforms import v2
  return v2


def _torchvision(count: int) -> Any:
  v2 = _transforms()
  return v2.TrivialAugmentWide() if count == 1 else v2.RandAugment(num_ops=count)


def kornia_batch(images: np.ndarray, count: int) -> Call:
  """One sequence of ops for the whole batch; kornia draws only signs and levels for each image."""
  torch = _torch()
  from kornia.augmentation.auto import RandAugment, TrivialAugment

  augment = TrivialAugment() if count == 1 else RandAugment(n=count, m=9)

  def call() -> np.ndarray:
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    out = augment(pixels).mul(255).round().clamp(0, 255)
    return out.to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()

  return call


def albumentations(images: np.ndarray, count: int) -> Call:
  """`SomeOf` the equivalents, with replacement: the library has no policy of this family."""
  import albumentations as a
  import cv2

  cv2.setNumThreads(1)
  degrees = math.degrees(math.atan(0.99))
  affine = functools.partial(a.Affine, interpolation=cv2.INTER_NEAREST, p=1)
  still: dict[str, Any] = {"brightness": (1, 1), "contrast": (1, 1), "saturation": (1, 1)}
  jitter = functools.partial(a.ColorJitter, hue=(0, 0), p=1)
  ops = [
    a.NoOp(p=1),
    affine(shear={"x": (-degrees, degrees), "y": (0, 0)}),
    affine(shear={"x": (0, 0), "y": (-degrees, degrees)}),
    affine(translate_px={"x": (-32, 32), "y": (0, 0)}),
    affine(translate_px={"x": (0, 0), "y": (-32, 32)}),
    a.Rotate(limit=(-135, 135), interpolation=cv2.INTER_NEAREST, p=1),
    *(jitter(**still | {name: (0.01, 2)}) for name in still),
    a.Sharpen(alpha=(0, 1), lightness=(1, 1), p=1),
    a.Posterize(num_bits=(2, 8), p=1),
    a.Solarize(threshold_range=(0, 1), p=1),
    a.AutoContrast(p=1),
    a.Equalize(p=1),
  ]
  augment = a.Compose([a.SomeOf(ops, n=count, replace=True, p=1)])
  return one_by_one(images, lambda image: augment(image=image)["image"])


PEERS = (
  Peer("Pillow, by hand", pillow_loop),
  Peer("OpenCV and numpy, by hand", opencv_loop),
  Peer("torchvision v2, Pillow images", torchvision_pillow),
  Peer("torchvision v2, tensors", torchvision_tensors),
  Peer("kornia, batches", kornia_batch, own=False),
  Peer("albumentations", albumentations),
  Peer("dm-pix, vmap(lax.switch)", pix_switch),
)
