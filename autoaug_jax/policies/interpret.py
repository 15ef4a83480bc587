"""How a policy that does not learn is drawn and applied."""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.ops import Draws, Space, find
from autoaug_jax.ops.spaces import IDENTITY
from autoaug_jax.policies.base import Augmenter, Policy, per_image
from autoaug_jax.policies.sequence import (
  arranged,
  choose,
  members,
  random_signs,
  sequence,
  table_of,
)
from autoaug_jax.policies.stages import Fixed, Row, Slots, Stage, Step, SubPolicies, check_fixed
from autoaug_jax.types import Array, Key

Drawn: TypeAlias = tuple[Array, Array]  # ops int32 [K], magnitudes [K]


def policy(fixed: Fixed) -> Policy:
  """The policy of one image; phi is ()."""
  check_fixed(fixed)
  table = table_of(fixed.space, IDENTITY)
  nothing = table.index(IDENTITY)
  draws_of = [_drawer(stage, table, nothing) for stage in fixed.stages]

  def sample(key: Key, phi: tuple[()]) -> Draws:
    if not draws_of:
      return Draws(jnp.zeros(0, jnp.int32), jnp.zeros(0), jnp.zeros(0))
    parts = [draw(jax.random.fold_in(key, i)) for i, draw in enumerate(draws_of)]
    op, magnitude = (jnp.concatenate(column) for column in zip(*parts, strict=True))
    signs = random_signs(jax.random.fold_in(key, len(parts)), op.shape[0]).astype(magnitude.dtype)
    draws = Draws(op, magnitude, signs)
    if not fixed.first + fixed.last:
      return draws
    first, last = (jnp.asarray(members(table, names)) for names in (fixed.first, fixed.last))
    return arranged(draws, first=first, last=last, nothing=nothing)

  return sequence(table, lambda key: (), sample, lambda key, draw: draw)


def augmenter(fixed: Fixed) -> Augmenter:
  """`fixed` for each image of a batch; phi is ()."""
  return per_image(policy(fixed))


def _drawer(stage: Stage, table: Space, nothing: int) -> Callable[[Key], Drawn]:
  if isinstance(stage, Slots):
    return _slots_drawer(stage, table, nothing)
  if isinstance(stage, SubPolicies):
    return _branch_drawer(stage, table, nothing)
  draw = _branch_drawer(SubPolicies((stage.steps,), (1.0,)), table, nothing)
  if not stage.shuffled:
    return draw

  def shuffled(key: Key) -> Drawn:
    ordering, drawing = jax.random.split(key)
    op, magnitude = draw(drawing)
    order = jax.random.permutation(ordering, len(stage.steps))
    return op[order], magnitude[order]

  return shuffled


def _branch_drawer(stage: SubPolicies, table: Space, nothing: int) -> Callable[[Key], Drawn]:
  length = max(len(branch) for branch in stage.branches)
  pad = Step(IDENTITY.name, 0.0)
  rows = [[*branch, *[pad] * (length - len(branch))] for branch in stage.branches]
  ops = np.asarray([[find(table, s.op) for s in row] for row in rows], np.int32)
  numbers = np.asarray([[s[1:] for s in row] for row in rows]).reshape(len(rows), length, 3)
  cumulative = _cumulative(stage.probability)

  def draw(key: Key) -> Drawn:
    uniform = jax.random.uniform(key, (2 * length + 1,))
    branch = choose(jnp.asarray(cumulative, uniform.dtype), uniform[-1])
    probability, low, high = jnp.moveaxis(jnp.asarray(numbers, uniform.dtype)[branch], -1, 0)
    op = jnp.where(uniform[:length] < probability, jnp.asarray(ops)[branch], jnp.int32(nothing))
    return op, low + uniform[length : 2 * length] * (high - low)

  return draw


def _slots_drawer(stage: Slots, table: Space, nothing: int) -> Callable[[Key], Drawn]:
  k = len(stage.probability)
  index = np.asarray([find(table, name) for name in stage.ops], np.int32)
  cumulative = np.stack([_cumulative(row) for row in stage.probability])

  def draw(key: Key) -> Drawn:
    uniform = jax.random.uniform(jax.random.fold_in(key, 0), (3, k))
    dtype = uniform.dtype
    which = jax.vmap(choose)(jnp.asarray(cumulative, dtype), uniform[0])
    low, high, keep = (
      jnp.asarray(rows, dtype)[jnp.arange(k), which] for rows in (stage.low, stage.high, stage.keep)
    )
    op = jnp.where(uniform[1] < keep, jnp.asarray(index)[which], jnp.int32(nothing))
    place = uniform[2]
    if stage.levels:
      place = jnp.floor(place * float(stage.levels)) / float(max(stage.levels - 1, 1))
    magnitude = low + place * (high - low)
    if stage.sigma:
      noise = jax.random.normal(jax.random.fold_in(key, 1), (k,), dtype)
      magnitude = magnitude + stage.sigma * noise
    return op, jnp.clip(magnitude, 0.0, 1.0)

  return draw


def _cumulative(row: Row) -> np.ndarray:
  total = np.cumsum(np.asarray(row, np.float64))
  return total / total[-1]
