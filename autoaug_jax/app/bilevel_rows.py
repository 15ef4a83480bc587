"""Two rows of Online bilevel's Table 1 that take many trainings, or another network."""

import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from autoaug_jax import data, methods, train
from autoaug_jax.app.ground import Needs
from autoaug_jax.app.networks import network
from autoaug_jax.app.online_bilevel import OnlineBilevel, classifier_optimizer
from autoaug_jax.app.retrain import How
from autoaug_jax.app.search import search
from autoaug_jax.app.search_data import SearchData, prepare_search
from autoaug_jax.app.search_setting import SearchSetting, check_search
from autoaug_jax.app.searched import Searched
from autoaug_jax.ops import spaces
from autoaug_jax.policies import fixed

# Ours: the paper prints none. Ten trainings and a last one cost 11 and a bit; the paper says 11.5.
MAGNITUDES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)


class Validated(NamedTuple):
  """The magnitude that validation chose, and the training that followed."""

  magnitude: float
  tried: dict[float, float]  # magnitude -> validation accuracy
  final: Searched


def validated_magnitude(
  setting: SearchSetting,
  options: OnlineBilevel,
  *,
  how: How = How(),  # noqa: B008
  grid: Sequence[float] = MAGNITUDES,
) -> Validated | None:
  """One number for all transformations, by trainings on a fixed split; None if asked to stop.

  The last training, under the best one, sees all images, as the other rows do.
  """
  if not grid:
    raise ValueError("grid takes at least one magnitude, got none")
  fixed_split = options._replace(resplit=False)
  prepared = prepare_search(
    setting, Needs(options.val), memory_budget=how.memory_budget, cache_dir=how.cache_dir
  )
  judged = data.evaluation_feed(
    prepared.examples,
    prepared.split.val,
    data.evaluation_batch(prepared.shape, least=setting.batch),
    memory_budget=how.memory_budget,
  )
  measure = train.evaluation(_task(setting, prepared), judged, classes=len(prepared.classes))
  tried: dict[float, float] = {}
  for magnitude in grid:
    found = search(
      setting, fixed_split._replace(magnitude=magnitude), how=_within(how, f"try-{magnitude:g}")
    )
    if found is None:
      return None
    tried[magnitude] = measure(found.state)["accuracy"]
  best = max(tried, key=lambda magnitude: tried[magnitude])
  final = search(setting, options._replace(magnitude=best), how=_within(how, "final"))
  return None if final is None else Validated(best, tried, final)


def train_invariant(
  setting: SearchSetting,
  options: OnlineBilevel,
  *,
  how: How = How(),  # noqa: B008
) -> float | None:
  """The test accuracy of a spatial transformer in front of the network (transformation-invariant).

  Its localiser is a small network on the image; both learn from the training loss, and the warp is
  there in testing too. `options.learned` is "affine" or "translation".
  """
  check_search(setting)
  prepared = prepare_search(
    setting,
    Needs(options.val, resplit=options.resplit),
    memory_budget=how.memory_budget,
    cache_dir=how.cache_dir,
  )
  affine = options.learned != "translation"
  space = (spaces.bilevel_affine if affine else spaces.bilevel_translation)(fill=prepared.mean)
  task = methods.spatial_transformer(
    _task(setting, prepared),
    network("small-cnn", classes=len(space), image_size=min(prepared.shape[:2])),
    space=space,
    summed=affine,
  )
  method = methods.set_augmentation(
    task,
    fixed.standard(padding=0.0, flip=setting.flip),
    steps=options.epochs * prepared.epoch,
    optimizer=classifier_optimizer(options, prepared.epoch),
  )
  (phase,) = method.phases
  fitted = train.fit(
    train.program(phase.learner, prepared.train, seed=setting.seed),
    phase.schedule,
    workdir=how.workdir,
    config={**setting._asdict(), **options._asdict(), "images": prepared.split.data},
    every=train.Every(how.log_every, how.save_every, 0),
    evaluate=train.evaluation(task, prepared.test, classes=len(prepared.classes)),
    on_nan=how.on_nan,
  )
  return fitted.evaluation["accuracy"] if fitted.finished and fitted.evaluation else None


def whole_accuracy(
  found: Searched,
  options: OnlineBilevel,
  folder: str,
  *,
  how: How = How(),  # noqa: B008
) -> float:
  """The accuracy of the network that a search on patches trained, on whole pictures one by one.

  BACH's test: the network takes pictures of any size, and `folder` has them by class.
  """
  prepared = prepare_search(
    found.setting,
    Needs(options.val, resplit=options.resplit),
    memory_budget=how.memory_budget,
    cache_dir=how.cache_dir,
  )
  whole = data.load(folder, memory_budget=how.memory_budget)
  if whole.classes != prepared.classes:
    wanted, got = (", ".join(classes) for classes in (prepared.classes, whole.classes))
    raise ValueError(f"whole pictures must have the classes {wanted}, not {got}")
  pictures = whole.parts["train"]
  every = np.arange(len(pictures.labels), dtype=np.int32)
  feed = data.evaluation_feed(pictures, every, 1, memory_budget=how.memory_budget)
  measure = train.evaluation(_task(found.setting, prepared), feed, classes=len(whole.classes))
  return measure(found.state)["accuracy"]


def _task(setting: SearchSetting, prepared: SearchData) -> train.Task:
  model = network(
    setting.model,
    classes=len(prepared.classes),
    image_size=min(prepared.shape[:2]),
    dtype=setting.dtype,
  )
  return train.classification(model, normalise=(prepared.mean, prepared.std))


def _within(how: How, name: str) -> How:
  return how if how.workdir is None else how._replace(workdir=pathlib.Path(how.workdir) / name)
