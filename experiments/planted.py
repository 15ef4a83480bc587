"""Planted cases: small searches whose right answer is known.

  python -m experiments.planted --method=slack --workdir=runs/planted
  python -m experiments.planted --method=slack --cases=rotated --seeds=2 --ops=1

The images are the built-in digits at 16 x 16 pixels: 600 to train on as they are, the other 697
to validate on and 500 to test on, shifted:

  rotated      by up to 40 degrees either way: Rotate is right
  translated   along x by up to 5 pixels either way: TranslateX is right
  brightness   scaled by a factor between 0.1 and 1.9: Brightness is right
  harmful      as they are; the op Wipe, which leaves nothing of an image, is wrong

Each search chooses among ten ops. Rows that are in the work directory already are not run again.
"""

import pathlib
from typing import Any, NamedTuple

import numpy as np

from autoaug_jax import data
from autoaug_jax.app import Slack
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


class Case(NamedTuple):
  """What is shifted, which op is right, and which is wrong."""

  shift: str
  right: str | None
  wrong: str | None


CASES = {
  "rotated": Case("rotated", "Rotate", None),
  "translated": Case("translated", "TranslateX", None),
  "brightness": Case("brightness", "Brightness", None),
  "harmful": Case("none", None, "Wipe"),
}


def space(case: Case) -> Space:
  """Ten ops."""
  nine = select(spaces.slack_cifar(cutout_fill=(0.0,)), NAMES)
  last = WIPE if case.wrong else spaces.IDENTITY
  return (*nine, last)


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
  arrays: dict[str, np.ndarray] = {}
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
    return np.clip(image * random.uniform(0.1, 1.9), 0, 255).astype(np.uint8)
  return image


def options(method: str, ops: int) -> Any:
  """What each method runs with here."""
  if method == "slack":
    return Slack(ops=ops)
  raise ValueError(f"method must be slack, not {method!r}")
