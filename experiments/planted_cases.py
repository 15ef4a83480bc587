"""Digits that are shifted where nothing is trained on them, so that the right op is known."""

import pathlib
from typing import Any, NamedTuple

import numpy as np

from autoaug_jax import data
from autoaug_jax.ops import Erase, Op, Space, clipped_box, select, spaces

SIZE = 16
TRAIN_IMAGES = 600
NAMES = (
  "ShearX",
  "ShearY",
  "TranslateX",
  "TranslateY",
  "Rotate",
  "Solarize",
  "Posterize",
  "Contrast",
  "Brightness",
)
WIPE = Op("Wipe", Erase(clipped_box, 0.0), 2.0, 2.0)
WARPS = ("TranslateX", "TranslateY", "Rotate")  # no shears: a rotation is nearly two of them
UNIFORM = 3**-0.5  # the deviation of a number drawn uniformly from -1..1


class Case(NamedTuple):
  """What is shifted, which op is right, which is wrong, and how far the right one's magnitudes

  spread if they are uniform and reach as far as the shifts: their standard deviation.
  """

  shift: str
  right: str | None
  wrong: str | None
  spread: float = 0.0


CASES = {
  "rotated": Case("rotated", "Rotate", None, 40 / 90 * UNIFORM),
  "translated": Case("translated", "TranslateX", None, 5 / 12 * UNIFORM),
  "brightness": Case("brightness", "Brightness", None, 0.9 / 0.99 * UNIFORM),
  "harmful": Case("none", None, "Wipe"),
  "nothing": Case("none", None, None),
}


def space(case: Case, *, interpolation: str = "nearest") -> Space:
  """Ten ops."""
  nine = select(spaces.slack_cifar(interpolation=interpolation, cutout_fill=(0.0,)), NAMES)
  last = WIPE if case.wrong else spaces.IDENTITY
  return (*nine, last)


def directed(case: Case) -> Space:
  """Ops with a direction."""
  names = (*WARPS, "Brightness") if case.right == "Brightness" else WARPS
  return select(spaces.slack_cifar(interpolation="bilinear"), names)


def write(case: Case, path: pathlib.Path) -> None:
  """The images of a case as .npz, the same at each call."""
  source = data.load("digits", size=SIZE)
  train, test = source.parts["train"], source.parts["test"]
  cut = data.split(train, val=len(train.labels) - TRAIN_IMAGES, seed=0)
  chosen = {
    "train": (train.fetch(cut.train), train.labels[cut.train]),
    "val": (train.fetch(cut.val), train.labels[cut.val]),
    "test": (test.fetch(np.arange(len(test.labels))), test.labels),
  }
  arrays: dict[str, Any] = {}
  for number, (part, (images, labels)) in enumerate(chosen.items()):
    random = np.random.default_rng([0, number])
    if part != "train":
      images = np.stack([shifted(case.shift, image, random) for image in images])
    arrays |= {f"{part}_images": images, f"{part}_labels": labels}
  path.parent.mkdir(parents=True, exist_ok=True)
  np.savez(path, **arrays)


def shifted(shift: str, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
  """One image [H, W, 1], by Pillow and NumPy: nothing of what is tested."""
  if shift == "rotated":
    from PIL import Image

    turned = Image.fromarray(image[..., 0]).rotate(
      random.uniform(-40, 40), Image.Resampling.BILINEAR
    )
    return np.asarray(turned)[..., None]
  if shift == "translated":
    pixels = int(random.integers(-5, 6))
    moved = np.zeros_like(image)
    source = image[:, max(0, -pixels) : SIZE - max(0, pixels)]
    moved[:, max(0, pixels) : SIZE + min(0, pixels)] = source
    return moved
  if shift == "brightness":
    return (image * random.uniform(0.1, 0.4)).astype(np.uint8)
  return image
