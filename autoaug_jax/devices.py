"""How a computation is spread over devices: the only place that says `pmap`."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from autoaug_jax.types import Array

Tree = TypeVar("Tree")

AXIS = "devices"  # the name of the mapped axis wherever nothing else is said


def mean_over(axis_name: str | None) -> Callable[[Tree], Tree]:
  """The mean over the devices of a mapped axis; the identity where there is none."""
  if axis_name is None:
    return lambda tree: tree
  return lambda tree: jax.lax.pmean(tree, axis_name)


def first_place(count: int, axis_name: str | None) -> Array | int:
  """The place in the global batch of the first of this device's `count` examples."""
  return 0 if axis_name is None else jax.lax.axis_index(axis_name) * count


def pmapped(
  function: Callable[..., Any],
  *,
  split: Sequence[int],
  count: int | None = None,
  donate: Sequence[int] = (),
  axis_name: str = AXIS,
) -> Callable[..., Any]:
  """`function` on all devices at once; its results must be equal on all, and come back once.

  Arguments whose positions are in `split` have been through `shard`; the others are the same on all
  devices (`replicate` them, or each call copies them). `count` of this process's devices take part;
  None is all of every process.
  """
  devices = _devices(count)
  here = jax.local_device_count() if devices is None else len(devices)
  compiled: dict[int, Callable[..., Any]] = {}

  def call(*arguments: Any) -> Any:
    size = len(arguments)
    if size not in compiled:
      compiled[size] = jax.pmap(
        lambda places, *rest: function(*rest),
        axis_name=axis_name,
        in_axes=(0, *(0 if i in split else None for i in range(size))),
        out_axes=None,
        devices=devices,
        donate_argnums=tuple(i + 1 for i in donate),
      )
    # One argument has to be split even where a function reads no batch.
    return compiled[size](np.arange(here), *arguments)

  return call


def replicate(tree: Tree, *, count: int | None = None, axis_name: str = AXIS) -> Tree:
  """A copy of every leaf on each device that `pmapped` with the same `count` uses."""
  devices = _devices(count)
  mesh = Mesh(np.asarray(jax.devices() if devices is None else devices), (axis_name,))
  sharding = NamedSharding(mesh, PartitionSpec())

  def leaf(x: Any) -> Any:
    if isinstance(x, jax.Array) and jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
      # Keys cannot be put on the devices of other processes; their numbers can.
      data = jax.device_put(jax.random.key_data(x), sharding)
      return jax.random.wrap_key_data(data, impl=jax.random.key_impl(x))
    return jax.device_put(x, sharding)

  return jax.tree.map(leaf, tree)


def shard(tree: Tree, *, axis: int = 0, count: int | None = None) -> Tree:
  """Cuts `axis` of every leaf, the global batch's, in equal parts: [..., B, ...] ->

  [local devices, ..., B / devices, ...] with this process's parts alone. Device d has the examples
  from d B / devices on.
  """
  total = jax.device_count() if count is None else count
  here = [d.id for d in jax.local_devices()]
  everywhere = [d.id for d in jax.devices()]
  mine = range(total) if count is not None else [everywhere.index(i) for i in here]

  def leaf(x: Any) -> Any:
    if x.shape[axis] % total:
      raise ValueError(f"a batch of {x.shape[axis]} examples cannot be split over {total} devices")
    parts = np.split(np.asarray(x), total, axis)
    return np.stack([parts[i] for i in mine])

  return jax.tree.map(leaf, tree)


def local(tree: Tree) -> Tree:
  """A replicated tree's copy on the first of this process's devices: no transfer."""

  def leaf(x: Any) -> Any:
    return x.addressable_data(0) if isinstance(x, jax.Array) else x

  return jax.tree.map(leaf, tree)


def _devices(count: int | None) -> list[Any] | None:
  if count is None:
    return None
  devices = jax.local_devices()
  if not 1 <= count <= len(devices):
    raise ValueError(f"devices must be between 1 and {len(devices)}, not {count}")
  return devices[:count]
