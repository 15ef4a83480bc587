"""The four methods at their smallest, for what tries to break them: 20 moves of each, on noise."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax import data, devices, methods, train
from autoaug_jax.hypergrad import neumann
from autoaug_jax.models import small_cnn
from autoaug_jax.ops import Space, select, spaces
from autoaug_jax.policies import autodo_base
from autoaug_jax.train import SearchState, optim
from autoaug_jax.types import Feed

SIDE, CLASSES, IMAGES, BATCH = 8, 3, 64, 16
# Ops of one kind only: the executor's program stays small.
SPACE: Space = select(spaces.slack_cifar(), ["Brightness", "Contrast", "Posterize", "Identity"])


class Ground(NamedTuple):
  """What the methods stand on."""

  axis_name: str | None = None
  dtype: Any = jnp.float32
  labels: Any = None


def _task(ground: Ground) -> train.Task:
  return train.classification(
    small_cnn(widths=(4,), classes=CLASSES, dtype=ground.dtype, axis_name=ground.axis_name)
  )


def _slack(ground: Ground, *, each_image: bool) -> methods.Method:
  return methods.slack(
    _task(ground),
    SPACE,
    times=methods.Times(pretrain=4, rounds=2, retrain=3, search=5),
    inside=methods.Inside(rate=0.1),
    k=2,
    draws=2,
    flip=0.0,
    each_image=each_image,
    axis_name=ground.axis_name,
  )


def _madao(ground: Ground) -> methods.Method:
  sgd, solve = optim.sgd(0.1), neumann(0.1, 1)
  return methods.madao(
    _task(ground), SPACE, sgd, steps=14, warmup=2, every=2, solve=solve, axis_name=ground.axis_name
  )


def _online_bilevel(ground: Ground) -> methods.Method:
  space = spaces.bilevel_translation()
  sgd = optim.sgd(0.1)
  return methods.online_bilevel(_task(ground), space, sgd, steps=20, axis_name=ground.axis_name)


def _autodo(ground: Ground) -> methods.Method:
  return methods.autodo(
    _task(ground),
    optim.sgd(0.1),
    ground.labels,
    methods.AutodoTimes(epoch=4, epochs=3, begin=1, warmup=1),
    classes=CLASSES,
    base=autodo_base(subset=None, flip=0.0),
    axis_name=ground.axis_name,
  )


METHODS: dict[str, Callable[[Ground], methods.Method]] = {
  "slack": lambda ground: _slack(ground, each_image=False),
  "slack-per-image": lambda ground: _slack(ground, each_image=True),
  "madao": _madao,
  "online-bilevel": _online_bilevel,
  "autodo": _autodo,
}


class Stop(NamedTuple):
  """Where a search stands after a dispatch, on the host."""

  move: int
  phi: Any
  theta: Any
  model_state: Any


class Tiny(NamedTuple):
  """A method and its data, and how they are carried out."""

  name: str
  devices: int = 1
  at_once: int = 1  # moves in a dispatch
  dtype: Any = jnp.float32
  seed: int = 0


def images() -> data.Examples:
  """Noise, with a class's own brightness in a class's own channel: learnable, not at once."""
  random = np.random.default_rng(0)
  labels = np.arange(IMAGES) % CLASSES
  pixels = random.integers(0, 160, (IMAGES, SIDE, SIDE, CLASSES))
  pixels[np.arange(IMAGES), :, :, labels] += 60
  return data.in_memory(pixels.astype(np.uint8), labels)


def feeds(seed: int) -> tuple[Feed, Feed]:
  """Training and validation batches of all images."""
  everything = np.arange(IMAGES)
  orders = (data.shuffled(everything, BATCH, seed=seed, stream=i) for i in (0, 1))
  one, other = data.feeds(images(), *orders)
  return one, other


def method_of(tiny: Tiny) -> methods.Method:
  """The method of that name; ValueError where there is none."""
  if tiny.name not in METHODS:
    raise ValueError(f"methods are {', '.join(METHODS)}, not {tiny.name!r}")
  axis = devices.AXIS if tiny.devices != 1 else None
  return METHODS[tiny.name](Ground(axis, tiny.dtype, images().labels))


def judge(tiny: Tiny) -> tuple[train.Task, Feed]:
  """The loss and the images of evaluations on one device."""
  return _task(Ground(dtype=tiny.dtype)), data.evaluation_feed(images(), np.arange(IMAGES), BATCH)


def programs(tiny: Tiny) -> Iterator[tuple[methods.Phase, train.Program]]:
  """Each phase, and its moves compiled."""
  one, other = feeds(tiny.seed)
  for phase in method_of(tiny).phases:
    yield (
      phase,
      train.program(
        phase.learner,
        one,
        valid=other,
        seed=tiny.seed,
        device_count=tiny.devices,
        steps_per_dispatch=tiny.at_once,
      ),
    )


def walk(tiny: Tiny) -> Iterator[Stop]:
  """The whole search, dispatch by dispatch."""
  done = 0
  before: Any = None
  for phase, program in programs(tiny):
    state = program.init()
    if phase.begin is not None:
      fresh = jax.device_get(devices.local(state))
      state = program.place(jax.tree.map(np.array, phase.begin(fresh, before)))
    for move, name, count, numbers in dispatches(phase.schedule, tiny.at_once):
      state, metrics = program.moves[name](state, numbers, count)
      jax.block_until_ready(metrics)  # virtual devices abort where collectives queue up
      yield _stop(done + move + count, state)
    done += len(phase.schedule)
    before = jax.device_get(devices.local(state))


def dispatches(
  schedule: train.Schedule, at_once: int
) -> Iterator[tuple[int, str, int, train.Numbers]]:
  """(first move, name, how many, batches taken before) of each dispatch of a schedule."""
  move, numbers = 0, train.Numbers(0, 0)
  while move < len(schedule):
    name = schedule[move]
    whole = schedule[move : move + at_once] == (name,) * at_once
    count = at_once if whole else 1
    yield move, name, count, numbers
    trains, judges = name in ("train", "joint"), name in ("search", "joint")
    numbers = train.Numbers(numbers.train + count * trains, numbers.valid + count * judges)
    move += count


def _stop(move: int, state: SearchState) -> Stop:
  here = jax.device_get(devices.local(state))
  return Stop(move, here.phi, here.theta, here.model_state)
