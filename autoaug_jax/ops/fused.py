"""A batch in which every image has its own sequence of ops, in one jitted call.

`jax.vmap` over `lax.switch` runs every op for every image. Here the work is in proportion to what
was drawn: on a CPU by a loop over images with a true switch over groups of ops, elsewhere group by
group over the whole batch.
"""

import functools

import jax
import jax.numpy as jnp
from jax import lax

from autoaug_jax.ops import stages
from autoaug_jax.ops.draws import Draws, check_batch, keys_of, strengths_of
from autoaug_jax.ops.executors import run_by_group, run_by_image
from autoaug_jax.ops.kinds import Warp
from autoaug_jax.ops.plan import make_plan
from autoaug_jax.ops.space import Space, check_channels
from autoaug_jax.types import Array, Key


def augment_uint8(key: Key, images: Array, draws: Draws, *, space: Space) -> Array:
  """K ops on each of images uint8 [B, H, W, C]: bit for bit as one op after the other.

  `key` is one key, or one for each image, for what ops draw themselves (crops, boxes). There is no
  gradient. On a CPU, memory beyond the result is a few images.
  """
  check_batch(images, draws, space)
  if images.dtype != jnp.uint8:
    raise ValueError(f"augment_uint8 takes uint8 images, got {images.dtype}; see augment")
  return _augment_uint8(key, images, draws, space)


def augment(
  key: Key, images: Array, draws: Draws, *, space: Space, merge_warps: bool = False
) -> Array:
  """K ops on each of images float [B, H, W, C] in [0, 1], differentiable in images and magnitudes.

  The backward pass costs about five forward passes and keeps K batches. Gradients are by reverse
  mode only. With `merge_warps`, bilinear warps that follow one another are one warp by the product
  of their matrices: less blur, less time, and not the same as one after the other.
  """
  check_batch(images, draws, space)
  if not jnp.issubdtype(images.dtype, jnp.floating):
    raise ValueError(f"augment takes float images, got {images.dtype}; see augment_uint8")
  check_channels(space, images.shape[-1])
  return _augment(key, images, draws, space, merge_warps)


@functools.partial(jax.jit, static_argnums=3)
def _augment_uint8(key: Key, images: Array, draws: Draws, space: Space) -> Array:
  plan = make_plan(space, images.shape[-1])
  keys = keys_of(key, *draws.op.shape)
  strengths = strengths_of(space, draws).astype(jnp.float32)
  by_image, by_group = (functools.partial(run, plan) for run in (run_by_image, run_by_group))
  return lax.platform_dependent(keys, images, draws.op, strengths, cpu=by_image, default=by_group)


@functools.partial(jax.jit, static_argnums=(3, 4))
def _augment(key: Key, images: Array, draws: Draws, space: Space, merge_warps: bool) -> Array:
  keys = keys_of(key, *draws.op.shape)
  values = strengths_of(space, draws).astype(images.dtype)
  if not merge_warps or draws.op.shape[1] == 0:
    stage = stages.make_stage(stages.plain_branches(space))
    for k in range(draws.op.shape[1]):
      images = stage(draws.op[:, k], keys[:, k], images, values[:, k])
    return images
  stage = stages.make_stage(stages.merging_branches(space))
  settle = stages.make_stage(stages.settling_branches(stages.warp_convention(space).fill))
  is_other = jnp.asarray([not isinstance(op.fn, Warp) for op in space], jnp.int32)
  still = jnp.broadcast_to(jnp.eye(2, 3, dtype=images.dtype), (images.shape[0], 2, 3))
  carry = (images, still)
  for k in range(draws.op.shape[1]):
    carry = settle(is_other[draws.op[:, k]], keys[:, k], carry, values[:, k])
    carry = stage(draws.op[:, k], keys[:, k], carry, values[:, k])
  last = jnp.ones_like(draws.op[:, 0])
  return jnp.clip(settle(last, keys[:, 0], carry, values[:, 0])[0], 0.0, 1.0)
