"""Ops on uint8 arrays [H, W, C] in NumPy, each pixel as this library has it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from autoaug_jax.export.runtimes.matrices import fixed_point


def look_up(image: np.ndarray, rows: np.ndarray, columns: np.ndarray, fill: Any) -> np.ndarray:
  """image[rows, columns]; outside is a colour (pixels [C]), "edge" or "reflect"."""
  height, width = image.shape[:2]
  if isinstance(fill, str) and fill == "reflect":
    rows, columns = reflect(rows, height), reflect(columns, width)
  near_rows, near_columns = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
  pixels = image.reshape(height * width, -1)[near_rows * width + near_columns]
  if not isinstance(fill, str):
    pixels[(rows != near_rows) | (columns != near_columns)] = fill
  return pixels


def reflect(index: np.ndarray, length: int) -> np.ndarray:
  """Mirrored at the centres of the first and the last pixel."""
  period = max(2 * (length - 1), 1)
  index = index % period
  return np.minimum(index, period - index) if length > 1 else index * 0


def warp_nearest(image: np.ndarray, matrix: Any, fill: Any) -> np.ndarray:
  """Each pixel looks at the nearest one, in fixed point, as in Pillow."""
  height, width = image.shape[:2]
  a, b, c, d, e, f = fixed_point(matrix)
  x, y = np.arange(width)[None, :], np.arange(height)[:, None]
  rows, columns = (d * x + (e * y + f)) >> 16, (a * x + (b * y + c)) >> 16
  return look_up(image, rows, columns, fill if isinstance(fill, str) else levels(image, fill))


def warp_bilinear(image: np.ndarray, matrix: Any, fill: Any) -> np.ndarray:
  """Each pixel looks at four; each of these outside counts as `fill`."""
  height, width, channels = image.shape
  a, b, c, d, e, f = (np.float32(number) for number in matrix)
  x = (np.arange(width, dtype=np.float32) + np.float32(0.5))[None, :]
  y = (np.arange(height, dtype=np.float32) + np.float32(0.5))[:, None]
  x, y = a * x + (b * y + (c - np.float32(0.5))), d * x + (e * y + (f - np.float32(0.5)))
  left, top = np.floor(x), np.floor(y)
  right, low = (x - left)[..., None], (y - top)[..., None]
  columns, rows = (np.clip(n, -1e6, 1e6).astype(np.int64) for n in (left, top))
  pixels = image.astype(np.float32) / np.float32(255)
  outside = fill if isinstance(fill, str) else np.broadcast_to(np.float32(fill), (channels,))
  upper, lower = (
    mix(look_up(pixels, row, columns, outside), look_up(pixels, row, columns + 1, outside), right)
    for row in (rows, rows + 1)
  )
  return to_levels(mix(upper, lower, low))


def mix(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
  return first + share * (second - first)


def to_levels(pixels: np.ndarray) -> np.ndarray:
  """uint8 of floats in 0..1, halves up."""
  return np.floor(np.clip(pixels, 0, 1) * np.float32(255) + np.float32(0.5001)).astype(np.uint8)


def levels(image: np.ndarray, fill: Any) -> np.ndarray:
  """uint8 [C] of a colour in 0..1, one number or one a channel."""
  colour = np.floor(np.float32(fill) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
  return np.broadcast_to(colour, image.shape[-1:])


def paint(image: np.ndarray, box: Any, fill: Any) -> np.ndarray:
  """A box in a colour."""
  top, left, bottom, right = box
  painted = image.copy()
  painted[top : max(top, bottom), left : max(left, right)] = levels(image, fill)
  return painted


def resized_crop(image: np.ndarray, box: Any, method: Callable[..., np.ndarray]) -> np.ndarray:
  """A box at the size of the image: its rows filtered, then its columns."""
  height, width = image.shape[:2]
  top, left, bottom, right = box
  across = ("hwc,ow->hoc", filter_weights(width, width, left, right - left, method))
  down = ("hwc,oh->owc", filter_weights(height, height, top, bottom - top, method))
  for equation, weights in (across, down):
    pixels = image.astype(np.float32) / np.float32(255)
    image = to_levels(np.einsum(equation, pixels, weights))
  return image


def filter_weights(
  count: int, length: int, start: int, extent: int, method: Callable[..., np.ndarray]
) -> np.ndarray:
  """[count, length]: how much each pixel of a line counts for each new one."""
  scale = np.float32(extent / count)
  centres = start + (np.arange(count, dtype=np.float32) + np.float32(0.5)) * scale
  places = np.arange(length, dtype=np.float32) + np.float32(0.5)
  weights = method(np.abs(places[None, :] - centres[:, None]) / np.maximum(scale, np.float32(1)))
  return weights / weights.sum(axis=1, keepdims=True)


def triangle(distance: np.ndarray) -> np.ndarray:
  """The bilinear filter."""
  return np.maximum(1 - distance, 0)


def cubic(distance: np.ndarray) -> np.ndarray:
  """Keys' cubic with a = -1/2."""
  near = (1.5 * distance - 2.5) * distance * distance + 1
  far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
  return np.where(distance < 1, near, np.where(distance < 2, far, 0)).astype(np.float32)


def blend(low: Any, image: np.ndarray, factor: Any) -> np.ndarray:
  """low + factor (image - low) of levels, in fixed point, truncated."""
  share = np.floor(np.clip(factor, np.float32(-31), np.float32(31)) * np.float32(1 << 18) + 0.5)
  mixed = (low << 18) + int(share) * (image.astype(np.int32) - low) + 128
  return np.clip(mixed >> 18, 0, 255).astype(np.uint8)


def grey_levels(image: np.ndarray) -> np.ndarray:
  """The grey levels [H, W, 1] of one or three channels."""
  if image.shape[-1] == 1:
    return image.astype(np.int32)
  if image.shape[-1] != 3:
    raise ValueError(f"this op takes 1 or 3 channels, got {image.shape[-1]}")
  red, green, blue = (image[..., c : c + 1].astype(np.int32) for c in range(3))
  return (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16


def brightness(image: np.ndarray, factor: Any) -> np.ndarray:
  """0 is black, 1 the image."""
  return np.clip(image.astype(np.float32) * factor, 0, 255).astype(np.uint8)


def color(image: np.ndarray, factor: Any) -> np.ndarray:
  """0 is grey, 1 the image."""
  return blend(grey_levels(image), image, factor)


def contrast(image: np.ndarray, factor: Any) -> np.ndarray:
  """0 is the mean grey, 1 the image."""
  grey = grey_levels(image)
  return blend(np.int32((2 * grey.sum() + grey.size) // (2 * grey.size)), image, factor)


def sharpness(image: np.ndarray, factor: Any) -> np.ndarray:
  """0 is smooth, 1 the image; the border stays."""
  if min(image.shape[:2]) < 3:
    return image
  wide = image.astype(np.int32)
  rows = wide[:-2] + wide[1:-1] + wide[2:]
  total = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] + 4 * wide[1:-1, 1:-1]
  smooth = wide.copy()
  smooth[1:-1, 1:-1] = (total * 80660 + (1 << 19)) >> 20  # the rounded 13th part
  return blend(smooth, image, factor)


def posterize(image: np.ndarray, bits: Any) -> np.ndarray:
  """The highest bits stay, 0 to 8 of them."""
  dropped = 8 - int(np.clip(np.floor(bits + 0.5), 0, 8))
  return image & np.uint8((255 >> dropped) << dropped)


def solarize(image: np.ndarray, threshold: Any) -> np.ndarray:
  """Levels from the threshold on are inverted; 256 is the image."""
  return np.where(image < threshold, image, 255 - image)


def added_below_middle(image: np.ndarray, amount: Any) -> np.ndarray:
  """Levels below 128 grow by an amount."""
  wide = image.astype(np.int64)
  return np.where(wide < 128, np.clip(wide + int(amount), 0, 255), wide).astype(np.uint8)


def added_contrast(image: np.ndarray, amount: Any) -> np.ndarray:
  """An amount added to pixels in 0..1."""
  return to_levels(image.astype(np.float32) / np.float32(255) + amount)


def identity(image: np.ndarray) -> np.ndarray:
  return image


def invert(image: np.ndarray) -> np.ndarray:
  return 255 - image


def grayscale(image: np.ndarray) -> np.ndarray:
  """Grey, in as many channels."""
  return np.broadcast_to(grey_levels(image), image.shape).astype(np.uint8)


def autocontrast(image: np.ndarray) -> np.ndarray:
  """Each channel stretched to 0..255; one that is constant stays."""
  low, high = image.min(axis=(0, 1)).astype(np.int64), image.max(axis=(0, 1)).astype(np.int64)
  scale = np.float32(255) / np.maximum(high - low, 1).astype(np.float32)
  stretched = np.floor((image - low).astype(np.float32) * scale + np.float32(1e-3))
  return np.where(high > low, stretched, image).astype(np.uint8)


def equalize(image: np.ndarray) -> np.ndarray:
  """Each channel's levels made equally frequent."""
  channels = [image[..., c] for c in range(image.shape[-1])]
  return np.stack([equalize_table(channel)[channel] for channel in channels], axis=-1)


def equalize_table(channel: np.ndarray) -> np.ndarray:
  """uint8 [256]."""
  counts = np.bincount(channel.ravel(), minlength=256)
  step = (counts.sum() - counts[counts.nonzero()[0][-1]]) // 255
  if step == 0:
    return np.arange(256, dtype=np.uint8)
  darker = np.cumsum(counts) - counts
  return np.minimum((darker + step // 2) // step, 255).astype(np.uint8)
