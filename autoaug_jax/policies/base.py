"""What a policy is, what an augmenter is, and how a policy of one image augments a batch."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

import chex
import jax
import jax.numpy as jnp

from autoaug_jax.types import Array, Batch, Key, Phi

Draw: TypeAlias = Any  # a pytree of arrays: what `sample` decided, in terms of which p is defined


class Policy(NamedTuple):
  """A distribution over transformations of one image [H, W, C], uint8 or float in [0, 1].

  What `apply` draws from its own key (directions, places of boxes) has no parameters to learn and
  is no part of the draw. `log_prob` is None where `sample` and `apply` are differentiable in phi,
  or where there is no phi. `apply_batch`, where given, is `apply` on keys [B], draws with leaves
  [B, ...] and images [B, H, W, C], only faster: bit for bit the same on uint8.
  """

  init: Callable[[Key], Phi]
  sample: Callable[[Key, Phi], Draw]
  apply: Callable[[Key, Draw, Array], Array]
  log_prob: Callable[[Phi, Draw], Array] | None = None
  apply_batch: Callable[[Array, Draw, Array], Array] | None = None


class Augment(Protocol):
  """Augments a batch; differentiable in phi, by way of the weight if images are not.

  `key` is one key, from which each image's is folded by its place in the batch. On several devices
  all hand over the same key, and `first`, the place of their first image in the global batch: draws
  are then those of one device. `key` may also be one key per image [B] (`first` is then not read),
  except where images share a draw.
  """

  def __call__(self, key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch: ...


class Augmenter(NamedTuple):
  """A map batch -> batch with parameters phi. uint8 images stay uint8 if the policy lets them."""

  init: Callable[[Key], Phi]
  augment: Augment


def per_image(policy: Policy) -> Augmenter:
  """A draw for each image, its score on its own weight."""

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    count = _checked(batch)
    sampling, applying = _halves(image_keys(key, count, first=first))
    draws = jax.vmap(policy.sample, in_axes=(0, None))(sampling, phi)
    images = _apply_each(policy, applying, draws, batch.image)
    if policy.log_prob is None:
      return batch._replace(image=images)
    log_prob = jax.vmap(policy.log_prob, in_axes=(None, 0))(phi, draws)
    return batch._replace(image=images, weight=_scored(batch.weight, log_prob))

  return Augmenter(policy.init, augment)


def shared(policy: Policy) -> Augmenter:
  """One draw for the whole batch, its score on every weight; `apply` has a key for each image."""

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    count = _checked(batch)
    _check_single(key, "shared")
    draw = policy.sample(jax.random.fold_in(key, 0), phi)
    keys = image_keys(jax.random.fold_in(key, 1), count, first=first)
    images = _apply_one(policy, keys, draw, batch.image)
    if policy.log_prob is None:
      return batch._replace(image=images)
    log_prob = jnp.broadcast_to(policy.log_prob(phi, draw), (count,))
    return batch._replace(image=images, weight=_scored(batch.weight, log_prob))

  return Augmenter(policy.init, augment)


def grouped(policy: Policy, n: int) -> Augmenter:
  """n draws: image i of the global batch gets draw i modulo n (MADAO has 32 for 128 images)."""
  if n < 1:
    raise ValueError(f"grouped takes at least 1 draw, got {n}")

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    count = _checked(batch)
    _check_single(key, "grouped")
    sampling = image_keys(jax.random.fold_in(key, 0), n)
    drawn = jax.vmap(policy.sample, in_axes=(0, None))(sampling, phi)
    group = _places(count, first) % n
    draws = jax.tree.map(lambda leaf: leaf[group], drawn)
    keys = image_keys(jax.random.fold_in(key, 1), count, first=first)
    images = _apply_each(policy, keys, draws, batch.image)
    if policy.log_prob is None:
      return batch._replace(image=images)
    log_prob = jax.vmap(policy.log_prob, in_axes=(None, 0))(phi, drawn)[group]
    return batch._replace(image=images, weight=_scored(batch.weight, log_prob))

  return Augmenter(policy.init, augment)


def per_example(policy: Policy, num_examples: int) -> Augmenter:
  """A row of phi for each training example, found by `batch.index`; a draw for each image.

  The leaves of phi are those of the policy's with an axis of `num_examples` in front (AutoDO).
  """
  if num_examples < 1:
    raise ValueError(f"per_example takes at least 1 example, got {num_examples}")

  def init(key: Key) -> Phi:
    return jax.vmap(policy.init)(jax.random.split(key, num_examples))

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    count = _checked(batch)
    rows = jax.tree.map(lambda leaf: leaf[batch.index], phi)
    sampling, applying = _halves(image_keys(key, count, first=first))
    draws = jax.vmap(policy.sample)(sampling, rows)
    images = _apply_each(policy, applying, draws, batch.image)
    if policy.log_prob is None:
      return batch._replace(image=images)
    log_prob = jax.vmap(policy.log_prob)(rows, draws)
    return batch._replace(image=images, weight=_scored(batch.weight, log_prob))

  return Augmenter(init, augment)


def chain(*augmenters: Augmenter) -> Augmenter:
  """One augmenter after the other; phi is the tuple of theirs."""

  def init(key: Key) -> Phi:
    return tuple(a.init(jax.random.fold_in(key, i)) for i, a in enumerate(augmenters))

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    for i, (augmenter, part) in enumerate(zip(augmenters, phi, strict=True)):
      batch = augmenter.augment(_fold(key, i), part, batch, first=first)
    return batch

  return Augmenter(init, augment)


def frozen(augmenter: Augmenter, learned: Phi) -> Augmenter:
  """The augmenter at phi = `learned`, with nothing left to learn: its own phi is ()."""

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    return augmenter.augment(key, learned, batch, first=first)

  return Augmenter(lambda key: (), augment)


def _scored(weight: Array, log_prob: Array) -> Array:
  """`weight`, its gradient that of weight * log_prob: the score function rides on the loss."""
  chex.assert_equal_shape([weight, log_prob])
  log_prob = log_prob.astype(weight.dtype)
  return weight * jnp.exp(log_prob - jax.lax.stop_gradient(log_prob))


def _apply_each(policy: Policy, keys: Array, draws: Draw, images: Array) -> Array:
  """`policy.apply` on keys [B], draws of B and images [B, H, W, C]."""
  return (policy.apply_batch or jax.vmap(policy.apply))(keys, draws, images)


def _apply_one(policy: Policy, keys: Array, draw: Draw, images: Array) -> Array:
  """`policy.apply` on keys [B], one draw and images [B, H, W, C]."""
  if policy.apply_batch is None:
    # The draw is not mapped, so that a switch on it stays a switch.
    return jax.vmap(policy.apply, in_axes=(0, None, 0))(keys, draw, images)
  copies = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, keys.shape + leaf.shape), draw)
  return policy.apply_batch(keys, copies, images)


def _places(count: int, first: Array | int) -> Array:
  """int32 [count]: the places in the global batch of images from place `first` on."""
  return jnp.arange(count, dtype=jnp.int32) + jnp.asarray(first, jnp.int32)


def image_keys(key: Key, count: int, *, first: Array | int = 0) -> Array:
  """Keys [count]: `key` folded with each image's place in the global batch, or `key` if [count]."""
  if key.ndim == 0:
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, _places(count, first))
  if key.shape != (count,):
    raise ValueError(f"augment takes one key, or one for each of {count} images, got {key.shape}")
  return key


def _halves(keys: Array) -> tuple[Array, Array]:
  """Keys [B] for sampling, and for applying."""
  split = jax.vmap(jax.random.split)(keys)
  return split[:, 0], split[:, 1]


def split_keys(key: Key) -> tuple[Key, Key]:
  """Two keys, or two [B], from one key or keys [B]."""
  return _fold(key, 0), _fold(key, 1)


def _fold(key: Key, number: int) -> Key:
  """One key, or keys [B], folded with `number`."""
  if key.ndim == 0:
    return jax.random.fold_in(key, number)
  return jax.vmap(lambda one: jax.random.fold_in(one, number))(key)


def _checked(batch: Batch) -> int:
  """The number of images."""
  chex.assert_rank(batch.image, 4)
  chex.assert_shape(batch.weight, batch.image.shape[:1])
  chex.assert_shape(batch.index, batch.image.shape[:1])
  return batch.image.shape[0]


def _check_single(key: Key, lift: str) -> None:
  if key.ndim:
    raise ValueError(
      f"{lift} takes one key for the whole batch, got keys of shape {key.shape}: "
      "hand over the place of the first image as first= instead"
    )
