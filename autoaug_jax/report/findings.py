"""What a job found, as plain values: all that its page tells.

Accuracies are in percent and differences in points; half-widths are those of 95% intervals, NaN
where a single seed has none.
"""

import math
from typing import Any, NamedTuple

EQUAL_STEPS = "equal steps"
EQUAL_COST = "equal total cost, search included"


class Result(NamedTuple):
  """Networks trained under one policy: a row of one column of the comparison."""

  policy: str
  column: str  # EQUAL_STEPS or EQUAL_COST
  accuracy: tuple[float, ...]  # of each seed
  mean: float
  half_width: float = math.nan
  steps: int | None = None  # network-steps for each network, in EQUAL_COST with the search's share
  seconds: float | None = None  # of all its seeds
  learned: bool = False


class Difference(NamedTuple):
  """A learned policy's accuracy less a baseline's, paired over seeds."""

  policy: str
  baseline: str
  column: str
  mean: float
  half_width: float = math.nan
  seeds: int | None = None


class ClassChange(NamedTuple):
  """One class: its accuracy under the learned policy, under the baseline, and the difference."""

  name: str
  learned: float | None
  baseline: float | None
  change: float
  half_width: float = math.nan
  images: int | None = None  # of the test part


class Classes(NamedTuple):
  """Class by class, the learned policy against one baseline in one column."""

  policy: str
  baseline: str
  column: str
  changes: tuple[ClassChange, ...]


class OpShare(NamedTuple):
  """An op of the policy: the chance that a slot draws it, and how strong it may be."""

  name: str
  probability: float | None
  low: float | None = None  # magnitudes, in [0, 1]; None: it has none
  high: float | None = None


class Suspect(NamedTuple):
  """An example whose label the search doubts."""

  file: str  # or its number
  given: str
  proposed: str
  score: float  # what speaks for the given label: AutoDO's weight, or a probability


class LeftOut(NamedTuple):
  """A file, an op, a seed or a baseline that takes no part, and why."""

  name: str
  why: str


class Data(NamedTuple):
  """What the job looked at."""

  images: tuple[tuple[str, int], ...]  # part -> count: training, validation, test
  height: int
  width: int
  channels: int
  classes: tuple[tuple[str, int], ...]  # name -> images of the training side
  imbalance: float | None = None  # the most frequent class over the rarest
  left_out: tuple[LeftOut, ...] = ()  # files
  remarks: tuple[str, ...] = ()  # sentences


class Plan(NamedTuple):
  """What the job chose to do."""

  method: str
  why: str  # it was chosen: a sentence
  network: str
  size: int  # of images, as trained
  batch: int
  epochs: float  # of each retraining, in EQUAL_STEPS
  seeds: tuple[int, ...]
  budget: float | None = None  # seconds
  used: float | None = None


class Cost(NamedTuple):
  """What one stage of the job took."""

  stage: str
  seconds: float
  steps: int | None = None  # network-steps


class Settings(NamedTuple):
  """A group of settings."""

  name: str
  values: tuple[tuple[str, Any], ...]


class Command(NamedTuple):
  """Something that a reader can run."""

  what: str
  command: str


class Findings(NamedTuple):
  """All that a page tells.

  Attributes:
    title: the data's name.
    verdict: one sentence.
    results: of all policies in all columns, in the order in which they are shown.
    differences: learned less each baseline.
    reference: the baseline that the figures below the verdict compare with.
    classes: class by class, None where it is not known.
    advice: sentences: what to use, what more time would buy.
    left_out: what was dropped for lack of time.
    ops: of the policy; () for policies that are networks.
    suspects: the most doubtful first.
    data: what the job looked at.
    plan: what it chose to do.
    cost: by stage.
    settings: every setting and seed.
    commands: how to run it again, export it, use it.
    made: by what and when: versions, machine, date.
  """

  title: str
  verdict: str
  results: tuple[Result, ...]
  differences: tuple[Difference, ...] = ()
  reference: str = "trivial-augment-wide"
  classes: Classes | None = None
  advice: tuple[str, ...] = ()
  left_out: tuple[LeftOut, ...] = ()
  ops: tuple[OpShare, ...] = ()
  suspects: tuple[Suspect, ...] = ()
  data: Data | None = None
  plan: Plan | None = None
  cost: tuple[Cost, ...] = ()
  settings: tuple[Settings, ...] = ()
  commands: tuple[Command, ...] = ()
  made: str = ""
