"""Numbers of 48 bits as pairs of float32, for the few that decide ties.

float64 would serve, but is off by default in JAX, and switching it on for a part of a function does
not survive a later `grad` or `vmap` of the whole. The sums and products are Dekker's (1971).
"""

import math
from typing import NamedTuple, TypeAlias, Union

import jax.numpy as jnp
import numpy as np

from autoaug_jax.types import Array

Number: TypeAlias = Union[Array, float, "Double"]


class Double(NamedTuple):
  """high + low, |low| at most half a unit in the last place of high."""

  high: Array
  low: Array

  def __add__(self, other: Number) -> "Double":  # type: ignore[override]
    other = double(other)
    high, error = _sum(self.high, other.high)
    return _normal(high, error + (self.low + other.low))

  def __mul__(self, other: Number) -> "Double":  # type: ignore[override]
    other = double(other)
    high, error = _product(self.high, other.high)
    return _normal(high, error + (self.high * other.low + self.low * other.high))

  def __neg__(self) -> "Double":
    return Double(-self.high, -self.low)

  def __sub__(self, other: Number) -> "Double":
    return self + (-double(other))

  def __rtruediv__(self, other: Number) -> "Double":
    guess = double(1.0 / self.high)
    guess = guess + guess * (1.0 - self * guess)
    return guess * other

  def __radd__(self, other: Number) -> "Double":
    return self + other

  def __rmul__(self, other: Number) -> "Double":  # type: ignore[override]
    return self * other

  def __rsub__(self, other: Number) -> "Double":
    return -self + other


def double(x: Number) -> Double:
  """A float or an array, split without loss up to 48 bits."""
  if isinstance(x, Double):
    return x
  if isinstance(x, float | int):
    nearest = float(np.float32(x))
    return Double(jnp.float32(nearest), jnp.float32(x - nearest))
  high = x.astype(jnp.float32)
  return Double(high, (x - high.astype(x.dtype)).astype(jnp.float32))


def cosine_sine(degrees: Number) -> tuple[Number, Number]:
  """The cosine and sine; of a Double to 38 bits, and to 48 at whole degrees.

  From a table at the nearest whole degree: the rest r is at most 1/115 in radians, so that only the
  first term of each series needs more than float32. (A long series of Doubles is compiled into code
  that doubles with every term.)
  """
  if not isinstance(degrees, Double):
    angle = degrees * (jnp.pi / 180.0)
    return jnp.cos(angle), jnp.sin(angle)
  whole = jnp.floor(degrees.high + 0.5)
  table = whole.astype(jnp.int32) % 360
  cosine, sine = (Double(*(part[table] for part in jnp.asarray(_TABLE[i]))) for i in range(2))
  rest = (degrees - double(whole)) * (math.pi / 180.0)
  square = rest.high * rest.high
  turned = rest - rest.high * square / 6.0
  shrunk = square * (square / 24.0 - 0.5)
  return cosine + (cosine * shrunk - sine * turned), sine + (sine * shrunk + cosine * turned)


def single(x: Number) -> Array | float:
  """The float nearest to it."""
  return x.high + x.low if isinstance(x, Double) else x


def fixed(x: Number) -> Array:
  """floor(x * 2^16 + 1/2), int32: Pillow's rounding to 16.16."""
  scaled = double(x) * 65536.0
  whole = jnp.floor(scaled.high)
  rest = (scaled.high - whole) + (scaled.low + 0.5)
  return whole.astype(jnp.int32) + jnp.floor(rest).astype(jnp.int32)


def _sum(a: Array, b: Array) -> tuple[Array, Array]:
  total = a + b
  shift = total - a
  return total, (a - (total - shift)) + (b - shift)


def _normal(high: Array, low: Array) -> Double:
  total = high + low
  return Double(total, low - (total - high))


def _product(a: Array, b: Array) -> tuple[Array, Array]:
  product = a * b
  (a1, a2), (b1, b2) = _halves(a), _halves(b)
  return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def _halves(a: Array) -> tuple[Array, Array]:
  """Two parts of 12 bits, whose products are exact."""
  shifted = a * 4097.0
  high = shifted - (shifted - a)
  return high, a - high


def _whole_degrees() -> np.ndarray:
  """[cosine or sine, high or low, 360]; to 15 digits, as Pillow rounds them."""
  angles = np.radians(np.arange(360.0))
  exact = np.round([np.cos(angles), np.sin(angles)], 15)
  high = exact.astype(np.float32)
  return np.stack([high, (exact - high).astype(np.float32)], axis=1)


_TABLE = _whole_degrees()
