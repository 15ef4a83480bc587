"""One step of a draw on a uint8 tensor [C, H, W]."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from autoaug_jax.export.runtimes.boxes import BOXES, crop_box
from autoaug_jax.export.runtimes.drawing import OPS, Step
from autoaug_jax.export.runtimes.matrices import WARPS, Matrix, in_one
from autoaug_jax.export.runtimes.tensor_hues import hsv_saturation, hue, scaled_hue
from autoaug_jax.export.runtimes.tensors import (
  added_below_middle,
  added_contrast,
  autocontrast,
  brightness,
  color,
  contrast,
  cubic,
  equalize,
  grayscale,
  identity,
  invert,
  paint,
  posterize,
  resized_crop,
  sharpness,
  solarize,
  triangle,
  warp_bilinear,
  warp_nearest,
)
from autoaug_jax.export.runtimes.values import VALUES


def apply(image: torch.Tensor, steps: Sequence[Step]) -> torch.Tensor:
  """What `draw` has drawn, on uint8 [C, H, W]."""
  if image.dtype != torch.uint8 or image.ndim != 3:
    raise ValueError(f"an image is uint8 [C, H, W], got {image.dtype} {tuple(image.shape)}")
  for step in steps:
    op = OPS[step.op]
    image = KINDS[op["kind"]](image, op, step)
  return image


def value_of(op: dict[str, Any], step: Step) -> Any:
  return VALUES[op.get("value", "strength")](step.strength)


def run_one_warp(image: torch.Tensor, op: dict[str, Any], step: Step) -> torch.Tensor:
  """Several warps as one."""
  matrices = [matrix_of(OPS[part.op], part, image) for part in step.strength]
  return warp_bilinear(image, in_one(matrices, op["summed"]), op["fill"])


def run_warp(image: torch.Tensor, op: dict[str, Any], step: Step) -> torch.Tensor:
  warp = INTERPOLATIONS[op.get("interpolation", "nearest")]
  return warp(image, matrix_of(op, step, image), op["fill"])


def matrix_of(op: dict[str, Any], step: Step, image: torch.Tensor) -> Matrix:
  value = float(value_of(op, step))
  return WARPS[op["op"]](value, (image.shape[1], image.shape[2]), step.noise)


def run_box(image: torch.Tensor, op: dict[str, Any], step: Step) -> torch.Tensor:
  side = float(np.float32(step.strength) * np.float32(image.shape[2]))
  box = BOXES[op["op"]](side, (image.shape[1], image.shape[2]), step.noise)
  return paint(image, box, op["fill"])


def run_crop(image: torch.Tensor, op: dict[str, Any], step: Step) -> torch.Tensor:
  area = float(value_of(op, step))
  return CROPS[op["op"]](image, area, step.noise)


def run_tone(image: torch.Tensor, op: dict[str, Any], step: Step) -> torch.Tensor:
  return TONES[op["op"]](image, value_of(op, step))


def run_plain(image: torch.Tensor, op: dict[str, Any], step: Step) -> torch.Tensor:
  return PLAIN[op["op"]](image)


def crop_of_area(image: torch.Tensor, area: float, noise: Sequence[float]) -> torch.Tensor:
  box = crop_box((area, area), (image.shape[1], image.shape[2]), noise)
  return resized_crop(image, box, cubic)


def crop_from_area_bicubic(
  image: torch.Tensor, area: float, noise: Sequence[float]
) -> torch.Tensor:
  box = crop_box((area, 1.0), (image.shape[1], image.shape[2]), noise)
  return resized_crop(image, box, cubic)


def crop_from_area_bilinear(
  image: torch.Tensor, area: float, noise: Sequence[float]
) -> torch.Tensor:
  box = crop_box((area, 1.0), (image.shape[1], image.shape[2]), noise)
  return resized_crop(image, box, triangle)


KINDS: dict[str, Callable[..., torch.Tensor]] = {
  "warp": run_warp,
  "one_warp": run_one_warp,
  "box": run_box,
  "crop": run_crop,
  "tone": run_tone,
  "plain": run_plain,
}
INTERPOLATIONS: dict[str, Callable[..., torch.Tensor]] = {
  "nearest": warp_nearest,
  "bilinear": warp_bilinear,
}
CROPS: dict[str, Callable[..., torch.Tensor]] = {
  "resized_crop_of_area": crop_of_area,
  "resized_crop_from_area_bicubic": crop_from_area_bicubic,
  "resized_crop_from_area_bilinear": crop_from_area_bilinear,
}
TONES: dict[str, Callable[..., torch.Tensor]] = {
  "brightness": brightness,
  "color": color,
  "contrast": contrast,
  "sharpness": sharpness,
  "hue": hue,
  "posterize": posterize,
  "solarize": solarize,
  "added_below_middle": added_below_middle,
  "added_contrast": added_contrast,
  "hsv_saturation": hsv_saturation,
  "scaled_hue": scaled_hue,
}
PLAIN: dict[str, Callable[..., torch.Tensor]] = {
  "identity": identity,
  "autocontrast": autocontrast,
  "equalize": equalize,
  "invert": invert,
  "grayscale": grayscale,
}
