"""The same images at several moments of a search that learns a network (Online bilevel, Fig. 3)."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.ops import Space, Warp, select
from autoaug_jax.policies import Form, Network, NetworkDraw, network

MOMENTS = 5  # of the search, its first and its last among them


def at_moments(
  space: Space, stage: Network, told: Mapping[str, np.ndarray], images: np.ndarray
) -> tuple[np.ndarray, list[str]]:
  """What the same noises did to `images` as the search went on, and what the moments are called.

  Args:
    space: of the policy, with the ops of `stage` among its rows.
    stage: the network.
    told: the trajectory, "move" [T] and "drawn" [T, noises, ops], a noise for each image.
    images: uint8 [n, H, W, C].

  Returns:
    Up to 5 moments, float32 [moments, n, H, W, C] in [0, 1].
  """
  rows_of_ops = select(space, stage.ops)
  apply = network(rows_of_ops, form=Form(summed=stage.summed)).apply
  others = sum(not isinstance(op.fn, Warp) for op in rows_of_ops)
  order = jnp.arange(others, dtype=jnp.int32)

  @jax.jit
  def augmented(magnitudes: jax.Array, pixels: jax.Array) -> jax.Array:
    keys = jax.random.split(jax.random.key(0), len(pixels))
    one = jax.vmap(lambda key, m, image: apply(key, NetworkDraw(m, order), image))
    return one(keys, magnitudes, pixels)

  moments = np.unique(np.linspace(0, len(told["move"]) - 1, MOMENTS).round().astype(int))
  pixels = jnp.asarray(images, jnp.float32) / 255
  drawn = [jnp.asarray(told["drawn"][i][: len(images)], jnp.float32) for i in moments]
  rows = np.stack([np.asarray(augmented(magnitudes, pixels)) for magnitudes in drawn])
  labels = [f"move {told['move'][i]}" for i in moments]
  return np.clip(rows, 0, 1), labels
