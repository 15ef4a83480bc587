"""Augmentations of one image, tables of them, and the executor that runs a batch of them.

Every op takes an image [H, W, C], uint8 or float in [0, 1], and returns the same kind.
"""

from autoaug_jax.ops import kinds, spaces
from autoaug_jax.ops.channels import fitting
from autoaug_jax.ops.color import (
  blur,
  brightness,
  contrast,
  gamma,
  grayscale,
  hue,
  invert,
  posterize,
  saturation,
  sharpness,
  solarize,
)
from autoaug_jax.ops.crops import (
  BICUBIC,
  BILINEAR,
  center_crop,
  random_crop,
  random_resized_crop,
  resize,
  resized_crop,
)
from autoaug_jax.ops.draws import Draws
from autoaug_jax.ops.erasing import (
  clipped_box,
  cutout,
  inclusive_box,
  random_erasing,
  shifted_box,
)
from autoaug_jax.ops.fused import augment, augment_uint8
from autoaug_jax.ops.geometry import (
  affine,
  flip_x,
  flip_y,
  rotate,
  scale_x,
  scale_y,
  shear_x,
  shear_y,
  translate_x,
  translate_y,
)
from autoaug_jax.ops.gradients import round_through, straight_through, truncate_through
from autoaug_jax.ops.histogram import autocontrast, equalize
from autoaug_jax.ops.hsv import hue_of
from autoaug_jax.ops.kinds import Erase, Keyed, Plain, Tone, Warp
from autoaug_jax.ops.own import Own, op
from autoaug_jax.ops.space import Op, Space, apply, find, make_space, narrow, select, strength

__all__ = [
  "BICUBIC",
  "BILINEAR",
  "Draws",
  "Erase",
  "Keyed",
  "Op",
  "Own",
  "Plain",
  "Space",
  "Tone",
  "Warp",
  "affine",
  "apply",
  "augment",
  "augment_uint8",
  "autocontrast",
  "blur",
  "brightness",
  "center_crop",
  "clipped_box",
  "contrast",
  "cutout",
  "equalize",
  "find",
  "fitting",
  "flip_x",
  "flip_y",
  "gamma",
  "grayscale",
  "hue",
  "hue_of",
  "inclusive_box",
  "invert",
  "kinds",
  "make_space",
  "narrow",
  "op",
  "posterize",
  "random_crop",
  "random_erasing",
  "random_resized_crop",
  "resize",
  "resized_crop",
  "rotate",
  "round_through",
  "saturation",
  "scale_x",
  "scale_y",
  "select",
  "sharpness",
  "shear_x",
  "shear_y",
  "shifted_box",
  "solarize",
  "spaces",
  "straight_through",
  "strength",
  "translate_x",
  "translate_y",
  "truncate_through",
]
