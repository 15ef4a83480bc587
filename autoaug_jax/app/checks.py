"""What options must be: each mistake is one sentence that names it."""

from collections.abc import Sequence
from typing import Any

MOST = 256  # of what is worked out one by one in a step


def at_least(options: Any, least: float, names: Sequence[str]) -> None:
  """ValueError for one of the options called `names` below `least`, or no number at all."""
  for name in names:
    if not getattr(options, name) >= least:
      raise ValueError(f"{name} must be at least {least}, not {getattr(options, name)}")


def at_most(options: Any, most: float, names: Sequence[str]) -> None:
  """ValueError for one of the options called `names` above `most`."""
  for name in names:
    if not getattr(options, name) <= most:
      raise ValueError(f"{name} must be at most {most}, not {getattr(options, name)}")


def positive(options: Any, names: Sequence[str]) -> None:
  """ValueError for one of the options called `names` that is not above 0."""
  for name in names:
    if not getattr(options, name) > 0:
      raise ValueError(f"{name} must be positive, not {getattr(options, name)}")


def one_of(options: Any, name: str, accepted: Sequence[str]) -> None:
  """ValueError for an option with another value than the accepted ones."""
  if getattr(options, name) not in accepted:
    known = ", ".join(map(repr, accepted))
    raise ValueError(f"{name} must be one of {known}, not {getattr(options, name)!r}")
