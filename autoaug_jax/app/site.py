"""What a plan is made for: images as they were loaded, and what training on them takes."""

import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from autoaug_jax import data
from autoaug_jax.app.ladder import Rung, operations, side_of
from autoaug_jax.app.networks import network
from autoaug_jax.app.plan import WIDE
from autoaug_jax.app.prepare import HELD_OUT, load_images, prepare
from autoaug_jax.app.retrain import How
from autoaug_jax.app.search_setting import SearchSetting
from autoaug_jax.app.setting import Setting
from autoaug_jax.app.timing import training_rates
from autoaug_jax.types import Array

LARGEST_BATCH = 64
LARGEST_BATCH_ELSEWHERE = 128  # on accelerators, for as many images as this many batches hold
MANY = 100
FEWEST = 40  # images to train on


class Seen(NamedTuple):
  """Of images that may not be loaded yet."""

  side: int  # the median of their shorter sides
  even: bool  # whether they are squares of one size
  channels: int
  images: int  # files, or training images
  source: data.Source | None  # where they are loaded


class Site(NamedTuple):
  """A network on images that are loaded."""

  setting: SearchSetting
  source: data.Source
  images: int  # to train on
  steps: int  # of an epoch
  step: float  # seconds
  begin: float  # seconds before the first step of a training, and for its evaluation


def see(setting: SearchSetting, *, how: How) -> Seen:
  """From the heads of a few files, or by loading what is no folder of files."""
  heads = data.glance(setting.data)
  if heads.sizes:
    side, even = side_of(heads.sizes)
    return Seen(side, even, setting.channels or 3, heads.files, None)
  source = load_images(setting, memory_budget=how.memory_budget, cache_dir=how.cache_dir)
  height, width, channels = source.parts["train"].shape
  images = len(source.parts["train"].labels)
  return Seen(min(height, width), height == width, channels, images, source)


def seconds_per_operation(channels: int) -> float:
  """Of a gradient of the smallest network, timed here."""
  side, batch = 32, LARGEST_BATCH
  model: Any = network("small-cnn", classes=10, image_size=side)
  images = jnp.zeros((batch, side, side, channels))
  variables = jax.jit(lambda key: model.init(key, images[:1], train=False))(jax.random.key(0))

  @jax.jit
  def gradient(params: Any) -> Any:
    def loss(params: Any) -> Array:
      return jnp.mean(model.apply({**variables, "params": params}, images, train=False) ** 2)

    return jax.grad(loss)(params)

  took = []
  for _ in range(6):
    began = time.perf_counter()
    jax.block_until_ready(gradient(variables["params"]))
    took.append(time.perf_counter() - began)
  return sorted(took[1:])[2] / (batch * operations("small-cnn", side, channels))


def site(
  setting: SearchSetting, rung: Rung, seen: Seen, *, fixed: frozenset[str], how: How
) -> Site:
  """Loads, and times a few training steps under TrivialAugment-Wide."""
  setting = setting._replace(model=rung.model, size=rung.size)
  source = seen.source if seen.source is not None and not rung.size else None
  if source is None:
    source = load_images(setting, memory_budget=how.memory_budget, cache_dir=how.cache_dir)
  images = _training_images(setting, source)
  if images < FEWEST:
    raise ValueError(f"{source.name} has {images} images to train on; a search takes {FEWEST}")
  if "batch" not in fixed:
    setting = setting._replace(batch=_batch_for(images))
  if "dtype" not in fixed and jax.default_backend() != "cpu":
    setting = setting._replace(dtype="bfloat16")
  return timed(setting, source, how=how)


def timed(setting: SearchSetting, source: data.Source, *, how: How) -> Site:
  """The site of a setting that is settled."""
  one = training_setting(setting, WIDE, epochs=1, seed=0)
  how.say(f"Timing a few steps of {setting.model} ...")
  prepared = prepare(one, memory_budget=how.memory_budget, source=source)
  rates = training_rates(one, prepared, how=how)
  steps = prepared.train[0].steps_per_epoch
  return Site(setting, source, prepared.train_images, steps, rates.each["", "train"], rates.begin)


def _training_images(setting: SearchSetting, source: data.Source) -> int:
  """How many images are no test images, and are used."""
  count = len(source.parts["train"].labels)
  count = min(count, setting.train_images or count)
  return count if "test" in source.parts else round(count * (1 - HELD_OUT))


def _batch_for(images: int) -> int:
  """A power of two of which half the images hold at least two."""
  largest = LARGEST_BATCH
  if jax.default_backend() != "cpu" and images >= MANY * LARGEST_BATCH_ELSEWHERE:
    largest = LARGEST_BATCH_ELSEWHERE
  while largest > 8 and 4 * largest > images:
    largest //= 2
  return largest


SHARED = tuple(name for name in SearchSetting._fields if name in Setting._fields and name != "seed")


def training_setting(setting: SearchSetting, policy: str, *, epochs: int, seed: int) -> Setting:
  """A training on the data and with the network of a search; `policy` is a name or a file."""
  shared = {name: getattr(setting, name) for name in SHARED}
  return Setting(**shared, policy=policy, epochs=epochs, seed=seed)
