"""Every method on several devices: the trajectory of one.

  python -m experiments.benchmarks.devices --devices=2,8

Each method makes its 20 smallest moves on virtual CPU devices, in a fresh process for each number
of them, and on one device in the same process. The law: in double precision phi, theta and running
statistics stay within 1e-9 of one device's over all moves, in single precision within 1e-5 over
the first three. A difference is |a - b| / (1 + |a|), the largest of all numbers and moves. The last
column says how far phi went, by the same measure. Bits are not equal, and cannot be: a mean over
the batch becomes a mean of means, whose sums are rounded elsewhere.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

import jax.numpy as jnp
from absl import flags

from experiments import launch
from experiments.benchmarks import tiny
from experiments.benchmarks.determinism import apart

MODULE = "experiments.benchmarks.devices"
BOUNDS = {"float64": (1e-9, 20), "float32": (1e-5, 3)}  # how near, over how many moves


class Row(NamedTuple):
  """The largest differences along the way, and how far phi went."""

  method: str
  devices: int
  dtype: str
  phi: float
  theta: float  # running statistics with it
  moved: float

  @property
  def passed(self) -> bool:
    """Near enough; a phi that did not move would show nothing."""
    return max(self.phi, self.theta) < BOUNDS[self.dtype][0] and self.moved > 1e-7


def compare(method: str, count: int, dtype: str) -> Row:
  """One device and `count` of this process, in a precision that it has."""
  _, moves = BOUNDS[dtype]
  setting = tiny.Tiny(method, dtype=jnp.dtype(dtype))
  pairs: list[tuple[float, float]] = []
  ends = []
  one, several = tiny.walk(setting), tiny.walk(setting._replace(devices=count))
  for a, b in zip(one, several, strict=True):
    if a.move <= moves:
      pairs.append((apart(a.phi, b.phi), apart(a[2:], b[2:])))
    ends.append(a.phi)
  phi, theta = map(max, zip(*pairs, strict=True))
  return Row(method, count, dtype, phi, theta, apart(ends[0], ends[-1]))


def elsewhere(count: int, dtype: str, methods: list[str]) -> Iterator[Row]:
  """The rows of a number of devices, by a process that has as many."""
  environment = os.environ | {
    "JAX_NUM_CPU_DEVICES": str(count),
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": str(int(dtype == "float64")),
  }
  command = [sys.executable, "-m", MODULE, f"--alone={dtype}", f"--devices={count}"]
  command.append(f"--methods={','.join(methods)}")
  with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
    assert process.stdout is not None
    for line in process.stdout:
      yield Row(*json.loads(line))
  if process.returncode:
    raise OSError(f"the process with {count} devices ended with {process.returncode}")


def line(row: Row) -> str:
  bound, moves = BOUNDS[row.dtype]
  return (
    f"| {row.method} | {row.devices} | {row.dtype}, {moves} moves | {row.phi:.1e} | "
    f"{row.theta:.1e} | {bound:.0e} | {'yes' if row.passed else 'NO'} | {row.moved:.1e} |"
  )


def main() -> None:
  given = flags.FLAGS
  counts = [int(count) for count in given.devices]
  if given.alone:
    for method in given.methods:
      print(json.dumps(compare(method, counts[0], given.alone)), flush=True)
    return
  print("| method | devices | precision | phi | theta | bound | pass | phi went |")
  print("| --- | ---: | --- | ---: | ---: | ---: | --- | ---: |", flush=True)
  passed = True
  for count in counts:
    for dtype in BOUNDS:
      for row in elsewhere(count, dtype, given.methods):
        print(line(row), flush=True)
        passed &= row.passed
  if not passed:
    raise SystemExit(1)


def define_flags() -> None:
  flags.DEFINE_list("devices", ["2", "8"], "Numbers of virtual devices.")
  flags.DEFINE_list("methods", list(tiny.METHODS), "Which.")
  flags.DEFINE_enum("alone", "", ["", *BOUNDS], "Prints rows as JSON, from this process.")


if __name__ == "__main__":
  define_flags()
  launch.run("devices", main)
