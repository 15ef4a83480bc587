"""Numbers as a reader sees them; what is not known is a dash."""

import math
from collections.abc import Mapping
from typing import Any, TypeGuard

NONE = "–"
MINUS = "−"
SPACE = "\u00a0"  # at which no line breaks


def known(value: float | None) -> TypeGuard[float]:
  """Whether there is a finite number."""
  return value is not None and math.isfinite(value)


def decimal(value: float | None, *, places: int = 2) -> str:
  """97.25"""
  if not known(value):
    return NONE
  said = f"{value:.{places}f}"
  return said.lstrip("-") if not float(said) else said.replace("-", MINUS)


def signed(value: float | None, *, places: int = 2) -> str:
  """+0.25, −0.25 and 0.00"""
  if not known(value):
    return NONE
  said = f"{value:+.{places}f}"
  return said[1:] if not float(said) else said.replace("-", MINUS)


def around(said: str, half_width: float | None, *, places: int = 2) -> str:
  """97.25 ± 0.50, or the mean alone."""
  if said == NONE or not known(half_width):
    return said
  return f"{said}{SPACE}±{SPACE}{decimal(half_width, places=places)}"


def count(value: float | None) -> str:
  """12,345"""
  return f"{value:,.0f}".replace("-", MINUS) if known(value) else NONE


def percent(share: float | None) -> str:
  """A share in [0, 1] as 12.5%."""
  return f"{100 * share:.1f}%" if known(share) else NONE


def duration(seconds: float | None) -> str:
  """0.4 s, 45 s, 18 min 4 s, 2 h 5 min."""
  if not known(seconds):
    return NONE
  if seconds < 9.95:
    return f"{seconds:.1f}{SPACE}s"
  whole = round(seconds)
  if whole < 60:
    return f"{whole}{SPACE}s"
  minutes, rest = divmod(whole, 60)
  if minutes < 60:
    return f"{minutes}{SPACE}min" + (f" {rest}{SPACE}s" if rest else "")
  hours, minutes = divmod(round(seconds / 60), 60)
  return f"{hours}{SPACE}h" + (f" {minutes}{SPACE}min" if minutes else "")


def plain_tick(value: float) -> str:
  """A number beside an axis."""
  return f"{value:g}".replace("-", MINUS)


def signed_tick(value: float) -> str:
  """A difference beside an axis."""
  return f"{value:+g}".replace("-", MINUS) if value else "0"


def said(value: Any) -> str:
  """A setting's value."""
  if value is None:
    return NONE
  if isinstance(value, bool):
    return "yes" if value else "no"
  if isinstance(value, tuple) and hasattr(value, "_asdict"):
    value = value._asdict()
  if isinstance(value, Mapping):
    return ", ".join(f"{key}: {said(one)}" for key, one in value.items()) or NONE
  if isinstance(value, tuple | list):
    return ", ".join(map(said, value)) or NONE
  return str(value)
