"""Ops on hue and saturation, on uint8 tensors [C, H, W] in PyTorch; grey images stay."""

from collections.abc import Callable
from typing import Any

import torch


def on_colours(image: torch.Tensor, change: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
  """A function of pixels in 0..1, in levels, halves up."""
  if len(image) == 1:
    return image
  if len(image) != 3:
    raise ValueError(f"this op takes 1 or 3 channels, got {len(image)}")
  return torch.floor(change(image / 255).clamp(0, 1) * 255 + 0.5001).to(torch.uint8)


def hue_of(x: torch.Tensor, value: torch.Tensor, chroma: torch.Tensor) -> torch.Tensor:
  """[1, H, W] in turns, 0 for red and for grey."""
  red, green, blue = x.split(1)
  safe = torch.where(chroma > 0, chroma, 1)
  sixths = torch.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4)
  sixths = torch.where(value == red, (green - blue) / safe, sixths)
  return torch.where(chroma > 0, (sixths / 6) % 1, 0)


def with_hue(turns: torch.Tensor, value: torch.Tensor, chroma: torch.Tensor) -> torch.Tensor:
  """[3, H, W] of a hue, the brightest channel, and what lies between that and the darkest."""
  offsets = torch.tensor([5.0, 3.0, 1.0], device=turns.device).reshape(3, 1, 1)
  place = (6 * turns + offsets) % 6
  return value - chroma * torch.minimum(place, 4 - place).clamp(0, 1)


def hue(image: torch.Tensor, turns: Any) -> torch.Tensor:
  """The hue turned; 1 is the whole circle."""

  def change(x: torch.Tensor) -> torch.Tensor:
    value = x.amax(0, keepdim=True)
    chroma = value - x.amin(0, keepdim=True)
    return with_hue((hue_of(x, value, chroma) + float(turns)) % 1, value, chroma)

  return on_colours(image, change)


def scaled_hue(image: torch.Tensor, factor: Any) -> torch.Tensor:
  """The hue, a number from red's 0 on, times a factor; it stops at 1, red again."""

  def change(x: torch.Tensor) -> torch.Tensor:
    value = x.amax(0, keepdim=True)
    chroma = value - x.amin(0, keepdim=True)
    return with_hue((hue_of(x, value, chroma) * float(factor)).clamp(0, 1), value, chroma)

  return on_colours(image, change)


def hsv_saturation(image: torch.Tensor, factor: Any) -> torch.Tensor:
  """The S of HSV times a factor; black and grey stay."""

  def change(x: torch.Tensor) -> torch.Tensor:
    value = x.amax(0, keepdim=True)
    saturation = (value - x.amin(0, keepdim=True)) / value.clamp(min=1e-6)
    now = (saturation * float(factor)).clamp(0, 1)
    ratio = torch.where(saturation > 0, now / saturation.clamp(min=1e-6), 1)
    return value - (value - x) * ratio

  return on_colours(image, change)
