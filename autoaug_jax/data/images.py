"""From an image file's bytes to uint8 pixels, by Pillow."""

import io
from typing import Any

import numpy as np

from autoaug_jax.data.extras import need
from autoaug_jax.data.scan import reason

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
MODES = {
  "1",
  "L",
  "LA",
  "La",
  "P",
  "PA",
  "RGB",
  "RGBA",
  "RGBa",
  "RGBX",
  "CMYK",
  "YCbCr",
  "HSV",
  "LAB",
}

LONGEST = 200  # times the shorter side
ORIENTATION = 0x0112  # the EXIF tag


def decode(
  encoded: bytes, *, size: int | None = None, channels: int = 3, stretch: bool = False
) -> np.ndarray:
  """uint8 [H, W, C] of one image file; with a `size`, [size, size, C].

  The rule: turned upright as its EXIF tag says, converted to 8-bit RGB (or grey for one channel;
  transparency is dropped), the shorter side resized to `size` by antialiased bicubic
  interpolation, the longer in proportion and rounded down, then the central square; with
  `stretch`, both sides resized to `size`. Of an animation the first frame. A file that cannot be
  read is a ValueError.
  """
  image = _open(encoded)
  try:
    image.load()
    if image.getexif().get(ORIENTATION, 1) != 1:
      image = need("PIL.ImageOps", "reading image files").exif_transpose(image)
    image = image.convert("L" if channels == 1 else "RGB")
  except Exception as error:
    raise ValueError(_reason(error)) from error
  return _pixels(image, size, channels, stretch=stretch)


def fit(
  pixels: np.ndarray, *, size: int | None = None, channels: int = 3, stretch: bool = False
) -> np.ndarray:
  """uint8 [H, W, C] under the rule of `decode`; untouched where it fits already.

  Images of other than 1 or 3 channels keep them, and are resized channel by channel.
  """
  if channels == 3 and pixels.shape[-1] == 1:
    pixels = np.repeat(pixels, 3, -1)
  if pixels.shape[-1] == channels and (size is None or pixels.shape[:2] == (size, size)):
    return pixels
  if channels not in (1, 3) or pixels.shape[-1] not in (1, 3):
    if pixels.shape[-1] != channels:
      raise ValueError(f"images of {pixels.shape[-1]} channels cannot be given {channels}")
    each = (pixels[..., c : c + 1] for c in range(channels))
    return np.concatenate([fit(one, size=size, channels=1, stretch=stretch) for one in each], -1)
  flat = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
  image = need("PIL.Image", "resizing images").fromarray(flat)
  return _pixels(image, size, channels, stretch=stretch)


def check(encoded: bytes) -> None:
  """A ValueError where `decode` would raise one; JPEGs are decoded at an eighth of their size."""
  image = _open(encoded)
  try:
    image.draft(image.mode, (1, 1))
    image.load()
  except Exception as error:
    raise ValueError(_reason(error)) from error


def size_of(encoded: bytes) -> tuple[int, int] | None:
  """(height, width), from the head of the file; None where it is no image that `decode` reads."""
  try:
    image = _open(encoded)
  except ValueError:
    return None
  return image.height, image.width


def _open(encoded: bytes) -> Any:
  if not encoded:
    raise ValueError("is empty (0 bytes)")
  pillow = need("PIL.Image", "reading image files")
  try:
    image = pillow.open(io.BytesIO(encoded))
  except Exception as error:
    raise ValueError(_reason(error)) from error
  if min(image.size) < 1:
    raise ValueError(f"has {image.width} x {image.height} pixels")
  if image.mode not in MODES:
    raise ValueError(f"has pixels of mode {image.mode}; only 8-bit images are read")
  return image


def _pixels(image: Any, size: int | None, channels: int, *, stretch: bool) -> np.ndarray:
  image = image.convert("L" if channels == 1 else "RGB")
  if size is not None:
    image = _stretched(image, size) if stretch else _square(image, size)
  return np.asarray(image).reshape(image.height, image.width, channels)


def _square(image: Any, size: int) -> Any:
  width, height = image.size
  short = min(width, height)
  if max(width, height) > LONGEST * short:  # resized in proportion it would fill the memory
    raise ValueError(f"has {width} x {height} pixels; a side is at most {LONGEST} times the other")
  if short != size:
    width, height = size * width // short, size * height // short
    image = image.resize((width, height), need("PIL.Image", "resizing images").Resampling.BICUBIC)
  left, top = (width - size) // 2, (height - size) // 2
  return image.crop((left, top, left + size, top + size))


def _stretched(image: Any, size: int) -> Any:
  if image.size == (size, size):
    return image
  bicubic = need("PIL.Image", "resizing images").Resampling.BICUBIC
  return image.resize((size, size), bicubic)


def _reason(error: Exception) -> str:
  """A sentence's end; Pillow's own words name a memory address."""
  text = str(error)
  if "cannot identify" in text:
    return "is not an image that Pillow can read"
  if "truncated" in text.lower():
    return "is truncated"
  return f"cannot be decoded ({reason(error)})"
