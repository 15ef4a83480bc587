"""One step of a draw on a uint8 array [H, W, C]."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autoaug_jax.export.runtimes.arrays import (
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
from autoaug_jax.export.runtimes.boxes import BOXES, crop_box
from autoaug_jax.export.runtimes.drawing import OPS, Step
from autoaug_jax.export.runtimes.hues import hsv_saturation, hue, scaled_hue
from autoaug_jax.export.runtimes.matrices import WARPS, Matrix, in_one
from autoaug_jax.export.runtimes.values import VALUES


def apply(image: np.ndarray, steps: Sequence[Step]) -> np.ndarray:
  """What `draw` has drawn, on uint8 [H, W, C] or [H, W]."""
  if image.dtype != np.uint8 or image.ndim not in (2, 3):
    raise ValueError(f"an image is uint8 [H, W, C] or [H, W], got {image.dtype} {image.shape}")
  pixels = image if image.ndim == 3 else image[..., None]
  for step in steps:
    op = OPS[step.op]
    pixels = KINDS[op["kind"]](pixels, op, step)
  return np.ascontiguousarray(pixels.reshape(image.shape))


def value_of(op: dict[str, Any], step: Step) -> Any:
  return VALUES[op.get("value", "strength")](step.strength)


def run_one_warp(image: np.ndarray, op: dict[str, Any], step: Step) -> np.ndarray:
  """Several warps as one."""
  matrices = [matrix_of(OPS[part.op], part, image) for part in step.strength]
  return warp_bilinear(image, in_one(matrices, op["summed"]), op["fill"])


def run_warp(image: np.ndarray, op: dict[str, Any], step: Step) -> np.ndarray:
  warp = INTERPOLATIONS[op.get("interpolation", "nearest")]
  return warp(image, matrix_of(op, step, image), op["fill"])


def matrix_of(op: dict[str, Any], step: Step, image: np.ndarray) -> Matrix:
  value = float(value_of(op, step))
  return WARPS[op["op"]](value, (image.shape[0], image.shape[1]), step.noise)


def run_box(image: np.ndarray, op: dict[str, Any], step: Step) -> np.ndarray:
  side = float(np.float32(step.strength) * np.float32(image.shape[1]))
  box = BOXES[op["op"]](side, (image.shape[0], image.shape[1]), step.noise)
  return paint(image, box, op["fill"])


def run_crop(image: np.ndarray, op: dict[str, Any], step: Step) -> np.ndarray:
  area = float(value_of(op, step))
  return CROPS[op["op"]](image, area, step.noise)


def run_tone(image: np.ndarray, op: dict[str, Any], step: Step) -> np.ndarray:
  return TONES[op["op"]](image, value_of(op, step))


def run_plain(image: np.ndarray, op: dict[str, Any], step: Step) -> np.ndarray:
  return PLAIN[op["op"]](image)


def crop_of_area(image: np.ndarray, area: float, noise: Sequence[float]) -> np.ndarray:
  box = crop_box((area, area), (image.shape[0], image.shape[1]), noise)
  return resized_crop(image, box, cubic)


def crop_from_area_bicubic(image: np.ndarray, area: float, noise: Sequence[float]) -> np.ndarray:
  box = crop_box((area, 1.0), (image.shape[0], image.shape[1]), noise)
  return resized_crop(image, box, cubic)


def crop_from_area_bilinear(image: np.ndarray, area: float, noise: Sequence[float]) -> np.ndarray:
  box = crop_box((area, 1.0), (image.shape[0], image.shape[1]), noise)
  return resized_crop(image, box, triangle)


KINDS: dict[str, Callable[..., np.ndarray]] = {
  "warp": run_warp,
  "one_warp": run_one_warp,
  "box": run_box,
  "crop": run_crop,
  "tone": run_tone,
  "plain": run_plain,
}
INTERPOLATIONS: dict[str, Callable[..., np.ndarray]] = {
  "nearest": warp_nearest,
  "bilinear": warp_bilinear,
}
CROPS: dict[str, Callable[..., np.ndarray]] = {
  "resized_crop_of_area": crop_of_area,
  "resized_crop_from_area_bicubic": crop_from_area_bicubic,
  "resized_crop_from_area_bilinear": crop_from_area_bilinear,
}
TONES: dict[str, Callable[..., np.ndarray]] = {
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
PLAIN: dict[str, Callable[..., np.ndarray]] = {
  "identity": identity,
  "autocontrast": autocontrast,
  "equalize": equalize,
  "invert": invert,
  "grayscale": grayscale,
}
