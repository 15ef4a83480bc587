"""Which method suits a set of images, by a rule that can be said in a sentence."""

from typing import NamedTuple

UNEVEN = 5.0  # times that the largest class is larger than the smallest
WRONG = 0.05  # of the labels


class Choice(NamedTuple):
  """A method, and why."""

  method: str
  reason: str


def choose_method(ratio: float, *, wrong: float | None = None) -> Choice:
  """AutoDO for uneven classes or wrong labels, else SLACK.

  Args:
    ratio: how many times larger the largest class is than the smallest.
    wrong: the share of wrong labels as measured against images whose labels can be trusted; None
      where there are none, and then labels are reported as doubtful, and not treated.
  """
  if ratio >= UNEVEN:
    return Choice(
      "autodo",
      f"AutoDO, because the largest class is {ratio:.1f} times as large as the smallest "
      f"(from {UNEVEN:g} times on)",
    )
  if wrong is not None and wrong > WRONG:
    return Choice(
      "autodo",
      f"AutoDO, because {wrong:.0%} of the labels seem to be wrong, measured against those that "
      f"can be trusted (above {WRONG:.0%})",
    )
  return Choice("slack", "SLACK, because classes are even enough and no labels are known to be bad")
