"""How a policy that does not learn is drawn and applied."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.ops import Draws, Space, find, select
from autoaug_jax.ops.spaces import IDENTITY
from autoaug_jax.policies.base import Augmenter, Policy, per_image
from autoaug_jax.policies.checks import check_fixed, warps_of
from autoaug_jax.policies.drawers import Drawn, drawer, network_draw
from autoaug_jax.policies.merged import merged_warp
from autoaug_jax.policies.sequence import arranged, members, random_signs, sequence, table_of
from autoaug_jax.policies.stages import Fixed, Gaussian, Network, Stage
from autoaug_jax.types import Array, Key

OWN_SIGN = (Gaussian, Network)  # stages whose magnitudes have one


class Warped(NamedTuple):
  """What an image gets from a network that warps it."""

  warp: Array  # [warps], signed magnitudes of what is one warp
  rest: Draws  # fields [K], the ops behind it


def policy(fixed: Fixed) -> Policy:
  """The policy of one image; phi is ()."""
  check_fixed(fixed)
  if not any(_warps(stage, fixed.space) for stage in fixed.stages):
    return _plain(fixed)
  parts, waiting = [], []
  for stage in fixed.stages:
    if not _warps(stage, fixed.space):
      waiting.append(stage)
      continue
    parts += [_plain(Fixed(fixed.space, tuple(waiting)))] if waiting else []
    parts.append(_warping(stage, fixed.space))  # type: ignore[arg-type]
    waiting = []
  parts += [_plain(Fixed(fixed.space, tuple(waiting)))] if waiting else []
  return parts[0] if len(parts) == 1 else _in_turn(parts)


def augmenter(fixed: Fixed) -> Augmenter:
  """`fixed` for each image of a batch; phi is ()."""
  return per_image(policy(fixed))


def _warps(stage: Stage, space: Space) -> bool:
  return isinstance(stage, Network) and warps_of(stage, space) > 0


def _plain(fixed: Fixed) -> Policy:
  """Nothing but ops, one after the other."""
  table = table_of(fixed.space, IDENTITY)
  made = sequence(table, _no_phi, _sampler(fixed, table), lambda key, draw: draw)
  return _traced(made) if any(isinstance(s, OWN_SIGN) for s in fixed.stages) else made


def _warping(stage: Network, space: Space) -> Policy:
  """A network that warps: one warp, and its other ops, one after the other."""
  count = warps_of(stage, space)
  warps, others = select(space, stage.ops[:count]), stage.ops[count:]
  table = table_of(space, IDENTITY)
  index = np.asarray([find(table, name) for name in others], np.int32)
  rest = sequence(table, _no_phi, lambda key, phi: None, lambda key, draw: draw)

  def sample(key: Key, phi: tuple[()]) -> Warped:
    magnitudes, order = network_draw(key, stage, warps=count)
    op, behind = jnp.asarray(index), magnitudes[count:]
    draws = Draws(op[order], behind[order], jnp.ones_like(behind)) if others else _no_draws()
    return Warped(magnitudes[:count], _directed(draws, np.ones(len(others), bool)))

  def apply(key: Key, draw: Warped, image: Array) -> Array:
    warping, running = jax.random.split(key)
    image = merged_warp(warping, image, draw.warp, ops=warps, summed=stage.summed)
    return rest.apply(running, draw.rest, image) if others else image

  def apply_batch(keys: Array, draws: Warped, images: Array) -> Array:
    split = jax.vmap(jax.random.split)(keys)

    def one(key: Key, image: Array, magnitudes: Array) -> Array:
      return merged_warp(key, image, magnitudes, ops=warps, summed=stage.summed)

    images = jax.vmap(one)(split[:, 0], images, draws.warp)
    return images if not others else rest.apply_batch(split[:, 1], draws.rest, images)  # type: ignore[misc]

  return _traced(Policy(_no_phi, sample, apply, None, apply_batch))


def _in_turn(parts: Sequence[Policy]) -> Policy:
  """One policy of an image after the other; the draw is the tuple of theirs."""

  def sample(key: Key, phi: tuple[()]) -> tuple:
    return tuple(p.sample(jax.random.fold_in(key, i), phi) for i, p in enumerate(parts))

  def apply(key: Key, draw: tuple, image: Array) -> Array:
    for i, (part, own) in enumerate(zip(parts, draw, strict=True)):
      image = part.apply(jax.random.fold_in(key, i), own, image)
    return image

  def apply_batch(keys: Array, draws: tuple, images: Array) -> Array:
    for i, (part, own) in enumerate(zip(parts, draws, strict=True)):
      folded = jax.vmap(lambda key, i=i: jax.random.fold_in(key, i))(keys)
      images = part.apply_batch(folded, own, images)  # type: ignore[misc]
    return images

  return Policy(_no_phi, sample, apply, None, apply_batch)


def _traced(made: Policy) -> Policy:
  """Ops take magnitudes over 1 for mistakes where they see numbers; traced, they do not."""
  batched = None if made.apply_batch is None else jax.jit(made.apply_batch)
  return made._replace(apply=jax.jit(made.apply), apply_batch=batched)


def _sampler(fixed: Fixed, table: Space) -> Callable[[Key, tuple[()]], Draws]:
  nothing = table.index(IDENTITY)
  draws_of = [drawer(stage, table, nothing) for stage in fixed.stages]

  def sample(key: Key, phi: tuple[()]) -> Draws:
    if not draws_of:
      return _no_draws()
    parts = [draw(jax.random.fold_in(key, i)) for i, draw in enumerate(draws_of)]
    op, magnitude = (jnp.concatenate(column) for column in zip(*parts, strict=True))
    signs = random_signs(jax.random.fold_in(key, len(parts)), op.shape[0]).astype(magnitude.dtype)
    draws = _directed(Draws(op, magnitude, signs), _own_signs(fixed, parts))
    if not fixed.first + fixed.last:
      return draws
    first, last = (jnp.asarray(members(table, names)) for names in (fixed.first, fixed.last))
    return arranged(draws, first=first, last=last, nothing=nothing)

  return sample


def _own_signs(fixed: Fixed, parts: Sequence[Drawn]) -> np.ndarray:
  """bool [K]: which magnitudes bring a sign."""
  each = zip(fixed.stages, parts, strict=True)
  return np.concatenate([np.full(len(op), isinstance(stage, OWN_SIGN)) for stage, (op, _) in each])


def _directed(draws: Draws, own: np.ndarray) -> Draws:
  """Moves the sign of magnitudes to where ops look for it."""
  if not own.any():
    return draws
  signs = jnp.where(draws.magnitude < 0, -1, 1).astype(draws.sign.dtype)
  signs = jnp.where(jnp.asarray(own), signs, draws.sign)
  return draws._replace(magnitude=jnp.abs(draws.magnitude), sign=signs)


def _no_phi(key: Key) -> tuple[()]:
  return ()


def _no_draws() -> Draws:
  return Draws(jnp.zeros(0, jnp.int32), jnp.zeros(0), jnp.zeros(0))
