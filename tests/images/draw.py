"""Draws the pictures of this folder anew: `python tests/images/draw.py [folder]`.

Photographs come from scikit-learn; the rest is drawn with Pillow. Each is 48x48 RGB.
"""

import pathlib
import sys

import numpy as np
from PIL import Image, ImageChops, ImageDraw
from sklearn.datasets import load_sample_image

SIDE = 48


def photographs() -> dict[str, Image.Image]:
  """Crops as the camera saw them, and two whole motifs made small."""
  china = Image.fromarray(load_sample_image("china.jpg"))
  flower = Image.fromarray(load_sample_image("flower.jpg"))
  return {
    "pagoda": _shrunk(china, 70, 25, 270),
    "roof": _crop(china, 235, 100),
    "haze": _crop(china, 415, 205),
    "branches": _crop(china, 560, 255),
    "dahlia": _shrunk(flower, 155, 80, 280),
    "petals": _crop(flower, 260, 170),
    "leaf": _crop(flower, 95, 55),
  }


def drawings() -> dict[str, Image.Image]:
  """What photographs rarely hold: every level, only two levels, hardly any contrast, one pixel."""
  return {
    "rainbow": _rainbow(),
    "wedge": _wedge(),
    "stripes": _stripes(),
    "shapes": _shapes(),
    "faint": _faint(),
    "dot": _dot(),
  }


def _crop(image: Image.Image, left: int, top: int) -> Image.Image:
  return image.crop((left, top, left + SIDE, top + SIDE))


def _shrunk(image: Image.Image, left: int, top: int, side: int) -> Image.Image:
  return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, (left, top, left + side, top + side))


def _rainbow() -> Image.Image:
  """Hue runs to the right, value downwards, and saturation is high."""
  down = Image.linear_gradient("L").resize((SIDE, SIDE))
  right = down.transpose(Image.Transpose.ROTATE_90)
  bands = (right, Image.new("L", (SIDE, SIDE), 215), down.point(lambda level: 255 - level // 2))
  return Image.merge("HSV", bands).convert("RGB")


def _wedge() -> Image.Image:
  """Each channel walks through all 256 levels, in an order of its own."""
  place = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
  steps = np.stack([place // 9, place * 5, 255 - place * 3 // 2], axis=-1)
  return Image.fromarray((steps % 256).astype(np.uint8))


def _stripes() -> Image.Image:
  """Black, white and the pure colours: no level between 0 and 255."""
  image = Image.new("RGB", (SIDE, SIDE), "white")
  draw = ImageDraw.Draw(image)
  for start in range(-SIDE, SIDE, 12):
    draw.polygon([(start, 0), (start + 5, 0), (start + 53, 48), (start + 48, 48)], fill="black")
  for place, colour in enumerate(["red", "lime", "blue", "cyan", "magenta", "yellow"]):
    draw.rectangle((4 + 7 * place, 20, 8 + 7 * place, 27), fill=colour)
  return image


def _shapes() -> Image.Image:
  """Smooth and sharp edges on a radial shade."""
  shade = Image.radial_gradient("L").resize((SIDE, SIDE))
  image = Image.merge(
    "RGB", (ImageChops.invert(shade), shade.point(lambda level: 200 - level // 2), shade)
  )
  large = image.resize((4 * SIDE, 4 * SIDE), Image.Resampling.BICUBIC)
  draw = ImageDraw.Draw(large)
  draw.ellipse((20, 24, 92, 96), fill=(250, 190, 40))
  draw.polygon([(176, 20), (112, 84), (180, 100)], fill=(30, 90, 200))
  draw.rectangle((28, 128, 92, 168), fill=(190, 30, 60), outline="white", width=6)
  draw.line([(112, 172), (144, 116), (180, 168)], fill=(10, 60, 30), width=10)
  return large.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _faint() -> Image.Image:
  """A dozen neighbouring levels, another dozen in each channel."""
  place = np.add.outer(np.arange(SIDE), np.arange(SIDE)) * 11 // (2 * SIDE - 2)
  rings = (np.hypot(*np.ogrid[-24:24, -24:24]) / 3).astype(int)
  return Image.fromarray(np.stack([118 + place, 131 + rings, 140 - place], -1).astype(np.uint8))


def _dot() -> Image.Image:
  """One colour, but for one pixel."""
  image = Image.new("RGB", (SIDE, SIDE), (200, 120, 40))
  image.putpixel((17, 13), (10, 130, 250))
  return image


def main() -> None:
  folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
  for name, image in (photographs() | drawings()).items():
    image.save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
  main()
