"""Images cut out of larger ones before they are augmented."""

import jax
from jax import lax

from autoaug_jax.policies.base import Augmenter, image_keys, split_keys
from autoaug_jax.types import Array, Batch, Key, Phi


def cropped(augmenter: Augmenter, side: int) -> Augmenter:
  """`augmenter` on squares of `side` pixels, each from a random place of its image.

  SLACK cuts 224 of 256 pixels so (Table 9). phi is the augmenter's.
  """
  if side < 1:
    raise ValueError(f"a crop has at least 1 pixel a side, not {side}")

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    height, width, channels = batch.image.shape[1:]
    if min(height, width) < side:
      raise ValueError(f"a crop of {side} pixels does not fit into {height} x {width}")
    placing, augmenting = split_keys(key)
    keys = image_keys(placing, len(batch.label), first=first)

    def one(key: Key, image: Array) -> Array:
      down, right = jax.random.split(key)
      y = jax.random.randint(down, (), 0, height - side + 1)
      x = jax.random.randint(right, (), 0, width - side + 1)
      return lax.dynamic_slice(image, (y, x, 0), (side, side, channels))

    smaller = batch._replace(image=jax.vmap(one)(keys, batch.image))
    return augmenter.augment(augmenting, phi, smaller, first=first)

  return Augmenter(augmenter.init, augment)
