"""How the stages of a policy that does not learn are drawn."""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.ops import Space, find
from autoaug_jax.ops.spaces import IDENTITY
from autoaug_jax.policies.perceptron import outputs
from autoaug_jax.policies.sequence import choose
from autoaug_jax.policies.stages import (
  Gaussian,
  Network,
  Row,
  Slots,
  Stage,
  Step,
  SubPolicies,
)
from autoaug_jax.types import Array, Key

Drawn: TypeAlias = tuple[Array, Array]  # ops int32 [K], magnitudes [K]
Drawer: TypeAlias = Callable[[Key], Drawn]


def drawer(stage: Stage, table: Space, nothing: int) -> Drawer:
  """The draw of one image: ops of `table`, of which number `nothing` changes nothing.

  The magnitudes of `Gaussian` and `Network` have signs.
  """
  if isinstance(stage, Slots):
    return _slots_drawer(stage, table, nothing)
  if isinstance(stage, Gaussian):
    return _shuffling(_gaussian_drawer(stage, table, nothing), len(stage.ops), stage.shuffled)
  if isinstance(stage, Network):
    return _network_drawer(stage, table)
  if isinstance(stage, SubPolicies):
    return _branch_drawer(stage, table, nothing)
  draw = _branch_drawer(SubPolicies((stage.steps,), (1.0,)), table, nothing)
  return _shuffling(draw, len(stage.steps), stage.shuffled)


def network_draw(key: Key, stage: Network, *, warps: int = 0) -> tuple[Array, Array]:
  """(signed magnitudes [ops], the order int32 [ops - warps] of those behind the `warps`)."""
  drawing, ordering = jax.random.split(key)
  dtype = jnp.result_type(float)
  weights, biases = (
    [jnp.asarray(np.asarray(layer), dtype) for layer in layers]
    for layers in (stage.weights, stage.biases)
  )
  magnitudes = outputs(drawing, weights, biases, squash=stage.squash, dropout=stage.dropout)
  return magnitudes, random_order(ordering, len(stage.ops) - warps, stage.shuffled)


def random_order(key: Key, count: int, shuffled: bool) -> Array:
  """int32 [count]: 0, 1, ..., or a permutation of it."""
  order = jnp.arange(count, dtype=jnp.int32)
  return jax.random.permutation(key, order) if shuffled and count > 1 else order


def _shuffling(draw: Drawer, count: int, shuffled: bool) -> Drawer:
  if not shuffled:
    return draw

  def in_random_order(key: Key) -> Drawn:
    ordering, drawing = jax.random.split(key)
    op, magnitude = draw(drawing)
    order = jax.random.permutation(ordering, count)
    return op[order], magnitude[order]

  return in_random_order


def _gaussian_drawer(stage: Gaussian, table: Space, nothing: int) -> Drawer:
  index = np.asarray([find(table, name) for name in stage.ops], np.int32)

  def draw(key: Key) -> Drawn:
    applying, spreading = jax.random.split(key)
    noise = jax.random.normal(spreading, index.shape)
    chance, mean, deviation = (
      jnp.asarray(np.asarray(row), noise.dtype)
      for row in (stage.probability, stage.mean, stage.deviation)
    )
    magnitude = mean + deviation * noise
    if stage.limit:
      magnitude = jnp.clip(magnitude, -stage.limit, stage.limit)
    applied = jax.random.uniform(applying, index.shape) < chance
    return jnp.where(applied, jnp.asarray(index), jnp.int32(nothing)), magnitude

  return draw


def _network_drawer(stage: Network, table: Space) -> Drawer:
  index = np.asarray([find(table, name) for name in stage.ops], np.int32)

  def draw(key: Key) -> Drawn:
    magnitudes, order = network_draw(key, stage)
    return jnp.asarray(index)[order], magnitudes[order]

  return draw


def _branch_drawer(stage: SubPolicies, table: Space, nothing: int) -> Drawer:
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


def _slots_drawer(stage: Slots, table: Space, nothing: int) -> Drawer:
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
