"""A search as one job: data in; a policy file, its story and what was measured out."""

import time
from typing import Any

import jax

from autoaug_jax import data, devices, train
from autoaug_jax.app.caught import Caught, caught, of_training
from autoaug_jax.app.ground import Ground
from autoaug_jax.app.kinds import Kind, Options, kind_of
from autoaug_jax.app.networks import network
from autoaug_jax.app.own import TaskOf, are_classes, named_after, own_config, own_network, task_of
from autoaug_jax.app.phases import joined, run_phases
from autoaug_jax.app.retrain import How
from autoaug_jax.app.search_data import SearchData, prepare_search
from autoaug_jax.app.search_setting import SearchSetting, check_search
from autoaug_jax.app.searched import Searched, keep
from autoaug_jax.app.setting import check_crop, check_devices
from autoaug_jax.app.spaces import fitted
from autoaug_jax.ops import Space


def search(
  setting: SearchSetting,
  options: Options,
  *,
  how: How = How(),  # noqa: B008
  space: Space | None = None,
  source: data.Source | None = None,
  model: Any = None,
  task: TaskOf | None = None,
) -> Searched | None:
  """Learns an augmentation; None where it was asked to stop before the end.

  Args:
    setting: data, network, seeds.
    options: those of a method, an instance of `Slack` for one.
    how: how it is carried out; its `workdir` gets policy.json, trajectory.npz and search.json
      beside a folder for each phase, and a search that finds its own goes on from there.
    space: ops in the place of the method's own.
    source: what `setting.data` names, loaded already.
    model: a Flax module, or a function of the number of outputs that makes one, in the place of
      `setting.model`: called as model(images, train=...); AutoDO needs its last layer as `head`.
    task: the loss, `train.multi_label` for one; None is classification.
  """
  began = time.perf_counter()
  check_search(setting)
  check_devices(how.devices)
  setting = named_after(setting, model)
  kind = kind_of(options)
  needs = kind.needs(options)
  _check_models(needs.models, how.devices, setting.batch)
  prepared = prepare_search(
    setting, needs, memory_budget=how.memory_budget, cache_dir=how.cache_dir, source=source
  )
  for finding in prepared.skipped:
    how.say(f"left out: {finding}")
  ground = ground_of(setting, prepared, space, how=how, models=needs.models, model=model, task=task)
  method = kind.build(options, ground)
  config = {
    **setting._asdict(),
    "method": kind.name,
    **options._asdict(),
    "images": prepared.split.data,
    **own_config(task),
  }
  workdir = how.workdir if jax.process_index() == 0 else None  # one of several writes
  ends = run_phases(method, setting, prepared, how=how, config=config)
  if ends is None:
    return None
  state = jax.device_get(devices.local(ends[-1].state))
  measured: dict[str, Any] = {"accuracy": None, "per_class": []}
  if method.joint:
    classes = len(prepared.classes) if are_classes(ground.labels) else 0
    measured = train.evaluation(ground.task, prepared.test, classes=classes)(state)
    measured["accuracy"] = measured[ground.task.score]
  result = Searched(
    setting=setting,
    method=kind.name,
    options=options,
    policy=method.learned(state.phi),
    trajectory=joined(method.phases, ends, workdir),
    accuracy=measured["accuracy"],
    per_class=dict(zip(prepared.classes, measured["per_class"], strict=False)),
    state=state,
    train_images=prepared.train_images,
    valid_images=prepared.valid_images,
    test_images=prepared.test_images,
    tested_on=prepared.tested_on,
    moves=sum(end.move for end in ends),
    seconds=time.perf_counter() - began,
    by_class=None if method.by_class is None else method.by_class(state.phi),
    **_doubted(kind, state.phi, prepared),
  )
  if workdir is not None:
    keep(result, prepared, how, task=ground.task)
  return result


def _doubted(kind: Kind, phi: Any, prepared: SearchData) -> dict[str, Any]:
  """Suspects, where the method tells, and how well labels that were made wrong were found."""
  if kind.verdicts is None:
    return {}
  given, rows = prepared.split.labels, prepared.split.train
  learned, wrong = kind.verdicts(phi, given), given != prepared.examples.labels
  found: Caught | None = caught(learned, wrong, rows) if wrong.any() else None
  return {"suspects": of_training(learned, rows), "caught": found}


def _check_models(models: int, count: int, batch: int) -> None:
  """An ensemble on several devices has one network on each."""
  if models > 1 and count not in (1, models):
    raise ValueError(f"{models} models take 1 device or {models}, not {count}")
  if batch % models:
    raise ValueError(f"a batch of {batch} cannot be split over {models} models")


def ground_of(
  setting: SearchSetting,
  prepared: SearchData,
  space: Space | None,
  *,
  how: How,
  models: int,
  model: Any = None,
  task: TaskOf | None = None,
) -> Ground:
  axis = devices.AXIS if how.devices != 1 else None
  shape = prepared.shape
  if setting.crop:
    check_crop(setting.crop, shape)
    shape = (setting.crop, setting.crop, shape[2])
  labels = prepared.split.labels
  outputs = len(prepared.classes)
  if model is not None:
    model = own_network(model, outputs=outputs, shape=shape)
  else:
    model = network(
      setting.model,
      classes=outputs,
      image_size=min(shape[:2]),
      dtype=setting.dtype,
      axis_name=axis if how.sync_norm and models == 1 else None,
    )
  normalise = (prepared.mean, prepared.std)
  if space is not None:
    space = fitted(space, shape[2], say=how.say)
  return Ground(
    model=model,
    task=task_of(task, model, labels=labels, normalise=normalise, crop=setting.crop),
    shape=shape,
    classes=prepared.classes,
    mean=prepared.mean,
    std=prepared.std,
    space=space,
    flip=setting.flip,
    epoch=prepared.epoch,
    examples=len(prepared.examples.labels),
    labels=labels,
    batch=setting.batch,
    crop=setting.crop,
    axis_name=axis,
    say=how.say,
  )
