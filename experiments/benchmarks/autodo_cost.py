"""What AutoDO costs: an epoch with its pass of searches over an epoch that only trains.

  python -m experiments.benchmarks.autodo_cost --network=wrn-16-1 --rounds=7

The moves of an epoch are equal in kind, so one of each is timed: the baseline's training step, the
training step under learned augmentation, weights and soft labels, and the search, in turns in one
process on one core, as they are compiled for a run, tables of all examples included. Processor
time, medians of rounds with their extremes. The paper counts 4.5 for an active epoch, by passes
through the network; its released code took 2.57; the goal is 2.3.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from absl import app, flags

from autoaug_jax import data, methods, train
from autoaug_jax.app import network
from autoaug_jax.policies import autodo_base
from autoaug_jax.train import optim
from experiments.benchmarks.timing import Spread, one_thread, spread, take_turns

GOAL = 2.3
NOTHING = methods.AutodoParts(False, False, False)


class Case(NamedTuple):
  """What is timed."""

  network: str = "wrn-16-1"
  batch: int = 64
  size: int = 32
  examples: int = 2000
  rows: int = 50_000  # of the tables
  classes: int = 10


def program_of(case: Case, learn: methods.AutodoParts) -> train.Program:
  """Compiled moves on noise; tables are as long as `rows` says."""
  random = np.random.default_rng(0)
  shape = (case.examples, case.size, case.size, 3)
  examples = data.in_memory(
    random.integers(0, 256, shape).astype(np.uint8),
    random.integers(0, case.classes, case.examples).astype(np.int32),
  )
  held = data.hold(examples)
  everything = np.arange(case.examples)
  feeds = [
    data.resident_feed(held, data.shuffled(everything, case.batch, seed=0, stream=stream))
    for stream in (0, 1)
  ]
  model = network(f"{case.network}-celu", classes=case.classes, image_size=case.size)
  task = train.classification(model, normalise=((0.5,) * 3, (0.25,) * 3))
  labels = np.resize(examples.labels, case.rows)
  method = methods.autodo(
    task,
    optim.sgd(0.01, nesterov=True, weight_decay=1e-4),
    labels,
    methods.AutodoTimes(epoch=100),
    classes=case.classes,
    learn=learn,
    base=autodo_base(subset=None),
    erase=0.5,
  )
  learner = method.phases[0].learner
  return train.program(learner, feeds[0], valid=feeds[1], seed=0, steps_per_dispatch=1)


def calls_of(case: Case) -> dict[str, Callable[[], None]]:
  """One move a call, of the baseline and of AutoDO."""
  plain, whole = program_of(case, NOTHING), program_of(case, methods.AutodoParts())

  def caller(program: train.Program, name: str) -> Callable[[], None]:
    kept: list[Any] = [program.init(), 0]

    def call() -> None:
      number = kept[1]
      state, metrics = program.moves[name](kept[0], train.Numbers(number, number), 1)
      kept[:] = jax.block_until_ready(state), number + 1
      jax.block_until_ready(metrics)

    return call

  return {
    "baseline": caller(plain, "train"),
    "training": caller(whole, "train"),
    "search": caller(whole, "joint"),
  }


def ratios(seconds: dict[str, list[float]]) -> dict[str, Spread]:
  """Epochs with a pass of searches over epochs without, round by round."""
  rows = list(zip(*(seconds[name] for name in ("baseline", "training", "search")), strict=True))
  return {
    "training / baseline": spread([own / plain for plain, own, _ in rows]),
    "search / training": spread([search / own for _, own, search in rows]),
    "active epoch / epoch before": spread([(own + search) / own for _, own, search in rows]),
    "active epoch / baseline's": spread([(own + search) / plain for plain, own, search in rows]),
  }


def table(found: dict[str, Spread]) -> str:
  lines = ["| | median | from-to |", "| --- | ---: | ---: |"]
  lines += [f"| {n} | {s.middle:.2f} | {s.low:.2f}-{s.high:.2f} |" for n, s in found.items()]
  return "\n".join(lines)


def main(args: list[str]) -> None:
  del args
  given: Any = flags.FLAGS
  one_thread(given.core)
  case = Case(**{name: given[name].value for name in Case._fields})
  # On one thread the processor's own time is the time on a quiet machine.
  clock = time.process_time if jax.default_backend() == "cpu" else time.perf_counter
  seconds = take_turns(calls_of(case), rounds=given.rounds, clock=clock)
  steps = ", ".join(f"{name} {1e3 * np.median(s):.0f} ms" for name, s in seconds.items())
  print(f"{case.network}, batch {case.batch}, {case.rows:,} rows: {steps}")
  found = ratios(seconds)
  print(table(found))
  if found["active epoch / baseline's"].middle > GOAL:
    print(f"the goal of {GOAL} is missed")


def define_flags() -> None:
  default = Case()
  flags.DEFINE_string("network", default.network, "The network; CELU is put into it.")
  flags.DEFINE_integer("batch", default.batch, "Images a step.")
  flags.DEFINE_integer("size", default.size, "Pixels on a side.")
  flags.DEFINE_integer("examples", default.examples, "Images in memory.")
  flags.DEFINE_integer("rows", default.rows, "Rows of the tables.")
  flags.DEFINE_integer("classes", default.classes, "Classes.")
  flags.DEFINE_integer("rounds", 7, "Interleaved rounds.", lower_bound=1)
  flags.DEFINE_integer("core", None, "The core to stay on (else the last); negative: any.")


if __name__ == "__main__":
  define_flags()
  app.run(main)
