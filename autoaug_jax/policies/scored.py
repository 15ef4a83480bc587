"""MADAO's policy with hard coins in searches too, learned by their score."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from autoaug_jax.ops import Draws, Space
from autoaug_jax.ops.spaces import IDENTITY
from autoaug_jax.policies.base import Policy
from autoaug_jax.policies.gumbel import (
  STARTS,
  GumbelPhi,
  Start,
  columns_of,
  gumbel,
)
from autoaug_jax.policies.sequence import random_signs, sequence, table_of
from autoaug_jax.types import Array, Key


class Scored(NamedTuple):
  """One op for each stage, and whether it is applied."""

  op: Array  # int32 [K]
  coin: Array  # bool [K]
  magnitude: Array  # [K], differentiable in phi


def scored(space: Space, k: int, *, start: Start = STARTS["wacv"]) -> Policy:
  """`gumbel`'s distribution and phi, without its relaxations; in neither paper.

  Selections and chances have the score log pi_i + log Bernoulli(coin; p_i), magnitudes are
  differentiated as in `gumbel`. An op that is no small change of an image (a rotation by 15
  degrees) has a derivative along the blend of image and result that says nothing of its worth: the
  relaxed policy does not see it, this one does, with more noise.
  """
  table = table_of(space, IDENTITY)
  nothing = jnp.int32(table.index(IDENTITY))
  column = columns_of(space)
  row = jnp.arange(k)

  def sample(key: Key, phi: GumbelPhi) -> Scored:
    choosing, tossing = jax.random.split(key)
    op = jax.random.categorical(choosing, phi.selection).astype(jnp.int32)
    chance = jax.lax.stop_gradient(jax.nn.sigmoid(phi.chance[row, op]))
    # One column more for the ops that have no magnitude.
    ones = jnp.ones((k, 1), phi.magnitude.dtype)
    magnitude = jnp.concatenate([jax.nn.sigmoid(phi.magnitude), ones], axis=1)
    return Scored(
      op, jax.random.bernoulli(tossing, chance), magnitude[row, jnp.asarray(column)[op]]
    )

  def log_prob(phi: GumbelPhi, draw: Scored) -> Array:
    chance = phi.chance[row, draw.op]
    tossed = jax.nn.log_sigmoid(jnp.where(draw.coin, chance, -chance))
    return jnp.sum(jax.nn.log_softmax(phi.selection)[row, draw.op] + tossed)

  def resolve(key: Key, draw: Scored) -> Draws:
    signs = random_signs(key, k).astype(draw.magnitude.dtype)
    return Draws(jnp.where(draw.coin, draw.op, nothing), draw.magnitude, signs)

  init = gumbel(space, k, start=start).init
  return sequence(table, init, sample, resolve, log_prob=log_prob)
