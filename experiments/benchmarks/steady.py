"""Whether a process stands still: its memory, open files, threads and compilations over time."""

import contextlib
import ctypes
import os
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import numpy as np
from scipy import stats

PROC = pathlib.Path("/proc")
# Events of JAX; the first comes also where a cache on disk has the program.
COMPILES = "/jax/core/compile/backend_compile_duration"
TRACES = "/jax/core/compile/jaxpr_trace_duration"
BLOCKS = 20
RULE = "| --- | ---: | ---: | ---: | --- |"


class Trend(NamedTuple):
  """A straight line through a series: growth over its whole length, as a share of its mean."""

  mean: float
  growth: float
  low: float  # of the 95% interval
  high: float

  def flat(self, share: float) -> bool:
    """Whether it may be that nothing grows, or what grows is less than `share`."""
    return self.low <= 0 or self.growth < share


def trend(
  places: Sequence[float],
  values: Sequence[float],
  *,
  skip: float = 0.2,
  least: bool = False,
) -> Trend:
  """The line through all but the first `skip` of the places, in which caches fill.

  Neighbouring samples are alike, so it goes through the means of 20 stretches, or the `least` of
  each where values come and go, and the interval is Student's with 18 degrees of freedom.
  """
  x, y = np.asarray(places, float), np.asarray(values, float)
  kept = x >= x[0] + skip * (x[-1] - x[0])
  x, y = x[kept], y[kept]
  blocks = min(BLOCKS, len(x))
  if blocks < 4:
    raise ValueError(f"a trend needs at least 4 samples behind its beginning, not {blocks}")
  middles = [part.mean() for part in np.array_split(x, blocks)]
  levels = [part.min() if least else part.mean() for part in np.array_split(y, blocks)]
  if np.ptp(levels) == 0:
    return Trend(float(y.mean()), 0.0, 0.0, 0.0)
  line = stats.linregress(middles, levels)
  reach = stats.t.ppf(0.975, blocks - 2) * line.stderr
  scale = (x[-1] - x[0]) / y.mean()
  growth, half = line.slope * scale, abs(reach * scale)
  return Trend(float(y.mean()), float(growth), float(growth - half), float(growth + half))


def row(name: str, mean: str, one: Trend, *, flat: bool, places: int) -> str:
  """A line of a table of trends; RULE is the line below its head."""
  growth, low, high = (f"{share:+.{places}%}" for share in (one.growth, one.low, one.high))
  return f"| {name} | {mean} | {growth} | {low} to {high} | {'yes' if flat else 'NO'} |"


def memory(process: int | str = "self") -> int:
  """Bytes of a process that lie in memory (RSS); 0 for one that has ended. Linux only.

  Without pages of files, such as programs, which the system drops and reads again as it likes.
  """
  try:
    whole, files = map(int, (PROC / str(process) / "statm").read_text().split()[1:3])
    shared = re.search(r"RssShmem:\s*(\d+) kB", (PROC / str(process) / "status").read_text())
  except (OSError, ValueError):
    return 0
  # The second number of statm holds files' pages and shared memory.
  return (whole - files) * os.sysconf("SC_PAGE_SIZE") + 1024 * int(shared[1] if shared else 0)


def trim() -> None:
  """Has glibc hand back what is freed: what is left is held. Other C libraries are left alone."""
  trimming = getattr(ctypes.CDLL(None), "malloc_trim", None)
  if trimming is not None:
    trimming(0)


def descendants(process: int) -> list[int]:
  """The children of a process, and theirs."""
  parents: dict[int, list[int]] = {}
  for folder in PROC.iterdir():
    if folder.name.isdigit():
      with contextlib.suppress(OSError):
        fields = re.sub(r"^.*\) ", "", (folder / "stat").read_text(), flags=re.DOTALL).split()
        parents.setdefault(int(fields[1]), []).append(int(folder.name))
  found, waiting = [], [process]
  while waiting:
    children = parents.get(waiting.pop(), [])
    found += children
    waiting += children
  return found


def open_files() -> int:
  """How many handles this process has: files, sockets, pipes."""
  return len(list((PROC / "self" / "fd").iterdir()))


def threads() -> int:
  """How many threads this process has."""
  return len(list((PROC / "self" / "task").iterdir()))


@contextlib.contextmanager
def counted() -> Iterator[dict[str, int]]:
  """How many programs are traced and compiled in the meantime, by JAX's own events."""
  counts = {COMPILES: 0, TRACES: 0}

  def heard(event: str, duration_secs: float, **kwargs: str | int) -> None:
    del duration_secs, kwargs
    if event in counts:
      counts[event] += 1

  jax.monitoring.register_event_duration_secs_listener(heard)
  try:
    yield counts
  finally:
    jax.monitoring.unregister_event_duration_listener(heard)
