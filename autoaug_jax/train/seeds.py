"""Many seeds in one dispatch: a move on one state becomes a move on a state with a seed axis."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp


def many_seeds(
  move: Callable[..., Any], count: int, *, shared: Sequence[int] = (), unroll: bool
) -> Callable[..., Any]:
  """`move` for each of `count` seeds: all arguments and results have a seed axis in front.

  Arguments at positions `shared` are the same for all. With `unroll` the seeds stand one after the
  other in the program, else they are mapped (`dispatch.unrolls_seeds` says which is faster where);
  a single one is never mapped.
  """
  if not unroll and count > 1:

    def mapped(*arguments: Any) -> Any:
      axes = tuple(None if i in shared else 0 for i in range(len(arguments)))
      return jax.vmap(move, in_axes=axes, axis_size=count)(*arguments)

    return mapped

  def unrolled(*arguments: Any) -> Any:
    def of(seed: int, position: int) -> Any:
      argument = arguments[position]
      if position in shared:
        return argument
      return jax.tree.map(lambda leaf: leaf[seed], argument)

    each = [move(*(of(s, i) for i in range(len(arguments)))) for s in range(count)]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)

  return unrolled
