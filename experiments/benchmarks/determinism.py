"""The same seed, the same bits: twice in a process, in another process, and scanned.

  python -m experiments.benchmarks.determinism

Each method makes its 20 smallest moves. What is compared is every bit of phi, theta and running
statistics after every dispatch. A row for each method and each number of moves in a dispatch: the
same search again in the same process, with its programs compiled anew, and in another process. The
last column compares the end with that of one move a dispatch; scanned moves are another program,
whose sums may be rounded elsewhere, so what differs there is a number and not a verdict.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import numpy as np
from absl import flags

from experiments import launch
from experiments.benchmarks import tiny

MODULE = "experiments.benchmarks.determinism"


class Row(NamedTuple):
  """Whether the bits were the same, and how far the end is from that of one move a dispatch."""

  method: str
  at_once: int
  again: bool
  elsewhere: bool
  apart: float


def digest(stops: Iterable[tiny.Stop]) -> str:
  """A hash of all numbers of a search."""
  whole = hashlib.sha256()
  for stop in stops:
    for leaf in jax.tree.leaves(stop[1:]):
      whole.update(str((leaf.dtype, leaf.shape)).encode() + np.ascontiguousarray(leaf).tobytes())
  return whole.hexdigest()


def elsewhere(method: str, at_once: int) -> str:
  """The hash of that search in a process of its own."""
  command = [sys.executable, "-m", MODULE, f"--alone={method}", f"--at_once={at_once}"]
  ran = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
  return ran.stdout.split()[-1]


def apart(one: Any, other: Any) -> float:
  """The largest |a - b| / (1 + |a|) of two trees."""
  pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
  return max(float(np.max(abs(a - b) / (1 + abs(a)), initial=0.0)) for a, b in pairs)


def rows(method: str, lengths: Iterable[int]) -> Iterable[Row]:
  """One for each number of moves in a dispatch."""
  first: Any = None
  for at_once in lengths:
    setting = tiny.Tiny(method, at_once=at_once)
    stops = list(tiny.walk(setting))
    own = digest(stops)
    jax.clear_caches()
    first = stops[-1] if first is None else first
    yield Row(
      method,
      at_once,
      again=digest(tiny.walk(setting)) == own,
      elsewhere=elsewhere(method, at_once) == own,
      apart=apart(first[1:], stops[-1][1:]),
    )


HEAD = """| method | moves a dispatch | again | in another process | apart from one a dispatch |
| --- | ---: | --- | --- | ---: |"""


def line(row: Row) -> str:
  """A row of the table below `HEAD`."""
  again, other = ("same bits" if same else "DIFFERS" for same in (row.again, row.elsewhere))
  far = "same bits" if row.apart == 0 else f"{row.apart:.1e}"
  return f"| {row.method} | {row.at_once} | {again} | {other} | {far} |"


def main() -> None:
  given = flags.FLAGS
  jax.config.update("jax_enable_compilation_cache", False)  # each process compiles by itself
  lengths = [int(length) for length in given.at_once]
  if given.alone:
    print(digest(tiny.walk(tiny.Tiny(given.alone, at_once=lengths[0]))))
    return
  print(HEAD, flush=True)
  passed = True
  for method in given.methods:
    for row in rows(method, lengths):
      print(line(row), flush=True)
      passed &= row.again and row.elsewhere
  if not passed:
    raise SystemExit(1)


def define_flags() -> None:
  flags.DEFINE_list("methods", list(tiny.METHODS), "Which.")
  flags.DEFINE_list("at_once", ["1", "2"], "Moves in a dispatch; a row for each.")
  flags.DEFINE_string("alone", "", "Prints the hash of one method's search, and no more.")


if __name__ == "__main__":
  define_flags()
  launch.run("determinism", main)
