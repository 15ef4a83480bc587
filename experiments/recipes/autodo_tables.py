"""AutoDO's comparisons at a size that a processor can do, each by one command.

  python -m experiments.recipes.autodo_tables --table=order --workdir=runs/order
  python -m experiments.recipes.autodo_tables --table=small --data=cifar10.tar.xz \\
      --workdir=runs/small

"order" asks on digits whether Table 1's order comes out, baseline < A shared < A < A, W < A, W, S:
with a tenth of the labels wrong, with half of the classes ten times rarer, and with both. "small"
is the small protocol: 2,000 training images, of which a fifth is held out, and 2,000 test images of
32 x 32 pixels, WRN-16-1 with CELU, batch 64, crop and flip in every row, wrong labels; a baseline,
TrivialAugment-Wide and A, W, S.

Beneath the rows of `experiments.recipes.autodo_noise` stand differences of accuracies, paired by
seed, with 95% intervals, each row of "order" less the one before and all pairs of "small": an order
is shown where all of an interval lies above 0. Results of that recipe in the same work directory
are taken over, and rows that are there already are not run again.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from absl import flags

from autoaug_jax.app import interval
from experiments import launch
from experiments.recipes.autodo_noise import HEAD, Case, Found, all_kept, table_line


class Table(NamedTuple):
  """Cases, and the rows of each in the order that is asked for."""

  cases: tuple[Case, ...]
  rows: tuple[str, ...]
  pairs: tuple[tuple[int, int], ...]  # places of rows, the one that is subtracted first


ORDER = Table(
  (Case(), Case(imbalance=10.0), Case(noise=0.0, imbalance=10.0)),
  ("baseline", "A shared", "A", "A, W", "A, W, S"),
  tuple(itertools.pairwise(range(5))),
)
CIFAR = Case(
  data="", model="wrn-16-1-celu", size=32, train_images=2000, test_images=2000, padding=0.125,
  flip=0.5, epochs=25, begin=8,
)  # fmt: skip
SMALL = Table(
  (CIFAR, CIFAR._replace(noise=0.3)),
  ("baseline", "TrivialAugment-Wide", "A, W, S"),
  tuple(itertools.combinations(range(3), 2)),
)
TABLES = {"order": ORDER, "small": SMALL}


def differences(table: Table, found: Sequence[Sequence[Found]]) -> list[str]:
  """A line for each of the table's pairs, in points of accuracy."""
  lines = []
  for first, second in table.pairs:
    seeds = zip(found[second], found[first], strict=True)
    points = [100 * (one.accuracy - other.accuracy) for one, other in seeds]
    mean, half = interval(points)
    shown = "above" if mean - half > 0 else "below" if mean + half < 0 else "not told apart"
    name = f"{table.rows[second]} less {table.rows[first]}"
    lines.append(f"| {name} | {mean:+.2f} ± {half:.2f} | {shown} |")
  return lines


def table_of(name: str, given: Any) -> Table:
  """One of TABLES, with what the flags change; ValueError for what is not there."""
  if name not in TABLES:
    raise ValueError(f"table must be one of {', '.join(TABLES)}, not {name!r}")
  table = TABLES[name]
  asked = {field: given[field] for field in ("data", "epochs", "begin") if given[field]}
  cases = tuple(case._replace(**asked) for case in table.cases)
  if not cases[0].data:
    raise ValueError("--data says which folder, archive or .npz file")
  noises = [float(noise) for noise in given["noise"]] or sorted({case.noise for case in cases})
  chosen = tuple(case for case in cases if case.noise in noises)
  if len({case.noise for case in chosen}) < len(noises):
    there = ", ".join(f"{noise:g}" for noise in sorted({case.noise for case in cases}))
    raise ValueError(f"noise must be of {there} in this table, not {', '.join(given['noise'])}")
  return table._replace(cases=chosen)


def main() -> None:
  given = flags.FLAGS.flag_values_dict()
  table = table_of(given["table"], given)
  for case in table.cases:
    print(f"\n{case.noise:.0%} wrong labels, imbalance {case.imbalance:g}:1\n\n{HEAD}", flush=True)
    found = []
    for name in table.rows:
      found.append(all_kept(given["workdir"], case, name, range(given["seeds"])))
      print(table_line(name, found[-1]), flush=True)
    print("\n| difference | points | |\n| --- | ---: | --- |")
    print("\n".join(differences(table, found)), flush=True)


def define_flags() -> None:
  flags.DEFINE_string("table", "order", f"One of {', '.join(TABLES)}.")
  flags.DEFINE_string("workdir", None, "Where results are kept.", required=True)
  flags.DEFINE_string("data", "", "Instead of the table's: a folder, archive or .npz file.")
  flags.DEFINE_integer("epochs", 0, "Instead of the table's; 0 is its own.", lower_bound=0)
  flags.DEFINE_integer("begin", 0, "The same, for when AutoDO begins to search.", lower_bound=0)
  flags.DEFINE_integer("seeds", 5, "How many, from 0 on.", lower_bound=1)
  flags.DEFINE_list("noise", [], "Only cases with these shares of wrong labels; empty: all.")


if __name__ == "__main__":
  define_flags()
  launch.run("autodo_tables", main)
