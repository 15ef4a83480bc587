"""Data for a search: a training side, a validation side, and test images that neither sees."""

from typing import NamedTuple

import numpy as np

from autoaug_jax import data
from autoaug_jax.app.ground import Needs
from autoaug_jax.app.prepare import (
  HELD_OUT,
  load_images,
  moments,
  tested_numbers,
)
from autoaug_jax.app.search_setting import SearchSetting
from autoaug_jax.types import Feed


class SearchData(NamedTuple):
  """What a search and its report need of the data."""

  classes: tuple[str, ...]
  shape: tuple[int, int, int]
  mean: tuple[float, ...]  # of the training pixels in [0, 1], per channel
  std: tuple[float, ...]
  train: Feed
  valid: Feed
  test: Feed
  epoch: int  # training steps
  examples: data.Examples  # of the training side, and of the validation side where they share a set
  split: data.Split  # both sides as numbers of `examples`; val is empty where data bring their own
  train_images: int
  valid_images: int
  test_images: int
  tested_on: str
  skipped: tuple[data.Finding, ...]


def prepare_search(
  setting: SearchSetting,
  needs: Needs,
  *,
  memory_budget: int,
  cache_dir: str = "",
  source: data.Source | None = None,
) -> SearchData:
  """Loads `setting.data`, unless a `source` is given, and cuts it as `needs` say.

  Images over `memory_budget` bytes are streamed.
  """
  if source is None:
    source = load_images(setting, memory_budget=memory_budget, cache_dir=cache_dir)
  examples = source.parts["train"]
  own = source.parts.get("val")
  tested, chosen, rest, tested_on = _test_side(source, setting)
  cut = data.split(
    examples,
    val=0 if own is not None else needs.val,
    seed=setting.split_seed,
    fold=setting.fold,
    within=rest,
    imbalance=setting.imbalance,
    noise=setting.noise,
  )
  batch = needs.valid_batch or setting.batch
  judged = np.arange(len(own.labels), dtype=np.int32) if own is not None else cut.val
  _check_sizes(len(cut.train), len(judged), setting.batch, batch)
  if needs.resplit and own is None:
    train, valid = _resplit(examples, cut, setting, needs, memory_budget=memory_budget)
  else:
    order = data.shuffled(cut.train, setting.batch, seed=setting.seed)
    order_of_valid = data.shuffled(judged, batch, seed=setting.seed, stream=1)
    if own is None:
      train, valid = data.feeds(
        examples, order, order_of_valid, labels=cut.labels, memory_budget=memory_budget
      )
    else:
      (train,) = data.feeds(examples, order, labels=cut.labels, memory_budget=memory_budget)
      (valid,) = data.feeds(own, order_of_valid, memory_budget=memory_budget)
  at_a_time = data.evaluation_batch(tested.shape, least=setting.batch)
  mean, std = moments(examples, cut.train)
  return SearchData(
    classes=source.classes,
    shape=examples.shape,
    mean=mean,
    std=std,
    train=train,
    valid=valid,
    test=data.evaluation_feed(tested, chosen, at_a_time, memory_budget=memory_budget),
    epoch=train.steps_per_epoch,
    examples=examples,
    split=cut,
    train_images=len(cut.train),
    valid_images=len(judged),
    test_images=len(chosen),
    tested_on=tested_on,
    skipped=source.skipped,
  )


def _test_side(
  source: data.Source, setting: SearchSetting
) -> tuple[data.Examples, np.ndarray, np.ndarray, str]:
  """(test examples, their numbers, the numbers left for the search, what they are): those that a

  retraining of the same data is tested on.
  """
  examples = source.parts["train"]
  cut = data.split(
    examples,
    val=0 if "test" in source.parts else HELD_OUT,
    seed=setting.split_seed,
    subset=setting.train_images or None,
  )
  if "test" not in source.parts:
    return examples, cut.val, cut.train, f"{HELD_OUT:.0%} of the training images, held out"
  tested = source.parts["test"]
  return tested, tested_numbers(tested, setting), cut.train, "the test images"


def _resplit(
  examples: data.Examples,
  cut: data.Split,
  setting: SearchSetting,
  needs: Needs,
  *,
  memory_budget: int,
) -> tuple[Feed, Feed]:
  """Feeds of two sides that change each epoch."""
  both = np.sort(np.concatenate([cut.train, cut.val]))
  orders = data.resplit(both, setting.batch, seed=setting.seed, fraction=needs.val)
  train, valid = data.feeds(examples, *orders, labels=cut.labels, memory_budget=memory_budget)
  return train, valid


def _check_sizes(train: int, valid: int, batch: int, valid_batch: int) -> None:
  if train < batch:
    raise ValueError(f"batch must be at most the {train} training images there are, not {batch}")
  if valid < valid_batch:
    raise ValueError(
      f"a validation batch of {valid_batch} is more than the {valid} validation images there are"
    )
