"""BACH as Online bilevel uses it: pictures cut into patches, tests on whole pictures, and memory.

  python -m experiments.recipes.bach --pictures=ICIAR2018/Photos --out=bach
  python -m experiments.recipes.online_bilevel --recipe=t5-full --data=bach/patches \\
      --whole=bach/whole --workdir=runs/bach
  python -m experiments.recipes.bach --stress=48 --out=/tmp/bach --batch=2

Pictures lie in a folder for each class. Half of them, by class, are cut into squares of 512 for
training; the other half become patches to test on, and whole pictures. `--stress` writes that many
patches of noise instead, trains an epoch on them as they come from the disk, and says how much
memory that took at most.
"""

import pathlib
import resource
import sys

import numpy as np
from absl import flags

from autoaug_jax.app import How, OnlineBilevel, SearchSetting, search
from experiments import launch

PATCH = 512
ENDINGS = (".tif", ".tiff", ".png", ".jpg", ".jpeg")


def cut(
  pictures: pathlib.Path, out: pathlib.Path, *, patch: int = PATCH, seed: int = 0
) -> tuple[int, int]:
  """(training pictures, test pictures), written as patches/train, patches/test and whole/."""
  from PIL import Image

  folders = sorted(folder for folder in pictures.iterdir() if folder.is_dir())
  if not folders:
    raise ValueError(f"pictures must be a folder with a folder for each class, not {pictures}")
  counts = [0, 0]
  for number, folder in enumerate(folders):
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in ENDINGS)
    order = np.random.default_rng([seed, number]).permutation(len(files))
    for place, index in enumerate(order):
      part = int(place >= (len(files) + 1) // 2)
      counts[part] += 1
      with Image.open(files[index]) as opened:
        image = np.asarray(opened.convert("RGB"))
      squares = out / "patches" / ("train", "test")[part] / folder.name
      for name, square in tiles(image, patch):
        _write(squares / f"{files[index].stem}-{name}.png", square)
      if part:
        _write(out / "whole" / folder.name / f"{files[index].stem}.png", image)
  return counts[0], counts[1]


def tiles(image: np.ndarray, patch: int) -> list[tuple[str, np.ndarray]]:
  """The squares of [H, W, 3] that do not overlap, by row and column; a rest is left out."""
  rows, columns = image.shape[0] // patch, image.shape[1] // patch
  if not rows * columns:
    raise ValueError(f"a picture must be at least {patch} pixels on each side, not {image.shape}")
  return [
    (f"{i}-{j}", image[i * patch : (i + 1) * patch, j * patch : (j + 1) * patch])
    for i in range(rows)
    for j in range(columns)
  ]


def stress(
  out: pathlib.Path, count: int, *, patch: int = PATCH, batch: int = 2, model: str = "small-cnn"
) -> float:
  """The largest memory of this process, in GiB, in an epoch on `count` streamed patches."""
  random = np.random.default_rng(0)
  for i in range(count):
    noise = random.integers(0, 256, (patch // 8, patch // 8, 3), dtype=np.uint8)
    square = np.repeat(np.repeat(noise, 8, axis=0), 8, axis=1)
    _write(out / "noise" / "ab"[i % 2] / f"{i}.png", square)
  setting = SearchSetting(data=str(out / "noise"), model=model, batch=batch)
  options = OnlineBilevel(epochs=1, vertical=True, learned="affine-color")
  found = search(setting, options, how=How(memory_budget=1 << 20, log_every=1))
  if found is None:
    raise SystemExit(0)  # asked to stop
  # Linux counts in KiB, macOS in bytes.
  unit = 1 if sys.platform == "darwin" else 1024
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def _write(path: pathlib.Path, image: np.ndarray) -> None:
  from PIL import Image

  path.parent.mkdir(parents=True, exist_ok=True)
  Image.fromarray(image).save(path)


def main() -> None:
  given = flags.FLAGS
  out = pathlib.Path(given.out)
  if given.stress:
    most = stress(out, given.stress, patch=given.patch, batch=given.batch, model=given.network)
    held = given.stress * given.patch**2 * 3 / 2**30
    print(f"at most {most:.2f} GiB, with {held:.2f} GiB of pixels on the disk")
    return
  if not given.pictures:
    raise ValueError("bach takes --pictures, or --stress")
  train, test = cut(pathlib.Path(given.pictures), out, patch=given.patch)
  print(f"{train} pictures to train on, {test} to test on")


def define_flags() -> None:
  flags.DEFINE_string("pictures", "", "A folder with a folder of pictures for each class.")
  flags.DEFINE_string("out", None, "Where patches and whole pictures go.", required=True)
  flags.DEFINE_integer("patch", PATCH, "The side of a patch.", lower_bound=8)
  flags.DEFINE_integer("stress", 0, "How many patches of noise to train on instead.")
  flags.DEFINE_integer("batch", 2, "Images a step, with --stress.")
  flags.DEFINE_string("network", "small-cnn", "The network, with --stress.")


if __name__ == "__main__":
  define_flags()
  launch.run("bach", main)
