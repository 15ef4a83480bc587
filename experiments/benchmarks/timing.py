"""Fair clocks: one thread for everybody, and turns taken in one process.

Round robin, because a machine's speed drifts: A B C, A B C, ... and ratios within a round. One
untimed call before each timed one, because what follows a big workspace pays for freeing it.
"""

import ctypes
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

LIBRARIES = ("OMP", "MKL", "OPENBLAS", "VECLIB", "NUMEXPR")
THREADS = {f"{name}_NUM_THREADS": "1" for name in LIBRARIES}
XLA = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


class Spread(NamedTuple):
  """A median, and from where to where the rounds went."""

  middle: float
  low: float
  high: float


def one_thread(core: int | None = None) -> int:
  """Keeps to one core and one thread; the core, or -1 where the system chooses.

  Without a number it is the last core that this process may use; a negative one leaves the choice.
  Libraries read the variables while they are loaded, hence the program starts again, once.
  """
  if not hasattr(os, "sched_setaffinity"):
    core = -1
  elif core is None:
    core = max(os.sched_getaffinity(0))
  if core >= 0:
    os.sched_setaffinity(0, {core})
  if all(os.environ.get(name) == value for name, value in THREADS.items()):
    keep_memory()
    return core
  flags = f"{os.environ.get('XLA_FLAGS', '')} {XLA}".strip()
  environment = os.environ | THREADS | {"XLA_FLAGS": flags, "NO_ALBUMENTATIONS_UPDATE": "1"}
  sys.stdout.flush()
  os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def keep_memory() -> None:
  """Has glibc keep what is freed; other C libraries are left alone.

  XLA allocates a program's workspace at each call. glibc gives large blocks back to the system, and
  whoever allocates next pays for new pages, at random: a sixth of a training step.
  """
  if sys.platform == "linux":
    trim_threshold, mmap_max, arena_max = -1, -4, -8
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
      mallopt(mmap_max, 0)
      mallopt(trim_threshold, 2**31 - 1)
      mallopt(arena_max, 1)


def take_turns(
  calls: Mapping[str, Callable[[], object]],
  *,
  rounds: int,
  clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
  """Seconds of each call in each round; `time.process_time` as a clock leaves out neighbours.

  A round more goes first and is not counted: the process's memory grows in it.
  """
  seconds: dict[str, list[float]] = {name: [] for name in calls}
  for _ in range(rounds + 1):
    for name, call in calls.items():
      call()
      start = clock()
      call()
      seconds[name].append(clock() - start)
  return {name: counted for name, (_, *counted) in seconds.items()}


def spread(values: Sequence[float]) -> Spread:
  return Spread(statistics.median(values), min(values), max(values))


def ratio(slower: Sequence[float], faster: Sequence[float]) -> Spread:
  """How many times as long the one took as the other in the same round."""
  return spread([a / b for a, b in zip(slower, faster, strict=True)])
