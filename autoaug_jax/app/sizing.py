"""How many epochs, seeds and rows fit into a time: arithmetic, and nothing else."""

import math
from collections.abc import Callable
from typing import NamedTuple

from autoaug_jax.app.plan import BASELINES, WIDE

AGAIN = 0.6  # of what a first training takes beside its steps, each further one takes
MOST_EPOCHS = 200
LABELS_SHARE = 0.06  # of the time, for networks that look for wrong labels
FEWEST_LABEL_EPOCHS, MOST_LABEL_EPOCHS = 4, 30


class Shape(NamedTuple):
  """How a comparison is laid out, and what it takes to be worth it."""

  seeds: int
  longer: tuple[str, ...]
  share: float  # of the time, for the search
  epochs: int  # at least


# From the richest down. Each baseline that may train longer costs another search.
SHAPES = (
  Shape(5, BASELINES, 0.08, 40),
  Shape(5, (WIDE,), 0.2, 40),
  Shape(3, (WIDE,), 0.2, 20),
  Shape(3, (WIDE,), 0.2, 12),
  Shape(3, (), 0.25, 8),
)
WORTHWHILE = SHAPES[2]  # a smaller network is taken rather than less than this


class Costs(NamedTuple):
  """Seconds, on the data and the network of a plan.

  Attributes:
    epoch: of plain training.
    begin: of a training before its first step.
    search_begin: of a search.
    search: epochs -> of a search of so many, without its beginning.
    joint: whether the search trains a network of the comparison, once for each seed.
  """

  epoch: float
  begin: float
  search_begin: float
  search: Callable[[int], float]
  joint: bool


class Sizes(NamedTuple):
  """The numbers of a plan."""

  shape: Shape
  epochs: int
  longer: int
  search_epochs: int
  search_cost: float  # in epochs of plain training
  label_epochs: int
  estimates: dict[str, float]  # seconds, of each stage

  @property
  def seconds(self) -> float:
    """In all."""
    return sum(self.estimates.values())


def sizes(time: float, costs: Costs, *, shapes: tuple[Shape, ...] = SHAPES) -> Sizes | None:
  """The richest comparison for which `time` seconds suffice; None where none of them fits."""
  for shape in shapes:
    found = _sized(time, costs, shape)
    if found is not None:
      return found
  return None


def least(costs: Costs) -> float:
  """Seconds that the poorest comparison takes."""
  time = 30.0
  while sizes(time, costs) is None:
    time *= 1.1
  return time


def _sized(time: float, costs: Costs, shape: Shape) -> Sizes | None:
  """With as many epochs as there is time for."""
  labels = _label_epochs(time, costs)

  def fitting(epochs: int) -> Sizes | None:
    made = _made(time, costs, shape, epochs, labels)
    return made if made is not None and made.seconds <= time else None

  low, high = shape.epochs, MOST_EPOCHS
  if fitting(low) is None:
    return None
  while low < high:
    middle = (low + high + 1) // 2
    low, high = (middle, high) if fitting(middle) is not None else (low, middle - 1)
  return fitting(low)


def _made(time: float, costs: Costs, shape: Shape, epochs: int, labels: int) -> Sizes | None:
  """With a given number of epochs; None where there is no time for a search."""
  search_epochs = epochs if costs.joint else _search_epochs(time * shape.share, costs)
  if not search_epochs:
    return None
  search = costs.search(search_epochs)
  cost = search / costs.epoch
  longer = math.ceil(cost if costs.joint else epochs + cost / shape.seeds)
  estimates = {"search": costs.search_begin + search}
  if labels:
    estimates["labels"] = _label_seconds(labels, costs)
  beginnings = 1 + AGAIN * (shape.seeds - 1)
  further = (shape.seeds - 1) * search + (beginnings - 1) * costs.search_begin
  plain = beginnings * costs.begin + shape.seeds * epochs * costs.epoch
  estimates["learned"] = further if costs.joint else plain
  if costs.joint:
    estimates["learned-frozen"] = plain
  estimates |= dict.fromkeys(BASELINES, plain)
  long = beginnings * costs.begin + shape.seeds * longer * costs.epoch
  estimates |= {f"{name}-longer": long for name in shape.longer}
  return Sizes(shape, epochs, longer, search_epochs, cost, labels, estimates)


def _search_epochs(seconds: float, costs: Costs) -> int:
  """Of a search that takes so long, its beginning included; 0 where that is too short for one."""
  epochs, fewest = 6, 6
  while costs.search_begin + costs.search(epochs + 1) <= seconds and epochs < 5 * MOST_EPOCHS:
    epochs = max(epochs + 1, int(epochs * 1.1))
  while epochs > fewest and costs.search_begin + costs.search(epochs) > seconds:
    epochs -= 1
  return epochs if costs.search_begin + costs.search(epochs) <= seconds else 0


def _label_epochs(time: float, costs: Costs) -> int:
  """Of networks that train on two thirds of the images, three of them."""
  beginnings = costs.begin * (1 + 2 * AGAIN)
  epochs = int((LABELS_SHARE * time - beginnings) / (2 * costs.epoch))
  return min(epochs, MOST_LABEL_EPOCHS) if epochs >= FEWEST_LABEL_EPOCHS else 0


def _label_seconds(epochs: int, costs: Costs) -> float:
  return costs.begin * (1 + 2 * AGAIN) + 2 * epochs * costs.epoch if epochs else 0.0
