"""AutoDO's policy: ops switched on by learned chances, their magnitudes Gaussian, in one warp."""

import math
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.ops import Space, Warp, affine, kinds, straight_through
from autoaug_jax.policies.base import Policy
from autoaug_jax.policies.stages import Fixed, Gaussian
from autoaug_jax.types import Array, Key

LIMIT = 1.8  # how many ranges a magnitude may reach: a scale's factor stays at 1 - 1.8 * 0.5 = 0.1
Matrix = tuple[Array, Array, Array, Array, Array, Array]


class GaussianPhi(NamedTuple):
  """What AutoDO learns of the augmentation of one image, or [N, A] for N of them."""

  probability: Array  # [A], logits: of the chance that an op is applied
  magnitude: Array  # [A], logits: of the spread of its magnitude, in shares of its range


def gaussian(
  space: Space,
  *,
  probability: float = 0.25,
  variance: bool = False,
  level: float = 5.0,
  temperature: float = 1.0,
  limit: float = LIMIT,
) -> Policy:
  """AutoDO's augmentation of one image (Section 4.1), differentiable in phi.

  Op a is on with the chance sigmoid(probability[a]), at first `probability` (0.2 in the released
  code). Its signed magnitude, in units of its range, is d z with z ~ N(0, 1) and
  d = sigmoid(magnitude[a]), at first 1/2. `variance` takes the paper's formula as printed instead,
  d = level / 10 sqrt(sigmoid(magnitude[a])); the released code has the deviation, and `level` (M)
  in the start alone, as here. Magnitudes are clipped to +-`limit` ranges (0: not at all), without
  which a scale reaches 0, where there is no image.

  An op that is off has magnitude 0, which changes nothing; so all of them are one warp, their
  matrices multiplied, and equation 8 holds exactly. The switch is 0 or 1 with the gradient of the
  relaxed Bernoulli of that `temperature` (Gumbel-softmax, straight through).

  Images come out as floats in [0, 1]. Lifted by `per_example(policy, n)` every training example
  has a row of its own, by `per_image(policy)` all share one (the paper's SHA).
  """
  _check(space, probability, level, temperature, limit)

  def init(key: Key) -> GaussianPhi:
    start = math.log(probability / (1 - probability))
    return GaussianPhi(jnp.full(len(space), start, jnp.result_type(float)), jnp.zeros(len(space)))

  def sample(key: Key, phi: GaussianPhi) -> Array:
    switching, placing = jax.random.split(key)
    on = relaxed_bernoulli(switching, phi.probability, temperature)
    z = jax.random.normal(placing, phi.magnitude.shape, phi.magnitude.dtype)
    magnitude = on * z * _spread(phi.magnitude, variance, level)
    return jnp.clip(magnitude, -limit, limit) if limit else magnitude

  def apply(key: Key, draw: Array, image: Array) -> Array:
    pixels = image.astype(draw.dtype) / 255 if image.dtype == jnp.uint8 else image
    fill = cast(Warp, space[0].fn).fill
    matrix = _matrix(key, space, draw.astype(pixels.dtype), pixels)
    return affine(pixels, matrix, fill=fill)

  return Policy(init, sample, apply)


def relaxed_bernoulli(key: Key, logits: Array, temperature: float) -> Array:
  """0 or 1 [...], 1 with the chance sigmoid(logits), and the gradient of the relaxed draw.

  That is sigmoid((logits + g) / temperature) with g logistic, the Gumbel-softmax over (p, 1 - p).
  """
  logistic = jax.random.logistic(key, logits.shape, logits.dtype)
  soft = jax.nn.sigmoid((logits + logistic) / temperature)
  return straight_through((soft > 0.5).astype(soft.dtype), soft)


def gaussian_chances(phi: GaussianPhi) -> Array:
  """[..., A], of each op to be applied."""
  return jax.nn.sigmoid(phi.probability)


def gaussian_deviations(phi: GaussianPhi, *, variance: bool = False, level: float = 5.0) -> Array:
  """[..., A], of the magnitudes of ops that are on, in shares of their ranges."""
  return _spread(phi.magnitude, variance, level)


def gaussian_as_fixed(
  phi: GaussianPhi,
  space: Space,
  *,
  rows: np.ndarray | None = None,
  variance: bool = False,
  level: float = 5.0,
  limit: float = LIMIT,
) -> Fixed:
  """The average policy as data: each op's mean chance, and the deviation of its magnitudes.

  phi is one image's [A], which is then its policy exactly, or [N, A], of which `rows` (all of them
  where None) are averaged: the deviation is that of the mixture over the examples, weighted by
  their chances, as a Gaussian. That ops of one example go together is lost.
  """
  names = tuple(op.name for op in space)
  chance = np.asarray(gaussian_chances(phi), np.float64)
  spread = np.asarray(gaussian_deviations(phi, variance=variance, level=level), np.float64)
  if chance.shape[-1] != len(space) or chance.shape != spread.shape or chance.ndim > 2:
    raise ValueError(
      f"phi takes logits [{len(space)}] or [n, {len(space)}] for this space, got {chance.shape}"
      f" and {spread.shape}"
    )
  if chance.ndim == 2 and rows is not None:
    chance, spread = chance[rows], spread[rows]
  chance, spread = np.atleast_2d(chance, spread)
  total = np.maximum(chance.sum(0), np.finfo(np.float64).tiny)
  mixed = np.sqrt((chance * spread**2).sum(0) / total)
  stage = Gaussian(
    names, tuple(chance.mean(0).tolist()), (0.0,) * len(names), tuple(mixed.tolist()), limit=limit
  )
  return Fixed(space, (stage,))


def _spread(logits: Array, variance: bool, level: float) -> Array:
  share = jax.nn.sigmoid(logits)
  return level / 10 * jnp.sqrt(share) if variance else share


def _matrix(key: Key, space: Space, draw: Array, pixels: Array) -> Array:
  """[2, 3]: of all ops of `space` in their order."""
  total: Matrix | None = None
  for i, op in enumerate(space):
    fn = cast(Warp, op.fn)
    entries = fn.matrix(key, fn.value(draw[i] * op.high), pixels.shape[:2])
    own = cast(Matrix, tuple(jnp.asarray(entry, pixels.dtype) for entry in entries))
    total = own if total is None else _product(total, own)
  return jnp.stack(cast(Matrix, total)).reshape(2, 3)


def _product(first: Matrix, second: Matrix) -> Matrix:
  """Warping by `first`, then by `second`: where the second looks, the first looks on from there."""
  a, b, c, d, e, f = first
  p, q, r, s, t, u = second
  return (
    *(a * p + b * s, a * q + b * t, a * r + b * u + c),
    *(d * p + e * s, d * q + e * t, d * r + e * u + f),
  )


def _check(
  space: Space, probability: float, level: float, temperature: float, limit: float
) -> None:
  if not space:
    raise ValueError("gaussian takes a space of at least one op, got none")
  for op in space:
    smooth = isinstance(op.fn, Warp) and op.fn.interpolation == "bilinear"
    if not (smooth and op.signed and op.low == 0):
      raise ValueError(
        f"gaussian takes bilinear warps with a direction and a range from 0, got {op.name}"
      )
    if op.fn.fill != cast(Warp, space[0].fn).fill:  # type: ignore[union-attr]
      raise ValueError(f"gaussian takes warps of one fill, got another one in {op.name}")
  if not 0 < probability < 1:
    raise ValueError(f"probability lies between 0 and 1, got {probability}")
  if not 0 < level <= 10:
    raise ValueError(f"level lies above 0 and is at most 10, got {level}")
  if not temperature > 0:
    raise ValueError(f"temperature is positive, got {temperature}")
  if limit < 0 or any(limit * op.high >= 1 for op in space if _about_one(op.fn)):
    raise ValueError(f"limit is at least 0, and keeps the factors of scales above 0, got {limit}")


def _about_one(fn: object) -> bool:
  """Whether the op's strength is a distance from factor 1."""
  return isinstance(fn, Warp) and fn.value is kinds.one_plus
