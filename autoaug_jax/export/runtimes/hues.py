"""Ops on hue and saturation, on uint8 arrays [H, W, C] in NumPy; grey images stay."""

from collections.abc import Callable
from typing import Any

import numpy as np


def on_colours(image: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
  """A function of pixels in 0..1, in levels, halves up."""
  if image.shape[-1] == 1:
    return image
  if image.shape[-1] != 3:
    raise ValueError(f"this op takes 1 or 3 channels, got {image.shape[-1]}")
  pixels = np.clip(change(image.astype(np.float32) / np.float32(255)), 0, 1)
  return np.floor(pixels * np.float32(255) + np.float32(0.5001)).astype(np.uint8)


def hue_of(x: np.ndarray, value: np.ndarray, chroma: np.ndarray) -> np.ndarray:
  """[H, W, 1] in turns, 0 for red and for grey."""
  red, green, blue = (x[..., c : c + 1] for c in range(3))
  safe = np.where(chroma > 0, chroma, 1)
  sixths = np.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4)
  sixths = np.where(value == red, (green - blue) / safe, sixths)
  return np.where(chroma > 0, np.mod(sixths / 6, 1), 0).astype(np.float32)


def with_hue(turns: np.ndarray, value: np.ndarray, chroma: np.ndarray) -> np.ndarray:
  """[H, W, 3] of a hue, the brightest channel, and what lies between that and the darkest."""
  place = np.mod(6 * turns + np.asarray([5, 3, 1], np.float32), 6)
  return value - chroma * np.clip(np.minimum(place, 4 - place), 0, 1)


def hue(image: np.ndarray, turns: Any) -> np.ndarray:
  """The hue turned; 1 is the whole circle."""

  def change(x: np.ndarray) -> np.ndarray:
    value = x.max(axis=-1, keepdims=True)
    chroma = value - x.min(axis=-1, keepdims=True)
    return with_hue(np.mod(hue_of(x, value, chroma) + turns, 1), value, chroma)

  return on_colours(image, change)


def scaled_hue(image: np.ndarray, factor: Any) -> np.ndarray:
  """The hue, a number from red's 0 on, times a factor; it stops at 1, red again."""

  def change(x: np.ndarray) -> np.ndarray:
    value = x.max(axis=-1, keepdims=True)
    chroma = value - x.min(axis=-1, keepdims=True)
    return with_hue(np.clip(hue_of(x, value, chroma) * factor, 0, 1), value, chroma)

  return on_colours(image, change)


def hsv_saturation(image: np.ndarray, factor: Any) -> np.ndarray:
  """The S of HSV times a factor; black and grey stay."""

  def change(x: np.ndarray) -> np.ndarray:
    value = x.max(axis=-1, keepdims=True)
    saturation = (value - x.min(axis=-1, keepdims=True)) / np.maximum(value, np.float32(1e-6))
    now = np.clip(saturation * factor, 0, 1)
    ratio = np.where(saturation > 0, now / np.maximum(saturation, np.float32(1e-6)), 1)
    return value - (value - x) * ratio

  return on_colours(image, change)
