"""Two ways to run a plan on uint8 images; the same kernels, hence the same bits."""

import jax
import jax.numpy as jnp
from jax import lax

from autoaug_jax.ops import packed
from autoaug_jax.ops.plan import ROW, Group, Plan, encode
from autoaug_jax.types import Array


def run_by_image(plan: Plan, keys: Array, images: Array, ops: Array, strengths: Array) -> Array:
  """A loop over images, a loop over ops, true switches over ops and groups: for CPUs.

  Keys, ops and strengths are [B, K], images uint8 [B, H, W, C]. Sorting the images by group would
  cost what a warp costs; a turn of these loops costs a tenth of a microsecond.
  """
  kernels = [group.kernel for group in plan.groups]
  group_of = jnp.asarray(plan.group_of, jnp.int32)
  size = images.shape[1:3]

  def one(args: tuple[Array, Array, Array, Array]) -> Array:
    image_keys, image, image_ops, image_strengths = args

    def stage(k: Array, planes: Array) -> Array:
      key, op = image_keys[k], image_ops[k]
      row = encode(plan, key, op, image_strengths[k], size)
      return lax.switch(group_of[op], kernels, key, planes, row)

    planes = lax.fori_loop(0, ops.shape[1], stage, packed.pack(image))
    return packed.unpack(planes, image.shape[-1])

  return lax.map(one, (keys, images, ops, strengths))


def run_by_group(plan: Plan, keys: Array, images: Array, ops: Array, strengths: Array) -> Array:
  """Every group over the whole batch, for devices on which a switch costs more than the work.

  An image that did not draw a group gets its neutral row; where there is none, the few images that
  did draw it are gathered, worked on and put back.
  """
  groups = jnp.asarray(plan.group_of, jnp.int32)[ops]
  size = images.shape[1:3]
  rows = jax.vmap(jax.vmap(lambda key, op, strength: encode(plan, key, op, strength, size)))(
    keys, ops, strengths
  )
  planes = jax.vmap(packed.pack)(images)
  for k in range(ops.shape[1]):
    for index, group in enumerate(plan.groups):
      drawn = groups[:, k] == index
      run = _on_the_few if group.neutral is None else _on_all
      planes = run(group, drawn, keys[:, k], planes, rows[:, k])
  return jax.vmap(lambda p: packed.unpack(p, images.shape[-1]))(planes)


def _on_all(group: Group, drawn: Array, keys: Array, planes: Array, rows: Array) -> Array:
  assert group.neutral is not None
  neutral = jnp.asarray([*group.neutral, *[0] * (ROW - len(group.neutral))], jnp.int32)
  return jax.vmap(group.kernel)(keys, planes, jnp.where(drawn[:, None], rows, neutral[None, :]))


def _on_the_few(group: Group, drawn: Array, keys: Array, planes: Array, rows: Array) -> Array:
  """Blocks of an eighth of the batch until none is left: for one op of fourteen, one block."""
  batch = drawn.shape[0]
  block = max(1, batch // 8)
  order = jnp.concatenate([jnp.argsort(~drawn, stable=True), jnp.full(block, batch)])
  count = jnp.sum(drawn)

  def more(state: tuple[Array, Array]) -> Array:
    return state[0] < count

  def some(state: tuple[Array, Array]) -> tuple[Array, Array]:
    start, planes = state
    index = lax.dynamic_slice(order, (start,), (block,))
    index = jnp.where(start + jnp.arange(block) < count, index, batch)  # the rest is dropped
    near = jnp.minimum(index, batch - 1)
    done = jax.vmap(group.kernel)(keys[near], planes[near], rows[near])
    return start + block, planes.at[index].set(done, mode="drop")

  return lax.while_loop(more, some, (jnp.zeros_like(count), planes))[1]
