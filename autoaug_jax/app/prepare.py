"""Data for a retraining: loaded, cut, distorted as asked, and put into feeds."""

from typing import NamedTuple

import numpy as np

from autoaug_jax import data
from autoaug_jax.app.search_setting import SearchSetting
from autoaug_jax.app.setting import Setting
from autoaug_jax.types import Feed

HELD_OUT = 0.2  # of the training images, where a data set has no test images
SAMPLE = 5000  # images from which the moments of pixels are taken


class Prepared(NamedTuple):
  """What a program and a report need of the data."""

  classes: tuple[str, ...]
  shape: tuple[int, int, int]
  mean: tuple[float, ...]  # of the training pixels in [0, 1], per channel
  std: tuple[float, ...]
  train: tuple[Feed, ...]  # one for each seed
  seen: Feed  # the training images with their own labels, once
  test: Feed
  train_images: int
  test_images: int
  tested_on: str  # what the test images are
  fingerprint: str
  skipped: tuple[data.Finding, ...]
  labels: np.ndarray  # of all examples, as training sees them


def prepare(
  setting: Setting,
  *,
  memory_budget: int,
  cache_dir: str = "",
  source: data.Source | None = None,
) -> Prepared:
  """Loads `setting.data`, unless a `source` is given. Images over `memory_budget` are streamed."""
  if source is None:
    source = load_images(setting, memory_budget=memory_budget, cache_dir=cache_dir)
  examples = source.parts["train"]
  has_test = "test" in source.parts
  cut = data.split(
    examples,
    val=0 if has_test else HELD_OUT,
    seed=setting.split_seed,
    subset=setting.train_images or None,
    imbalance=setting.imbalance,
    noise=setting.noise,
  )
  if len(cut.train) < setting.batch:
    raise ValueError(f"batch must be at most the {len(cut.train)} training images there are")
  orders = [
    data.shuffled(cut.train, setting.batch, seed=setting.seed + i) for i in range(setting.seeds)
  ]
  at_a_time = data.evaluation_batch(examples.shape, least=setting.batch)
  *train, seen = data.feeds(
    examples,
    *orders,
    data.sequential(cut.train, at_a_time),
    labels=cut.labels,
    memory_budget=memory_budget,
  )
  tested = source.parts["test"] if has_test else examples
  chosen = tested_numbers(tested, setting) if has_test else cut.val
  test = data.evaluation_feed(tested, chosen, at_a_time, memory_budget=memory_budget)
  mean, std = moments(examples, cut.train)
  return Prepared(
    source.classes,
    examples.shape,
    mean,
    std,
    tuple(train),
    seen,
    test,
    len(cut.train),
    len(chosen),
    "the test images" if has_test else f"{HELD_OUT:.0%} of the training images, held out",
    cut.data,
    source.skipped,
    cut.labels,
  )


def load_images(
  setting: Setting | SearchSetting, *, memory_budget: int, cache_dir: str = ""
) -> data.Source:
  """What `setting.data` names, as its other fields say; `clean_val` becomes its part "val"."""
  source = _loaded(setting.data, setting, memory_budget=memory_budget, cache_dir=cache_dir)
  if not setting.clean_val:
    return source
  clean = _loaded(setting.clean_val, setting, memory_budget=memory_budget, cache_dir=cache_dir)
  if clean.classes != source.classes:
    raise ValueError(
      f"clean_val must have the classes of the data, {', '.join(source.classes)}, "
      f"not {', '.join(clean.classes)}"
    )
  ours, theirs = source.parts["train"].shape, clean.parts["train"].shape
  if ours != theirs:
    raise ValueError(f"clean_val has images of {theirs} and the data of {ours}; choose a size")
  return source._replace(
    parts={**source.parts, "val": clean.parts["train"]}, skipped=source.skipped + clean.skipped
  )


def _loaded(
  name: str, setting: Setting | SearchSetting, *, memory_budget: int, cache_dir: str
) -> data.Source:
  return data.load(
    name,
    size=setting.size or None,
    channels=setting.channels or None,
    stretch=setting.stretch,
    skip_bad_files=setting.skip_bad_files,
    data_dir=setting.data_dir or None,
    cache_dir=cache_dir or None,
    memory_budget=memory_budget,
  )


def moments(
  examples: data.Examples, indices: np.ndarray
) -> tuple[tuple[float, ...], tuple[float, ...]]:
  """(mean, standard deviation) per channel, of up to 5,000 images spread evenly over `indices`."""
  places = np.linspace(0, len(indices) - 1, min(len(indices), SAMPLE)).astype(np.int64)
  pixels = examples.fetch(np.asarray(indices)[places]).reshape(-1, examples.shape[-1]) / 255.0
  return tuple(pixels.mean(0).tolist()), tuple(np.maximum(pixels.std(0), 1 / 255).tolist())


def tested_numbers(tested: data.Examples, setting: Setting | SearchSetting) -> np.ndarray:
  """Of the test images that are looked at: all of them, or a stratified subset."""
  if not setting.test_images:
    return np.arange(len(tested.labels), dtype=np.int32)
  return data.split(tested, val=0, seed=setting.split_seed, subset=setting.test_images).train
