"""Ops of the user's own: a function of one float image becomes a row of a space."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax.numpy as jnp
import numpy as np

from autoaug_jax.ops.gradients import straight_through
from autoaug_jax.ops.kinds import OpFn
from autoaug_jax.ops.space import Op
from autoaug_jax.types import Array, Key

# What a row may be called, were it not that policies have an op of theirs under this name.
TAKEN = ("Identity", "FlipX", "FlipY")


class Own(NamedTuple):
  """A user's function as an executor calls it; its pixels are clipped to [0, 1]."""

  name: str
  function: Callable[..., Array]
  keyed: bool
  through: float | None  # the width of its range where gradients pass straight through

  def __call__(self, key: Key, image: Array, strength: Array) -> Array:
    result = self.function(*([key] if self.keyed else []), image, strength)
    result = _checked(self.name, result, image)
    if self.through is None:
      return result
    return straight_through(result, image + strength / self.through)


def op(
  name: str,
  *,
  low: float = 0.0,
  high: float = 1.0,
  signed: bool = False,
  straight: bool = False,
) -> Callable[[Callable[..., Array]], Op]:
  """Makes a row of a function (image, strength), or (key, image, strength) if it draws something.

    @op("Vignette", high=0.8)
    def vignette(image, strength):
      ...

  The image is float [H, W, C] in [0, 1], and so is what comes back; what lies outside is clipped.
  The function is traced: `jnp`, no `if` on pixels. It takes its place in any space and in every
  executor; uint8 images are handed over as floats and rounded to their levels. SLACK goes by names:
  one's own "Cutout" comes last too, one's own "RandomResizedCrop" first.

  Args:
    name: of the row, another one than all others in its space.
    low: the strength at magnitude 0.
    high: the strength at magnitude 1.
    signed: whether strengths have either sign.
    straight: the function has no useful derivative (rounding, sorting, thresholds): the gradient is
      that of image + magnitude, as for Posterize. Otherwise it is differentiated as it stands.
  """
  if not isinstance(name, str) or not name.strip():
    raise ValueError(f"an op takes a name, got {name!r}")
  if name in TAKEN:
    raise ValueError(f"an op of one's own takes a name other than {', '.join(TAKEN)}, got {name!r}")
  if not (np.isfinite(low) and np.isfinite(high)):
    raise ValueError(f"{name} takes a finite range, got {low} to {high}")
  if straight and low == high:
    raise ValueError(f"{name} has one strength, {low}, and no gradient could pass straight through")

  def made(function: Callable[..., Array]) -> Op:
    own = Own(name, function, _keyed(name, function), high - low if straight else None)
    return Op(name, cast(OpFn, own), float(low), float(high), signed)

  return made


def _keyed(name: str, function: Any) -> bool:
  """Whether it takes a key; ValueError for another number of arguments."""
  if not callable(function):
    raise ValueError(f"{name} takes a function, got {type(function).__name__}")
  parameters = inspect.signature(function).parameters.values()
  taken = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
  needed = [p for p in taken if p.default is p.empty]
  if any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in parameters):
    needed = []
  if len(needed) not in (2, 3):
    names = ", ".join(p.name for p in parameters)
    raise ValueError(
      f"the function of {name} takes (image, strength) or (key, image, strength), got ({names})"
    )
  return len(needed) == 3


def _checked(name: str, result: Any, image: Array) -> Array:
  """The result in the image's dtype, clipped; ValueError for another shape."""
  result = jnp.asarray(result)
  if result.shape != image.shape or not jnp.issubdtype(result.dtype, jnp.floating):
    raise ValueError(
      f"{name} takes an image to float {image.shape}, got {result.dtype} {result.shape}"
    )
  result = result.astype(image.dtype)
  # Not jnp.clip, which halves the gradient of pixels that are just black or just white.
  return jnp.where(result < 0, 0.0, jnp.where(result > 1, 1.0, result)).astype(image.dtype)
