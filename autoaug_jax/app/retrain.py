"""Training networks from scratch under a policy that does not move, and measuring them."""

import functools
import math
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax

from autoaug_jax import data, devices, train
from autoaug_jax.app.intervals import Interval, interval, percent
from autoaug_jax.app.networks import network
from autoaug_jax.app.own import TaskOf, are_classes, named_after, own_config, own_network, task_of
from autoaug_jax.app.policies import named_policy, policy_mark
from autoaug_jax.app.prepare import Prepared, prepare
from autoaug_jax.app.setting import Setting, check, check_crop, check_devices, optimizer
from autoaug_jax.app.writing import write_json
from autoaug_jax.ops import Op
from autoaug_jax.policies import cropped
from autoaug_jax.types import Feed


class How(NamedTuple):
  """How a run is carried out, on which its numbers depend by rounding at most.

  Attributes:
    workdir: for checkpoints, metrics and result.json; a run that finds its own goes on from there.
    devices: how many of this machine's; 0 is all devices of all processes.
    sync_norm: whether batches are normalised by the statistics of all devices.
    on_nan: "stop", or "rewind" to the last checkpoint and on with a smaller learning rate.
    log_every: steps between two entries of the metrics.
    save_every: steps between two checkpoints.
    evaluate_every: steps between two evaluations; 0 is at the end only.
    memory_budget: over how many bytes images are streamed instead of held.
    cache_dir: where what was read of a folder or an archive is kept for the next run.
    say: who is told what was left out.
    title: how the run is called in its progress lines.
  """

  workdir: str | pathlib.Path | None = None
  devices: int = 1
  sync_norm: bool = True
  on_nan: str = "stop"
  log_every: int = 50
  save_every: int = 500
  evaluate_every: int = 0
  memory_budget: int = 2 << 30
  cache_dir: str = ""
  say: Callable[[str], None] = print
  title: str = ""


class Retrained(NamedTuple):
  """What came of it after the last step: no step is chosen by its test accuracy."""

  setting: Setting
  accuracy: tuple[float, ...]  # of each seed; the task's own score, where that is another
  interval: Interval
  loss: tuple[float, ...]
  train_accuracy: tuple[float, ...]  # on training images as they are
  per_class: dict[str, float | None]  # means over seeds; None for a class without test images
  train_images: int
  test_images: int
  tested_on: str
  steps: int
  seconds: float  # of this process, loading and compilation included


def retrain(
  setting: Setting,
  *,
  how: How = How(),  # noqa: B008
  source: data.Source | None = None,
  model: Any = None,
  task: TaskOf | None = None,
  own: Sequence[Op] = (),
) -> Retrained | None:
  """Trains `setting.seeds` networks, all in one dispatch; None where it was asked to stop before.

  Seeds differ in initialisation, batches and augmentation, not in data. A `source` is what
  `setting.data` names, loaded already; `model` and `task` are the user's own, as for `search`, and
  `own` the rows of the user's own ops in the policy file.
  """
  began = time.perf_counter()
  check(setting)
  check_devices(how.devices)
  setting = named_after(setting, model)
  prepared = prepare(
    setting, memory_budget=how.memory_budget, cache_dir=how.cache_dir, source=source
  )
  for finding in prepared.skipped:
    how.say(f"left out: {finding}")
  training = training_of(setting, prepared, how=how, model=model, task=task, own=own)
  fitted = train.fit(
    training.program,
    training.schedule,
    workdir=how.workdir,
    config={
      **setting._asdict(),
      "policy": policy_mark(setting.policy),
      "images": prepared.fingerprint,
      **own_config(task),
    },
    every=train.Every(how.log_every, how.save_every, how.evaluate_every),
    evaluate=training.measure(prepared.test),
    best=training.score,
    on_nan=how.on_nan,
    title=how.title,
  )
  if not fitted.finished or fitted.evaluation is None:
    return None
  seen = training.measure(prepared.seen)(fitted.state)
  tested = fitted.evaluation
  result = Retrained(
    setting=setting,
    accuracy=tuple(tested[training.score]),
    interval=interval(tested[training.score]),
    loss=tuple(tested["loss"]),
    train_accuracy=tuple(seen[training.score]),
    per_class=_means(prepared.classes, tested["per_class"]),
    train_images=prepared.train_images,
    test_images=prepared.test_images,
    tested_on=prepared.tested_on,
    steps=fitted.move,
    seconds=time.perf_counter() - began,
  )
  if how.workdir is not None and jax.process_index() == 0:
    write_json(pathlib.Path(how.workdir) / "result.json", as_json(result))
  return result


class Training(NamedTuple):
  """A retraining, ready to be carried out."""

  program: train.Program
  schedule: train.Schedule
  measure: Callable[[Feed], Callable[[Any], dict[str, Any]]]  # the images -> state -> numbers
  score: str  # which of the numbers is reported


def training_of(
  setting: Setting,
  prepared: Prepared,
  *,
  how: How,
  model: Any = None,
  task: TaskOf | None = None,
  own: Sequence[Op] = (),
) -> Training:
  """What `retrain` carries out, on data that are prepared."""
  epoch = prepared.train[0].steps_per_epoch
  axis = devices.AXIS if how.devices != 1 else None
  made = _task(setting, prepared, axis if how.sync_norm else None, model=model, task=task)
  augmenter = named_policy(
    setting.policy,
    flip=setting.flip,
    mean=prepared.mean,
    channels=prepared.shape[2],
    own=own,
    classes=prepared.classes if are_classes(prepared.labels) else (),
    say=how.say,
  )
  if setting.crop:
    check_crop(setting.crop, prepared.shape)
    augmenter = cropped(augmenter, setting.crop)
  problem = train.supervised(made, augmenter, axis_name=axis)
  program = train.program(
    train.learner(problem, optimizer(setting, epoch), axis_name=axis),
    prepared.train,
    seed=range(setting.seed, setting.seed + setting.seeds),
    device_count=how.devices,
  )

  def measure(feed: Feed) -> Callable[[Any], dict[str, Any]]:
    return train.evaluation(
      made,
      feed,
      classes=len(prepared.classes) if are_classes(prepared.labels) else 0,
      seeds=setting.seeds,
      averaged=setting.ema > 0,
    )

  return Training(program, train.training(setting.epochs * epoch), measure, made.score)


def as_json(result: Retrained) -> dict[str, Any]:
  """The result in plain JSON values."""
  return {
    **result._asdict(),
    "setting": result.setting._asdict(),
    "interval": result.interval._asdict(),
  }


def table_line(result: Retrained) -> str:
  """One row of a table: data, network, policy, epochs, seeds, accuracy in percent."""
  setting = result.setting
  cells = (setting.data, setting.model, setting.policy, setting.epochs, setting.seeds)
  return f"| {' | '.join(map(str, cells))} | {percent(result.interval)} |"


def _task(
  setting: Setting,
  prepared: Prepared,
  axis_name: str | None,
  *,
  model: Any,
  task: TaskOf | None,
) -> train.Task:
  outputs, side = len(prepared.classes), setting.crop or min(prepared.shape[:2])
  if model is not None:
    shape = (setting.crop,) * 2 + prepared.shape[2:] if setting.crop else prepared.shape
    model = own_network(model, outputs=outputs, shape=shape)
  else:
    model = network(
      setting.model, classes=outputs, image_size=side, dtype=setting.dtype, axis_name=axis_name
    )
  if setting.label_smoothing:
    if task is not None:
      raise ValueError(
        f"label_smoothing belongs to classification, and is {setting.label_smoothing} beside a "
        "task of one's own"
      )
    task = functools.partial(train.classification, label_smoothing=setting.label_smoothing)
  normalise = (prepared.mean, prepared.std)
  return task_of(task, model, labels=prepared.labels, normalise=normalise, crop=setting.crop)


def _means(
  classes: Sequence[str], per_class: Sequence[Sequence[float | None]]
) -> dict[str, float | None]:
  """Means over seeds, None for a class without test images; {} where labels are no classes."""
  if not any(per_class):
    return {}
  columns = zip(classes, zip(*per_class, strict=True), strict=True)
  return {
    name: None if None in values else math.fsum(values) / len(values) for name, values in columns
  }
