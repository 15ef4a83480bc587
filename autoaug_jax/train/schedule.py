"""In what order moves are made: a tuple of their names.

A tuple, not a generator: it has a length (the time left), an index (where to resume), and a million
moves are 8 MB, because all equal names are one object.
"""

from typing import TypeAlias

Schedule: TypeAlias = tuple[str, ...]
MOST = 50_000_000  # moves, 400 MB


def few_moves(moves: int) -> int:
  """The number of moves; ValueError where a schedule of so many would fill the memory."""
  if moves > MOST:
    raise ValueError(f"a run has at most {MOST} moves, and this one would have {moves}")
  return moves


def training(steps: int) -> Schedule:
  """Nothing but training: retraining under a policy that does not move."""
  return ("train",) * few_moves(_count("steps", steps))


def alternating(steps: int, *, every: int = 1, warmup: int = 0) -> Schedule:
  """`steps` training moves; after `warmup` of them, a search after each `every` (MADAO: 60)."""
  if every < 1:
    raise ValueError(f"every must be at least 1, not {every}")
  warm = min(_count("warmup", warmup), few_moves(_count("steps", steps)))
  rounds, rest = divmod(steps - warm, every)
  return (*training(warm), *((*training(every), "search") * rounds), *training(rest))


def together(steps: int, *, warmup: int = 0) -> Schedule:
  """`steps` moves that train; all but the first `warmup` also search (Online bilevel)."""
  warm = min(_count("warmup", warmup), few_moves(_count("steps", steps)))
  return (*training(warm), *(("joint",) * (steps - warm)))


def epochs(count: int, *, train: int, search: int, warmup: int = 0) -> Schedule:
  """Epochs of `train` training moves, each but the first `warmup` followed by `search` searches

  (AutoDO: a pass over the training and one over the validation images).
  """
  warm = min(_count("warmup", warmup), _count("epochs", count))
  few_moves(count * (train + search))
  epoch = (*training(train), *(("search",) * _count("search", search)))
  return (*training(warm * train), *(epoch * (count - warm)))


def rounds(count: int, *, retrain: int, search: int) -> Schedule:
  """`count` rounds: refresh, train, and from the `retrain`-th step on search with each step.

  SLACK's rounds: `retrain` + `search` - 1 training steps, the last `search` of which are joint.
  """
  if retrain < 1:
    raise ValueError(f"retrain must be at least 1, not {retrain}")
  few_moves(count * (retrain + search))
  together = ("joint",) * _count("search", search)
  return ("refresh", *training(retrain - 1), *together) * _count("rounds", count)


def _count(name: str, value: int) -> int:
  if value < 0:
    raise ValueError(f"{name} must be at least 0, not {value}")
  return value
