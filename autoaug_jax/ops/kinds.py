"""The kinds of row that an executor can see through.

A row's `fn` may be any function (key, image, strength) -> image. These are such functions too, but
as data: the fused executor groups them by kind and works out what they need for a whole batch at
once. They take either face of an image; any other function is given float pixels.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import jax.numpy as jnp

from autoaug_jax.ops.double import Number
from autoaug_jax.ops.erasing import BoxRule, Colour, Size, erase
from autoaug_jax.ops.geometry import Fill, Matrix, transform
from autoaug_jax.ops.gradients import truncate_through
from autoaug_jax.types import Array, Key

ValueRule: TypeAlias = Callable[[Array], Array]
KeyedMatrixRule: TypeAlias = Callable[[Key, Number, Size], Matrix]


def identity(image: Array) -> Array:
  """The image as it is."""
  return image


def itself(strength: Array) -> Array:
  """The strength as it is."""
  return strength


class Plain(NamedTuple):
  """An op without strength."""

  op: Callable[[Array], Array]

  def __call__(self, key: Key, image: Array, strength: Array) -> Array:
    return self.op(image)


class Tone(NamedTuple):
  """An op (image, value), its value a function of the strength."""

  op: Callable[[Array, Array], Array]
  value: ValueRule

  def __call__(self, key: Key, image: Array, strength: Array) -> Array:
    return self.op(image, self.value(strength))


class Keyed(NamedTuple):
  """An op (key, image, value) that draws something of its own."""

  op: Callable[[Key, Array, Array], Array]
  value: ValueRule

  def __call__(self, key: Key, image: Array, strength: Array) -> Array:
    return self.op(key, image, self.value(strength))


class Warp(NamedTuple):
  """A geometric op: (key, value, size) -> matrix, the value a function of the strength."""

  matrix: KeyedMatrixRule
  interpolation: str = "nearest"
  fill: Fill = 0.0
  value: ValueRule = itself

  def __call__(self, key: Key, image: Array, strength: Array) -> Array:
    return transform(
      image,
      lambda value, size: self.matrix(key, value, size),
      self.value(strength),
      interpolation=self.interpolation,
      fill=self.fill,
    )


class Erase(NamedTuple):
  """Paints over a box: (key, side in pixels, size) -> box [4], the side a share of the width."""

  box: BoxRule
  fill: Colour = 0.0

  def __call__(self, key: Key, image: Array, strength: Array) -> Array:
    return erase(image, self.place(key, strength, image.shape[:2]), fill=self.fill)

  def place(self, key: Key, strength: Array, size: Size) -> Array:
    return self.box(key, strength.astype(jnp.float32) * float(size[1]), size)


KINDS = (Plain, Tone, Keyed, Warp, Erase)
OpFn: TypeAlias = Plain | Tone | Keyed | Warp | Erase | Callable[[Key, Array, Array], Array]


def one_plus(strength: Array) -> Array:
  """A factor about 1."""
  return 1.0 + strength


def one_minus(strength: Array) -> Array:
  """A share that strength 0 leaves whole."""
  return 1.0 - strength


def bits_left(strength: Array) -> Array:
  """8 less the rounded strength, straight through."""
  return 8.0 - strength


def bits_left_truncated(strength: Array) -> Array:
  """8 less int(strength), straight through."""
  return 8.0 - truncate_through(strength)


def below_white(strength: Array) -> Array:
  """A threshold of 255 less the strength: strength 0 still inverts pure white (SLACK)."""
  return 255.0 - strength


def above_white(strength: Array) -> Array:
  """A threshold of 256 less the strength: strength 0 is neutral."""
  return 256.0 - strength


def above_white_truncated(strength: Array) -> Array:
  """`above_white` of int(strength), straight through."""
  return 256.0 - truncate_through(strength)
