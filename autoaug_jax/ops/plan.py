"""How the ops of a space run on packed pixels: a few groups of kernels, and six numbers an op.

Drawing is apart from running: an op's strength becomes a row of int32 numbers, and a kernel looks
at its row only. Ops that the kernels do not know, a user's own among them, each
form a group that unpacks the pixels and calls the op.
"""

import functools
from collections.abc import Callable, Hashable
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from autoaug_jax.ops import color, histogram, packed
from autoaug_jax.ops.double import double
from autoaug_jax.ops.erasing import Colour, Size, colour_of
from autoaug_jax.ops.geometry import fixed_point
from autoaug_jax.ops.kinds import Erase, Plain, Tone, Warp, identity
from autoaug_jax.ops.space import Op, Space, check_channels, run
from autoaug_jax.types import Array, Key

Kernel: TypeAlias = Callable[[Key, Array, Array], Array]  # (key, planes [P, H, W], row) -> planes
Number: TypeAlias = Array | int
Coder: TypeAlias = Callable[[Key, Array, Size], tuple[Number, ...]]  # (key, strength, size) -> row

ROW = 6


class Group(NamedTuple):
  """Ops that share a kernel; `neutral` is a row at which it changes nothing, if there is one."""

  family: Hashable
  kernel: Kernel
  neutral: tuple[int, ...] | None


class Plan(NamedTuple):
  """What an executor needs of a space and a number of channels."""

  groups: tuple[Group, ...]
  group_of: tuple[int, ...]  # of each op
  coders: tuple[Coder, ...]  # of each op


def make_plan(space: Space, channels: int) -> Plan:
  """Groups the ops of `space` for images of so many channels."""
  check_channels(space, channels)
  groups: dict[Hashable, Group] = {}
  families, coders = [], []
  for op in space:
    group, coder = _step(op, channels)
    groups.setdefault(group.family, group)
    families.append(group.family)
    coders.append(coder)
  order = list(groups)
  return Plan(tuple(groups.values()), tuple(order.index(f) for f in families), tuple(coders))


def encode(plan: Plan, key: Key, op: Array, strength: Array, size: Size) -> Array:
  """The row int32 [ROW] of one op at a strength, both []."""
  branches = [functools.partial(_row, coder, size) for coder in plan.coders]
  return lax.switch(op, branches, key, strength)


def _row(coder: Coder, size: Size, key: Key, strength: Array) -> Array:
  numbers = [jnp.asarray(n, jnp.int32) for n in coder(key, strength, size)]
  return jnp.stack([*numbers, *[jnp.int32(0)] * (ROW - len(numbers))])


def _step(op: Op, channels: int) -> tuple[Group, Coder]:
  fn = op.fn
  if isinstance(fn, Warp) and fn.interpolation == "nearest":
    outside = fn.fill if isinstance(fn.fill, str) else _packed_colour(fn.fill, channels)
    kernel = _planewise(lambda image, row: packed.warp(image, row, outside))
    still = (1 << 16, 0, 1 << 15, 0, 1 << 16, 1 << 15)
    return Group(("warp", fn.fill), kernel, still), _warp_coder(fn)
  if isinstance(fn, Erase):
    colour = _packed_colour(fn.fill, channels)
    kernel = _planewise(lambda image, row: packed.erase(image, row, colour))
    return Group(("erase", fn.fill), kernel, ()), lambda k, s, size: tuple(fn.place(k, s, size))
  if isinstance(fn, Plain) and fn.op in _PLAIN:
    family, numbers = _PLAIN[fn.op]
    return _known(family, channels), lambda k, s, size: numbers
  if isinstance(fn, Tone) and fn.op in _TONE:
    family, code = _TONE[fn.op]
    return _known(family, channels), lambda k, s, size: code(fn.value(s))
  kernel = lambda key, planes, row: _opaque(op, key, planes, row, channels)  # noqa: E731
  return Group(op, kernel, None), lambda k, s, size: (_bits_of(s),)


def _known(family: str, channels: int) -> Group:
  kernel, neutral = _FAMILIES[family]
  lanes = min(channels, 4)
  return Group(family, _planewise(lambda image, row: kernel(image, row, lanes)), neutral)


def _planewise(kernel: Callable[[Array, Array], Array]) -> Kernel:
  """A kernel of one plane for all planes of an image."""

  def on_planes(key: Key, planes: Array, row: Array) -> Array:
    if planes.shape[0] == 1:
      return kernel(planes[0], row)[None]
    return jax.vmap(kernel, in_axes=(0, None))(planes, row)

  return on_planes


def _opaque(op: Op, key: Key, planes: Array, row: Array, channels: int) -> Array:
  strength = lax.bitcast_convert_type(row[0], jnp.float32)
  return packed.pack(run(key, op, packed.unpack(planes, channels), strength))


def _warp_coder(fn: Warp) -> Coder:
  return lambda k, s, size: fixed_point(fn.matrix(k, double(fn.value(s)), size))


def _bits_of(value: Array) -> Array:
  return lax.bitcast_convert_type(value.astype(jnp.float32), jnp.int32)


def _packed_colour(fill: Colour, channels: int) -> Array:
  """uint32 [P, 1, 1], or a scalar where there is one plane."""
  pixel = jnp.broadcast_to(
    colour_of(jnp.zeros((1, 1, channels), jnp.uint8), fill), (1, 1, channels)
  )
  return packed.pack(pixel)[0, 0, 0]


def _factor(value: Array) -> tuple[Number, ...]:
  return (color.blend_factor(value),)


def _threshold(value: Array) -> tuple[Number, ...]:
  return jnp.clip(jnp.ceil(value), 0, 256).astype(jnp.int32), 255


def _mask(value: Array) -> tuple[Number, ...]:
  dropped = color.dropped_bits(value)
  return 256, (255 >> dropped) << dropped


_ONE = 1 << color.BLEND_BITS
_FLOAT_ONE = int(np.float32(1.0).view(np.int32))
_NEVER = 256  # a solarize threshold above white

# family -> (kernel of (image, row, channels), its neutral row)
_FAMILIES: dict[str, tuple[Callable[[Array, Array, int], Array], tuple[int, ...] | None]] = {
  "identity": (lambda image, row, channels: image, ()),
  "bits": (lambda image, row, channels: packed.bits(image, row), (_NEVER, 255)),
  "brightness": (packed.brightness, (_FLOAT_ONE,)),
  "tint": (packed.tint, (_ONE,)),
  "contrast": (packed.contrast, (_ONE,)),
  "sharpness": (packed.sharpness, (_ONE,)),
  "autocontrast": (lambda image, row, channels: packed.autocontrast(image, channels), None),
  "equalize": (lambda image, row, channels: packed.equalize(image, channels), None),
}
# op -> (family, row)
_PLAIN: dict[Callable[[Array], Array], tuple[str, tuple[int, ...]]] = {
  identity: ("identity", ()),
  color.invert: ("bits", (0, 255)),
  color.grayscale: ("tint", (0,)),
  histogram.autocontrast: ("autocontrast", ()),
  histogram.equalize: ("equalize", ()),
}
# op -> (family, value -> row)
_TONE: dict[Callable[[Array, Array], Array], tuple[str, Callable[[Array], tuple[Number, ...]]]] = {
  color.brightness: ("brightness", lambda value: (_bits_of(value),)),
  color.saturation: ("tint", _factor),
  color.contrast: ("contrast", _factor),
  color.sharpness: ("sharpness", _factor),
  color.solarize: ("bits", _threshold),
  color.posterize: ("bits", _mask),
}
