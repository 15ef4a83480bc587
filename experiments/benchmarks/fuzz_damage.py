"""Bytes with a few places spoilt, as by a bad disk or a connection that broke off."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

ODD = (float("nan"), float("inf"), -0.0, 1e39, -1e300, 5e-324, 2**-60)


class Damage(NamedTuple):
  """Cuts a file at a place, or writes other bytes there; places count from either end."""

  cut: bool
  place: int
  put: bytes


DAMAGE = st.builds(Damage, st.booleans(), st.integers(-600, 600), st.binary(max_size=8))


@st.composite
def few_damages(draw: Any) -> tuple[Damage, ...]:
  """None, mostly."""
  return (draw(DAMAGE),) if draw(st.integers(0, 3)) == 0 else ()


def damaged(content: bytes, damages: Sequence[Damage]) -> bytes:
  """The content after all of it."""
  for cut, place, put in damages:
    place = min(place, len(content)) if place >= 0 else max(len(content) + place, 0)
    content = content[:place] + put + (b"" if cut else content[place + len(put) :])
  return content
