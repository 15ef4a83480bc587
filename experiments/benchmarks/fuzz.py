"""Tries to break what reads files and flags: policies, plans, images, arrays, launchers.

  python -m experiments.benchmarks.fuzz --inputs=10000 --targets=policy,plan,folder,npz,flags

Each input is made, spoilt and tried in this process (`fuzz_inputs` and `fuzz_images` make them,
`fuzz_laws` has the laws). A table says how many were tried, accepted and refused in words, and a
target that broke a law shows the smallest input that Hypothesis finds for it; the exit code is then
1. The same seed, the same inputs.
"""

import contextlib
import pathlib
import tempfile
import time
import warnings
from collections import Counter
from typing import Any, NamedTuple

import hypothesis
from absl import flags

from experiments import launch
from experiments.benchmarks import fuzz_targets as targets
from experiments.benchmarks.fuzz_laws import REFUSED, Broken
from experiments.benchmarks.fuzz_targets import ACCEPTED

FLAGS = "flags"  # stands for all launchers, which share its inputs


class Row(NamedTuple):
  """What came of a target's inputs."""

  name: str
  tried: int
  accepted: int
  refused: int
  seconds: float
  broken: str = ""  # the law, and the smallest input that breaks it


def fuzz(name: str, *, inputs: int, seed: int = 0) -> Row:
  """Tries a target of `targets.TARGETS` on so many inputs."""
  began = time.monotonic()
  with contextlib.ExitStack() as around:
    if name in targets.MAINS:
      around.enter_context(targets.defined(name))
    target = targets.TARGETS[name]()
    around.enter_context(warnings.catch_warnings())
    warnings.simplefilter("ignore")  # Pillow's, about the files
    counts: Counter[str] = Counter()
    smallest: list[str] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
      max_examples=inputs,
      database=None,
      deadline=None,
      phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
      suppress_health_check=list(hypothesis.HealthCheck),
      report_multiple_bugs=False,
      verbosity=hypothesis.Verbosity.quiet,
    )
    @hypothesis.given(target.inputs)
    def attempt(one: Any) -> None:
      try:
        counts[targets.outcome(target, one)] += 1
      except Broken as error:
        counts["broken"] += 1
        smallest[:] = [f"{error}\n  for {one!r:.4000}"]
        raise

    home = around.enter_context(tempfile.TemporaryDirectory(prefix="hypothesis-"))
    hypothesis.configuration.set_hypothesis_home_dir(pathlib.Path(home))
    with contextlib.suppress(Broken, hypothesis.errors.Flaky):
      attempt()
  return Row(
    name,
    tried=counts.total(),
    accepted=counts[ACCEPTED],
    refused=counts[REFUSED],
    seconds=time.monotonic() - began,
    broken="".join(smallest),
  )


def table(rows: list[Row]) -> str:
  """Rows in Markdown, then what was broken."""
  lines = ["| target | tried | accepted | refused | broken | s |", "| --- |" + " ---: |" * 5]
  for row in rows:
    broken = int(bool(row.broken))
    cells = (row.name, row.tried, row.accepted, row.refused, broken, f"{row.seconds:.0f}")
    lines.append(f"| {' | '.join(map(str, cells))} |")
  lines += [f"\n{row.name}: {row.broken}" for row in rows if row.broken]
  return "\n".join(lines)


def shares(wanted: list[str], inputs: int) -> dict[str, int]:
  """How many inputs each target gets; the launchers share those of the flags."""
  counts: dict[str, int] = {}
  for name in wanted:
    if name == FLAGS:
      counts |= dict.fromkeys(targets.MAINS, -(-inputs // len(targets.MAINS)))
    elif name in targets.TARGETS:
      counts[name] = inputs
    else:
      known = ", ".join((*targets.TARGETS, FLAGS))
      raise ValueError(f"targets are some of {known}, not {name!r}")
  return counts


def define_flags() -> None:
  flags.DEFINE_integer("inputs", 10_000, "How many each target gets.", lower_bound=1)
  flags.DEFINE_list("targets", ["policy", "plan", "folder", "npz", FLAGS], "What is tried.")
  flags.DEFINE_integer("fuzz_seed", 0, "Of the inputs.")


def main() -> None:
  given = flags.FLAGS
  wanted, seed = shares(given.targets, given.inputs), given.fuzz_seed
  rows = []
  for name, inputs in wanted.items():
    rows.append(fuzz(name, inputs=inputs, seed=seed))
    launch.aside(f"{name}: {rows[-1].seconds:.0f} s")
  print(table(rows))
  if any(row.broken for row in rows):
    raise SystemExit(1)


if __name__ == "__main__":
  define_flags()
  launch.run("fuzz", main)
