"""How a computation is spread over devices: the only place that says `pmap`."""

from collections.abc import Callable
from typing import TypeVar

import jax

Tree = TypeVar("Tree")


def mean_over(axis_name: str | None) -> Callable[[Tree], Tree]:
  """The mean over the devices of a mapped axis; the identity where there is none."""
  if axis_name is None:
    return lambda tree: tree
  return lambda tree: jax.lax.pmean(tree, axis_name)
