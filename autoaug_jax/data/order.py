"""Which examples a step sees: pure functions of a seed and the step's number, in NumPy."""

import functools
from typing import NamedTuple, Protocol

import numpy as np


class Order(Protocol):
  """The examples of each step; every order can be pickled and read at any step."""

  @property
  def batch(self) -> int: ...

  @property
  def steps_per_epoch(self) -> int: ...

  def __call__(self, step: int) -> np.ndarray:
    """step -> int32 [B], numbers of examples; -1 where a batch is filled up."""


def permutation(count: int, *words: int) -> np.ndarray:
  """0 .. count - 1 in an order fixed by the words, the same in every version of NumPy."""
  raw = np.random.Philox(np.random.SeedSequence(words)).random_raw(count)
  return np.argsort(raw, kind="stable")


class Shuffled(NamedTuple):
  """Full batches of a set that is shuffled anew each epoch; made by `shuffled`."""

  indices: np.ndarray  # int32 [n]
  batch: int
  seed: int
  stream: int

  @property
  def steps_per_epoch(self) -> int:
    return len(self.indices) // self.batch

  def __call__(self, step: int) -> np.ndarray:
    epoch, position = divmod(step, self.steps_per_epoch)
    order = _permutation(len(self.indices), self.seed, self.stream, epoch)
    return self.indices[order[position * self.batch : (position + 1) * self.batch]]


class Sequential(NamedTuple):
  """Every example once, in order, the last batch filled up with -1; made by `sequential`."""

  indices: np.ndarray  # int32 [n]
  batch: int

  @property
  def steps_per_epoch(self) -> int:
    return -(-len(self.indices) // self.batch)

  def __call__(self, step: int) -> np.ndarray:
    start = step % self.steps_per_epoch * self.batch
    chosen = self.indices[start : start + self.batch]
    return np.pad(chosen, (0, self.batch - len(chosen)), constant_values=-1)


class Resplit(NamedTuple):
  """One side of a set that is split anew each epoch; made by `resplit`."""

  indices: np.ndarray  # int32 [n]
  batch: int
  seed: int
  held_out: int
  validation: bool

  @property
  def steps_per_epoch(self) -> int:
    return (len(self.indices) - self.held_out) // self.batch

  def __call__(self, step: int) -> np.ndarray:
    epoch, position = divmod(step, self.steps_per_epoch)
    order = _permutation(len(self.indices), self.seed, RESPLIT, epoch)
    if not self.validation:
      start = self.held_out + position * self.batch
      return self.indices[order[start : start + self.batch]]
    turn, position = divmod(position, self.held_out // self.batch)
    again = _permutation(self.held_out, self.seed, RESPLIT, epoch, turn + 1)
    chosen = again[position * self.batch : (position + 1) * self.batch]
    return self.indices[order[: self.held_out][chosen]]


def shuffled(indices: np.ndarray, batch: int, *, seed: int, stream: int = 0) -> Shuffled:
  """Full batches; the examples that are left at an epoch's end wait for the next one.

  Orders of one seed that must not resemble each other take different `stream` numbers.
  """
  return Shuffled(_indices(indices, batch), batch, _seed(seed), _seed(stream, "stream"))


def sequential(indices: np.ndarray, batch: int) -> Sequential:
  """Every example exactly once an epoch, for evaluation."""
  if batch < 1:
    raise ValueError(f"a batch holds at least 1 example, not {batch}")
  return Sequential(_indices(indices, 1), batch)


def resplit(
  indices: np.ndarray, batch: int, *, seed: int, fraction: float = 0.2
) -> tuple[Resplit, Resplit]:
  """Training and validation batches of a random split that changes each epoch (Online bilevel).

  Both count steps alike: an epoch is one pass over the training side, and the validation side,
  shuffled again each time, repeats within it. The split is random, not stratified, as the
  paper's.
  """
  indices = _indices(indices, batch)
  if not 0 < fraction < 1:
    raise ValueError(f"the validation fraction must lie between 0 and 1, not {fraction}")
  held_out = round(len(indices) * fraction)
  if min(held_out, len(indices) - held_out) < batch:
    raise ValueError(
      f"{len(indices)} examples with {held_out} held out do not fill a batch of {batch} on"
      " either side"
    )
  train = Resplit(indices, batch, _seed(seed), held_out, False)
  return train, train._replace(validation=True)


RESPLIT = 0x5B117  # keeps the draws of `resplit` apart from those of `shuffled`


@functools.lru_cache(maxsize=8)
def _permutation(count: int, *words: int) -> np.ndarray:
  order = permutation(count, *words)
  order.flags.writeable = False
  return order


def _indices(indices: np.ndarray, batch: int) -> np.ndarray:
  indices = np.asarray(indices)
  if batch < 1:
    raise ValueError(f"a batch holds at least 1 example, not {batch}")
  if indices.ndim != 1 or len(indices) < batch:
    raise ValueError(f"{indices.size} examples do not fill one batch of {batch}")
  return indices.astype(np.int32)


def _seed(seed: int, name: str = "seed") -> int:
  if seed < 0:
    raise ValueError(f"{name} must be 0 or more, not {seed}")
  return int(seed)
