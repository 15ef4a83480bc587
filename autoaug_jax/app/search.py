"""A search as one job: data in; a policy file, its story and what was measured out."""

import pathlib
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from autoaug_jax import data, devices, export, train
from autoaug_jax.app.ground import Ground
from autoaug_jax.app.kinds import Options, kind_of
from autoaug_jax.app.networks import network
from autoaug_jax.app.own import TaskOf, are_classes, named_after, own_config, own_network, task_of
from autoaug_jax.app.pictures import Story, save_pictures
from autoaug_jax.app.retrain import How
from autoaug_jax.app.search_data import SearchData, prepare_search
from autoaug_jax.app.search_setting import SearchSetting, check_search
from autoaug_jax.app.setting import check_crop
from autoaug_jax.app.spaces import fitted
from autoaug_jax.app.writing import write_json, write_npz
from autoaug_jax.methods import Method, Phase
from autoaug_jax.ops import Space
from autoaug_jax.policies import Fixed, PerClass, op_shares
from autoaug_jax.train import SearchState

LIKELIEST = 3  # ops that are told of each class


class Searched(NamedTuple):
  """What came of a search.

  Attributes:
    setting: what it was asked for.
    method: its name, and its options.
    policy: what was learned, with nothing left to learn; where classes have their own, their mean.
    trajectory: what phi was on the way: {"move": [T], name: [T, ...]}.
    accuracy: on the test images, of the network that the search trained, after its last step, or
      the task's own score; None for a method whose networks are not kept.
    state: where the last phase ended, on the host.
    test_images: how many.
    tested_on: what they are.
    moves: of all phases.
    seconds: of this process, loading and compilation included.
    by_class: the policies of classes, where each has its own: what policy.json then holds.
  """

  setting: SearchSetting
  method: str
  options: Options
  policy: Fixed
  trajectory: dict[str, np.ndarray]
  accuracy: float | None
  per_class: dict[str, float | None]
  state: SearchState
  train_images: int
  valid_images: int
  test_images: int
  tested_on: str
  moves: int
  seconds: float
  by_class: PerClass | None = None


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
  ends = _run_phases(method, setting, prepared, how=how, config=config)
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
    trajectory=_joined(method.phases, ends, how.workdir),
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
  )
  if how.workdir is not None:
    _write(result, prepared, pathlib.Path(how.workdir))
    _draw(result, prepared, how)
  return result


def _check_models(models: int, count: int, batch: int) -> None:
  """An ensemble on several devices has one network on each."""
  if models > 1 and count not in (1, models):
    raise ValueError(f"{models} models take 1 device or {models}, not {count}")
  if batch % models:
    raise ValueError(f"a batch of {batch} cannot be split over {models} models")


def search_lines(result: Searched) -> str:
  """What came of it, in a few lines."""
  shares = sorted(op_shares(result.policy).items(), key=lambda item: -item[1])
  lines = [
    f"{result.method}: {result.moves} moves, {result.seconds:.0f} s, on {result.train_images} "
    f"training and {result.valid_images} validation images"
  ]
  if shares:
    lines.append("ops: " + ", ".join(f"{name} {100 * share:.1f}%" for name, share in shares))
  if result.by_class is not None:
    each = zip(result.by_class.classes, result.by_class.policies, strict=True)
    lines += [f"  {name}: {_likeliest(policy)}" for name, policy in each]
  if result.accuracy is not None:
    lines.append(
      f"accuracy of the network that was trained with it: {100 * result.accuracy:.2f}% on "
      f"{result.tested_on}, {result.test_images} of them"
    )
  return "\n".join(lines)


def _likeliest(policy: Fixed) -> str:
  shares = sorted(op_shares(policy).items(), key=lambda item: -item[1])[:LIKELIEST]
  return ", ".join(f"{name} {100 * share:.1f}%" for name, share in shares)


def _run_phases(
  method: Method,
  setting: SearchSetting,
  prepared: SearchData,
  *,
  how: How,
  config: dict[str, Any],
) -> list[train.Fitted] | None:
  """Where each phase ended; None where one was asked to stop."""
  ends: list[train.Fitted] = []
  watch = jax.jit(lambda state: method.watch(state.phi))
  for phase in method.phases:
    program = phase_program(phase, setting, prepared, how=how)
    if phase.begin is not None:
      program = begun(program, phase, ends[-1].state)
    fitted = train.fit(
      program,
      phase.schedule,
      workdir=None if how.workdir is None else pathlib.Path(how.workdir) / phase.name,
      config=config,
      every=train.Every(how.log_every, how.save_every, 0),
      watch=watch,
      settled=phase.settled,
      on_nan=how.on_nan,
      title=f"{how.title} {phase.name}".strip(),
    )
    if not fitted.finished:
      return None
    ends.append(fitted)
  return ends


def phase_program(
  phase: Phase, setting: SearchSetting, prepared: SearchData, *, how: How
) -> train.Program:
  """The moves of a phase, from a start of its own."""
  return train.program(
    phase.learner,
    prepared.train,
    valid=prepared.valid,
    seed=setting.seed,
    device_count=how.devices,
  )


def begun(program: train.Program, phase: Phase, before: SearchState) -> train.Program:
  """The program, starting from where the phase before came to."""

  def init() -> SearchState:
    fresh, old = (jax.device_get(devices.local(state)) for state in (program.init(), before))
    # Copied, because a leaf that is there twice would be given away twice.
    return program.place(jax.tree.map(np.array, phase.begin(fresh, old)))  # type: ignore[misc]

  return program._replace(init=init)


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


def _joined(
  phases: Sequence[Phase], ends: Sequence[train.Fitted], workdir: str | pathlib.Path | None
) -> dict[str, np.ndarray]:
  """The trajectories of all phases as one; {} where nothing was written down."""
  if workdir is None:
    return {}
  each = [train.trajectory(pathlib.Path(workdir) / phase.name) for phase in phases]
  starts = np.cumsum([0, *(end.move for end in ends)])
  shifted = [{**one, "move": one["move"] + s} for one, s in zip(each, starts, strict=False)]
  return {name: np.concatenate([one[name] for one in shifted]) for name in shifted[-1]}


def _write(result: Searched, prepared: SearchData, workdir: pathlib.Path) -> None:
  spec = export.described(
    result.policy,
    image_size=(result.setting.crop,) * 2 if result.setting.crop else prepared.shape[:2],
    method=result.method,
    data=result.setting.data,
  )
  each = result.by_class
  made = spec if each is None else export.ClassSpec(each, spec.image_size, spec.provenance)
  export.save(made, workdir / "policy.json")
  write_npz(workdir / "trajectory.npz", result.trajectory)
  table = kind_of(result.options).table
  if table is not None:
    names = prepared.examples.names
    write_npz(workdir / "examples.npz", table(result.state.phi, prepared.split.labels, names))
  write_json(workdir / "search.json", as_json(result))


def _draw(result: Searched, prepared: SearchData, how: How) -> None:
  """Pictures beside the policy, where matplotlib is installed."""
  story = Story(
    policy=result.policy,
    by_class=result.by_class,
    phi=result.state.phi,
    trajectory=result.trajectory,
    examples=prepared.examples,
    train=prepared.split.train,
    labels=prepared.split.labels,
    classes=prepared.classes,
  )
  try:
    save_pictures(result.method, story, how.workdir or ".")
  except ImportError as error:
    how.say(f"no pictures: {error}")


def as_json(result: Searched) -> dict[str, Any]:
  """What can be said in plain JSON values."""
  told = result._asdict()
  for name in ("policy", "by_class", "trajectory", "state"):
    del told[name]
  return {**told, "setting": result.setting._asdict(), "options": result.options._asdict()}
