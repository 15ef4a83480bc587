"""SLACK's policy: which ops, from learned categoricals; how strong, up to a learned bound."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.ops import Draws, Space
from autoaug_jax.ops.spaces import FLIP_X, IDENTITY
from autoaug_jax.policies.base import Policy
from autoaug_jax.policies.distributions import (
  kl_divergence,
  smoothed_uniform_log_prob,
  upper_edge_log_prob,
)
from autoaug_jax.policies.sequence import arranged, members, random_signs, sequence, table_of
from autoaug_jax.policies.stages import Fixed, Step, Steps, join, uniform_slots
from autoaug_jax.types import Array, Key

FIRST, LAST = ("RandomResizedCrop",), ("Cutout",)


class CategoricalPhi(NamedTuple):
  """What SLACK learns."""

  logits: Array  # [K, N], pi: of the ops, in each slot
  bound: Array  # [N], mu: of the magnitudes, shared by the slots


class Composite(NamedTuple):
  """SLACK's tau: K ops and their magnitudes."""

  op: Array  # int32 [K]
  magnitude: Array  # [K], not yet clipped to [0, 1]


def categorical_uniform(
  space: Space,
  k: int,
  *,
  bound: float = 0.75,
  sigma: float = 0.1,
  flip: float = 0.5,
  one_sided: bool = False,
  shared_noise: bool = False,
) -> Policy:
  """SLACK (Section 3.1): p(tau) = prod_k p_pi(t_i) p_mu(m_i | t_i), in the paper k = 3.

  p_pi is a softmax of logits that start at 0, p_mu uniform on [0, mu] plus noise of deviation
  `sigma`, with mu from `bound` on. A RandomResizedCrop runs before all else, the first if several
  were drawn; then the other ops as drawn; then, with probability `flip`, a mirror image; and a
  Cutout last, the last drawn. Directions, flips and the places of crops and boxes are each image's
  own and no part of tau, also where images share one.

  Two things that the released code does differently: `one_sided` scores the upper edge only, and
  `shared_noise` adds the same noise to all k magnitudes.
  """
  _check(space, k, bound, sigma, flip)
  table = table_of(space, IDENTITY, *([FLIP_X] if flip else []))
  nothing, mirror = table.index(IDENTITY), table.index(FLIP_X) if flip else 0
  density = upper_edge_log_prob if one_sided else smoothed_uniform_log_prob

  def init(key: Key) -> CategoricalPhi:
    return CategoricalPhi(jnp.zeros((k, len(space))), jnp.full(len(space), bound))

  def sample(key: Key, phi: CategoricalPhi) -> Composite:
    choosing, placing, smoothing = jax.random.split(key, 3)
    dtype = phi.bound.dtype
    op = jax.random.categorical(choosing, phi.logits).astype(jnp.int32)
    noise = jax.random.normal(smoothing, (1 if shared_noise else k,), dtype)
    uniform = jax.random.uniform(placing, (k,), dtype)
    # The score is the whole gradient: none may pass through the draw as well.
    return jax.lax.stop_gradient(Composite(op, uniform * phi.bound[op] + sigma * noise))

  def log_prob(phi: CategoricalPhi, draw: Composite) -> Array:
    log_pi = jax.nn.log_softmax(phi.logits)[jnp.arange(k), draw.op]
    return jnp.sum(log_pi + density(draw.magnitude, phi.bound[draw.op], sigma))

  def resolve(key: Key, draw: Composite) -> Draws:
    turning, flipping = jax.random.split(key)
    magnitude = jnp.clip(draw.magnitude, 0.0, 1.0)
    draws = Draws(draw.op, magnitude, random_signs(turning, k).astype(magnitude.dtype))
    if flip:
      op = jnp.where(jax.random.bernoulli(flipping, flip), jnp.int32(mirror), jnp.int32(nothing))
      one = jnp.ones((), magnitude.dtype)
      draws = jax.tree.map(lambda a, b: jnp.append(a, b), draws, Draws(op, one, one))
    first, last = (jnp.asarray(members(table, names)) for names in (FIRST, LAST))
    return arranged(draws, first=first, last=last, nothing=nothing)

  return sequence(table, init, sample, resolve, log_prob=log_prob)


def anchored(phi: CategoricalPhi, anchor: CategoricalPhi) -> Array:
  """KL(p_pi || p_anchor), summed over the slots (Section 3.3); the bounds take no part."""
  return jnp.sum(kl_divergence(phi.logits, anchor.logits))


def kept_in_range(phi: CategoricalPhi, *, low: float = 0.1, high: float = 1.0) -> CategoricalPhi:
  """phi with its bounds clipped, as after every step of the outer optimizer (released code)."""
  return phi._replace(bound=jnp.clip(phi.bound, low, high))


def probabilities(phi: CategoricalPhi) -> Array:
  """[K, N]."""
  return jax.nn.softmax(phi.logits)


def as_fixed(phi: CategoricalPhi, space: Space, *, sigma: float = 0.1, flip: float = 0.5) -> Fixed:
  """The policy at phi as data: the same distribution, with nothing left to learn."""
  ops = tuple(op.name for op in space)
  logits, bound = np.asarray(phi.logits, np.float64), np.asarray(phi.bound, np.float64)
  if logits.ndim != 2 or logits.shape[1:] != (len(ops),) or bound.shape != (len(ops),):
    raise ValueError(
      f"phi takes logits [k, {len(ops)}] and bounds [{len(ops)}] for this space, "
      f"got {logits.shape} and {bound.shape}"
    )
  share = np.exp(logits - logits.max(axis=1, keepdims=True))
  share /= share.sum(axis=1, keepdims=True)
  k = len(share)
  slots = uniform_slots(ops, k, sigma=sigma)._replace(
    probability=tuple(tuple(row.tolist()) for row in share),
    high=(tuple(bound.tolist()),) * k,
  )
  return join(
    Fixed(space, (slots,), *(tuple(n for n in names if n in ops) for names in (FIRST, LAST))),
    *([Fixed((FLIP_X,), (Steps((Step(FLIP_X.name, flip),)),))] if flip else []),
  )


def _check(space: Space, k: int, bound: float, sigma: float, flip: float) -> None:
  if not space:
    raise ValueError("categorical_uniform takes a space of at least one op, got none")
  if k < 1:
    raise ValueError(f"categorical_uniform takes at least 1 op for each image, got k={k}")
  if not 0 < bound <= 1:
    raise ValueError(f"bound lies in (0, 1], got {bound}")
  if not sigma > 0:
    raise ValueError(f"sigma is positive, got {sigma}: without noise there is no score in bound")
  if not 0 <= flip <= 1:
    raise ValueError(f"flip is a probability, got {flip}")
