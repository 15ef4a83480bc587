"""How a function of one image runs for a batch, as each kind of device likes it."""

from collections.abc import Callable
from typing import Any

import jax
from jax import lax


def each(fn: Callable[..., Any], *args: Any) -> Any:
  """`fn` for every row of args: one by one where a switch is cheap, all at once elsewhere.

  A CPU takes one branch of a `lax.switch`; under vmap a switch is a select among all of them.
  """
  return lax.platform_dependent(
    *args,
    cpu=lambda *batch: lax.map(lambda one: fn(*one), batch),
    default=jax.vmap(fn),
  )
