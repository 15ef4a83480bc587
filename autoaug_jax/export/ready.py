"""A policy file as a function of images."""

import dataclasses
import os
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from autoaug_jax.export.spec import PolicySpec, load
from autoaug_jax.ops import Op
from autoaug_jax.policies import Augmenter, augmenter, image_keys
from autoaug_jax.types import Array, Batch, Key


@dataclasses.dataclass(frozen=True, eq=False)
class ReadyPolicy:
  """`images = policy(key, images)`: each image of a batch gets a draw of its own.

  Images are [B, H, W, C], uint8, or float in [0, 1] and then differentiable; the same kind comes
  back. `key` is one key, or one for each image [B]. It may be called in `jax.jit` and `jax.vmap`,
  and is itself a function for both: an outer axis of uint8 images is one larger batch, so that the
  work stays in proportion to what was drawn.
  """

  spec: PolicySpec
  run: Callable[[Key, Array], Array] = dataclasses.field(repr=False)

  def __call__(self, key: Key, images: Array) -> Array:
    images = jnp.asarray(images)
    if images.ndim != 4 or not (
      images.dtype == jnp.uint8 or jnp.issubdtype(images.dtype, jnp.floating)
    ):
      raise ValueError(
        "a policy takes images [batch, height, width, channels], uint8 or float in [0, 1], "
        f"got {images.dtype} {images.shape}"
      )
    return self.run(key, images)


def ready(spec: PolicySpec) -> ReadyPolicy:
  """The policy as a function, compiled when it is first called."""
  made = augmenter(spec.policy)

  @jax.custom_batching.custom_vmap
  def on_levels(keys: Array, images: Array) -> Array:
    return _augmented(made, keys, images)

  @on_levels.def_vmap
  def on_more_levels(
    size: int, batched: list[bool], keys: Array, images: Array
  ) -> tuple[Array, bool]:
    keys, images = (
      x if own else jnp.broadcast_to(x, (size, *x.shape))
      for x, own in zip((keys, images), batched, strict=True)
    )
    flat = on_levels(keys.reshape(-1), images.reshape(-1, *images.shape[2:]))
    return flat.reshape(images.shape), True

  @jax.jit
  def run(key: Key, images: Array) -> Array:
    keys = image_keys(key, len(images))
    if images.dtype == jnp.uint8:
      return on_levels(keys, images)
    return _augmented(made, keys, images)

  return ReadyPolicy(spec, run)


def load_ready(path: str | os.PathLike[str], *, own: Sequence[Op] = ()) -> ReadyPolicy:
  """Reads a policy file: `policy = load(path); images = policy(key, images)`.

  `own` has the rows of ops of one's own, as `export.load` takes them.
  """
  return ready(load(path, own=own))


def _augmented(made: Augmenter, keys: Array, images: Array) -> Array:
  count = len(images)
  still = Batch(
    images, jnp.zeros(count, jnp.int32), jnp.ones(count), jnp.arange(count, dtype=jnp.int32)
  )
  return made.augment(keys, (), still).image
