"""Policies that come down to a sequence of ops on each image, run by the fused executor."""

import functools
from collections.abc import Callable, Iterable
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from autoaug_jax.ops import Draws, Op, Space, apply, augment, augment_uint8, make_space
from autoaug_jax.policies.base import Draw, Policy
from autoaug_jax.types import Array, Key, Phi

Resolve: TypeAlias = Callable[[Key, Draw], Draws]  # Draws of one image: every field [K]


def sequence(
  space: Space,
  init: Callable[[Key], Phi],
  sample: Callable[[Key, Phi], Draw],
  resolve: Resolve,
  *,
  log_prob: Callable[[Phi, Draw], Array] | None = None,
) -> Policy:
  """A policy whose draw `resolve` turns into ops, magnitudes and signs, in order of application.

  `resolve` has a key for what is drawn beside the draw. Images are uint8 or float, and stay so; on
  uint8 the batched form does work in proportion to what was drawn (see `ops.fused`).
  """

  def apply_one(key: Key, draw: Draw, image: Array) -> Array:
    resolving, running = jax.random.split(key)
    return _run_one(space, running, resolve(resolving, draw), image)

  def apply_batch(keys: Array, draws: Draw, images: Array) -> Array:
    split = jax.vmap(jax.random.split)(keys)
    return _run_each(space, split[:, 1], jax.vmap(resolve)(split[:, 0], draws), images)

  return Policy(init, sample, apply_one, log_prob, apply_batch)


def _run_one(space: Space, key: Key, draws: Draws, image: Array) -> Array:
  """The ops of `draws` (fields [K]) on one image [H, W, C], one after the other."""
  branches = [functools.partial(_run, op) for op in space]

  def step(k: Array, image: Array) -> Array:
    one = (jax.random.fold_in(key, k), image, draws.magnitude[k], draws.sign[k])
    return lax.switch(draws.op[k], branches, *one)

  return lax.fori_loop(0, draws.op.shape[0], step, image)


def _run_each(space: Space, keys: Array, draws: Draws, images: Array) -> Array:
  """`_run_one` on keys [B], draws (fields [B, K]) and images [B, H, W, C]."""
  if draws.op.shape[1] == 0:
    return images
  run = augment_uint8 if images.dtype == jnp.uint8 else augment
  return run(keys, images, draws, space=space)


def arranged(draws: Draws, *, first: Array, last: Array, nothing: int) -> Draws:
  """Moves ops to the front and to the back, for one image.

  `first` and `last` are bool [ops]. Of several drawn from `first` only the first is applied, of
  several from `last` the last; the op `nothing` stands in for the others.
  """
  early, late = first[draws.op], last[draws.op]
  spare = (early & (jnp.cumsum(early) > 1)) | (late & (jnp.cumsum(late[::-1])[::-1] > 1))
  rank = jnp.where(early, 0, jnp.where(late, 2, 1))
  order = jnp.argsort(rank, stable=True)
  ops = jnp.where(spare, jnp.asarray(nothing, draws.op.dtype), draws.op)
  return jax.tree.map(lambda field: field[order], draws._replace(op=ops))


def table_of(space: Space, *more: Op) -> Space:
  """`space` and those of `more` that it lacks; ValueError for one name with two meanings."""
  table = list(space)
  for op in more:
    if op not in table:
      table.append(op)
  return make_space(table)


def members(space: Space, names: Iterable[str]) -> np.ndarray:
  """bool [ops]: which ops of `space` are called one of `names`."""
  wanted = set(names)
  return np.asarray([op.name in wanted for op in space])


def random_signs(key: Key, count: int) -> Array:
  """float [count], +-1 with equal chances."""
  return jnp.where(jax.random.bernoulli(key, 0.5, (count,)), 1.0, -1.0)


def choose(cumulative: Array, uniform: Array) -> Array:
  """int32: where in `cumulative` (which ends in 1) `uniform` in [0, 1) falls."""
  return jnp.sum(cumulative <= uniform, dtype=jnp.int32)


def _run(op: Op, key: Key, image: Array, magnitude: Array, sign: Array) -> Array:
  return apply(key, op, image, magnitude, sign=sign)
