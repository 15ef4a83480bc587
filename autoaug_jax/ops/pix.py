"""The functions of dm-pix that ops stand on, under the promotion rules they are written for."""

import functools
from collections.abc import Callable

import dm_pix
import jax

from autoaug_jax.types import Array


def _lenient(fn: Callable[..., Array]) -> Callable[..., Array]:
  """A caller who makes promotion strict need not do without."""

  @functools.wraps(fn)
  def call(*args: Array, **options: object) -> Array:
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
      return fn(*args, **options)

  return call


center_crop = _lenient(dm_pix.center_crop)
flip_left_right = _lenient(dm_pix.flip_left_right)
flip_up_down = _lenient(dm_pix.flip_up_down)
gaussian_blur = _lenient(dm_pix.gaussian_blur)
hsv_to_rgb = _lenient(dm_pix.hsv_to_rgb)
rgb_to_grayscale = _lenient(dm_pix.rgb_to_grayscale)
solarize = _lenient(dm_pix.solarize)
