"""A long search of tiny moves: it compiles at its beginning only, and nothing of it grows.

  python -m experiments.benchmarks.leaks --moves=20000 --workdir=runs/leaks

A method's last phase, on noise of 8 x 8 pixels, by `train.fit` with all that goes with it: metrics,
checkpoints, evaluations. At each line of metrics this process's memory, once what is freed has been
handed back to the system, its open files and its threads are counted, and the programs that JAX has
traced and compiled so far. A series is flat where the 95% interval of its slope, behind the first
fifth, reaches down to 0, or where memory grows by less than 5% and files or threads by less than 2
over the run; a leak at each checkpoint or line of metrics would be a hundred. Linux only.
"""

import itertools
import json
import pathlib
from typing import Any, NamedTuple

from absl import flags

from autoaug_jax import train
from autoaug_jax.app import write_json
from experiments import launch
from experiments.benchmarks import steady, tiny

SHARE = 0.05  # of the memory, over the whole run
FEW = 2  # files or threads, over the whole run: pools fill by and by
SERIES = ("memory", "files", "threads")


class Sample(NamedTuple):
  """What was counted after a move."""

  move: int
  memory: int  # bytes
  files: int
  threads: int
  traces: int
  compiles: int


class Found(NamedTuple):
  """What came of it.

  Attributes:
    samples: one at each line of metrics.
    begun: the move by which everything that a run does had been done.
    trends: memory, files and threads over moves.
    late: how many programs were traced or compiled after `begun`.
  """

  samples: list[Sample]
  begun: int
  trends: dict[str, steady.Trend]
  late: int

  @property
  def passed(self) -> bool:
    return not self.late and all(still(name, one) for name, one in self.trends.items())


def still(name: str, one: steady.Trend) -> bool:
  """Whether a series is flat."""
  return one.flat(SHARE if name == "memory" else FEW / one.mean)


def lasting(schedule: train.Schedule, moves: int) -> train.Schedule:
  """The first `moves` of a schedule over and over."""
  return tuple(itertools.islice(itertools.cycle(schedule), moves))


def measure(name: str, moves: int, workdir: pathlib.Path, *, every: int) -> Found:
  """A search of so many moves, counted at each `every` of them and saved half as often."""
  setting = tiny.Tiny(name)
  *_, (phase, program) = tiny.programs(setting)
  schedule = lasting(phase.schedule, moves)
  samples: list[Sample] = []
  with steady.counted() as counts:

    def watch(state: train.SearchState) -> dict[str, Any]:
      steady.trim()
      samples.append(
        Sample(
          int(state.step),
          steady.memory(),
          steady.open_files(),
          steady.threads(),
          counts[steady.TRACES],
          counts[steady.COMPILES],
        )
      )
      return {}

    task, feed = tiny.judge(setting)
    train.fit(
      program,
      schedule,
      workdir=workdir,
      every=train.Every(every, 2 * every, 2 * every),
      evaluate=train.evaluation(task, feed, classes=tiny.CLASSES),
      watch=watch,
      progress=train.silent(),
    )
  # The sample after that of the first checkpoint and evaluation, and after a whole round.
  begun = next(s for s in samples if s.move >= max(3 * every, len(phase.schedule)))
  places = [s.move for s in samples]
  trends = {
    # Checkpoints are written meanwhile, with files and threads that come and go.
    name: steady.trend(places, [getattr(s, name) for s in samples], least=name != "memory")
    for name in SERIES
  }
  last = samples[-1]
  late = last.traces - begun.traces + last.compiles - begun.compiles
  return Found(samples, begun.move, trends, late)


def table(found: Found) -> str:
  """One row for each series."""
  rows = []
  for name, one in found.trends.items():
    mean = f"{one.mean / 2**20:.1f} MiB" if name == "memory" else f"{one.mean:.1f}"
    rows.append(steady.row(name, mean, one, flat=still(name, one), places=3))
  return "\n".join(("| | mean | growth over the run | 95% | flat |", steady.RULE, *rows))


def main() -> None:
  given = flags.FLAGS
  workdir = pathlib.Path(given.workdir)
  if (workdir / "checkpoints").exists():
    raise ValueError(f"{workdir} holds a search already; its moves would not be made again")
  found = measure(given.method, given.moves, workdir, every=given.every)
  last = found.samples[-1]
  print(f"{given.method}, {last.move} moves, {len(found.samples)} samples")
  print(table(found))
  print(f"compiled {last.compiles}, traced {last.traces}; {found.late} of them after {found.begun}")
  write_json(workdir / "leaks.json", json.loads(json.dumps(found._asdict())))
  if not found.passed:
    raise SystemExit(1)


def define_flags() -> None:
  flags.DEFINE_enum("method", "slack-per-image", list(tiny.METHODS), "Whose last phase.")
  flags.DEFINE_integer("moves", 20_000, "How many.", lower_bound=100)
  flags.DEFINE_integer("every", 100, "Moves between two samples.", lower_bound=1)
  flags.DEFINE_string("workdir", None, "A new folder, for leaks.json too.", required=True)


if __name__ == "__main__":
  define_flags()
  launch.run("leaks", main)
