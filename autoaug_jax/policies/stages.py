"""A policy that does not learn, as data: stages over a table of ops.

Everything here is plain numbers and names, so that two equal policies compare equal, are compiled
once, and can be written to a file.
"""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from autoaug_jax.ops import Space
from autoaug_jax.policies.sequence import table_of

Row: TypeAlias = tuple[float, ...]
MOST_SLOTS = 256
SQUASHES = ("none", "tanh")  # of a network


class Step(NamedTuple):
  """One op with its probability, its magnitude uniform in low..high."""

  op: str
  probability: float = 1.0
  low: float = 1.0
  high: float = 1.0


class Steps(NamedTuple):
  """Step after step, or all of them in a random order."""

  steps: tuple[Step, ...]
  shuffled: bool = False


class SubPolicies(NamedTuple):
  """One of several sequences of steps."""

  branches: tuple[tuple[Step, ...], ...]
  probability: Row  # of each branch


class Slots(NamedTuple):
  """K slots [K, N]: in each one of `ops`, applied with the chance `keep`, else nothing.

  Its magnitude is uniform in low..high, on that range's `levels` equally spaced values (0: on all),
  with Gaussian noise of deviation `sigma`, clipped to [0, 1].
  """

  ops: tuple[str, ...]
  probability: tuple[Row, ...]
  keep: tuple[Row, ...]
  low: tuple[Row, ...]
  high: tuple[Row, ...]
  levels: int = 0
  sigma: float = 0.0


class Gaussian(NamedTuple):
  """Ops with a direction, one after the other or shuffled, each applied with its own chance.

  The signed magnitude of ops[i] is m = mean[i] + deviation[i] z with z ~ N(0, 1), clipped to
  -limit..limit, or not at all where `limit` is 0. Its strength is sign(m) (low + |m| (high - low)):
  no other direction is drawn, and beyond 1 the op's range is continued.
  """

  ops: tuple[str, ...]
  probability: Row
  mean: Row
  deviation: Row
  shuffled: bool = False
  limit: float = 0.0


class Network(NamedTuple):
  """Ops with a direction, their signed magnitudes the outputs of a ReLU network on noise.

  Noise ~ U(-1, 1)^n goes through h = max(0, h W + b) layer by layer, the last without the maximum
  and then squashed; a hidden unit is left out with the chance `dropout` and else divided by
  1 - dropout. Strengths are as in `Gaussian`, without a limit. Warps come first and are one: their
  matrices multiplied in order or, where `summed`, the identity plus what each adds to it. The other
  ops follow in order, or shuffled.
  """

  ops: tuple[str, ...]
  weights: tuple[tuple[Row, ...], ...]  # of each layer [inputs, outputs]
  biases: tuple[Row, ...]
  squash: str = "none"
  dropout: float = 0.0
  summed: bool = False
  shuffled: bool = False


Stage: TypeAlias = Steps | SubPolicies | Slots | Gaussian | Network


class Fixed(NamedTuple):
  """Stages, one after the other, over the ops of `space`.

  Directions are drawn with equal chances where magnitudes have no sign of their own. Ops named in
  `first` run before all else, the first of those drawn only; ops in `last` after all else, the last
  of those drawn only. Neither goes with a `Network` that warps: its warp stays in its place.
  """

  space: Space
  stages: tuple[Stage, ...]
  first: tuple[str, ...] = ()
  last: tuple[str, ...] = ()


def uniform_slots(
  ops: tuple[str, ...],
  k: int,
  *,
  low: float = 0.0,
  high: float = 1.0,
  keep: float = 1.0,
  levels: int = 0,
  sigma: float = 0.0,
) -> Slots:
  """k slots, all ops alike in each."""
  if k > MOST_SLOTS:
    raise ValueError(f"an image gets at most {MOST_SLOTS} ops, not {k}")

  def rows(value: float) -> tuple[Row, ...]:
    return ((value,) * len(ops),) * k

  share = 1.0 / max(len(ops), 1)
  return Slots(ops, rows(share), rows(keep), rows(low), rows(high), levels, sigma)


def join(*parts: Fixed) -> Fixed:
  """One policy after the other, as one; an op that two of them name alike must be the same."""
  rows = [op for part in parts for op in part.space]
  return Fixed(
    table_of((), *rows) if rows else (),
    tuple(stage for part in parts for stage in part.stages),
    _union(part.first for part in parts),
    _union(part.last for part in parts),
  )


def _union(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
  return tuple(dict.fromkeys(name for group in groups for name in group))
