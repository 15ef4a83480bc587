"""Time as people write it: "20m", "1h30m", "90s"."""

import math
import re

UNITS = {"h": 3600, "m": 60, "s": 1}


def seconds_of(text: str) -> float:
  """Seconds in "20m", "1h30m" or "90s"; ValueError for what is no time."""
  found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text.strip())
  total = (
    sum(
      int(number or 0) * unit for number, unit in zip(found.groups(), UNITS.values(), strict=True)
    )
    if found
    else 0
  )
  if not total:
    raise ValueError(f"a budget is a time such as 20m, 1h30m or 90s, not {text!r}")
  return float(total)


def spoken(seconds: float) -> str:
  """The way back, with at most two units, rounded up to whole seconds."""
  left = math.ceil(max(seconds, 0.0) - 1e-9)
  if left >= 3600:
    left = math.ceil(left / 60) * 60
  parts = []
  for name, unit in UNITS.items():
    count, left = divmod(left, unit)
    if count:
      parts.append(f"{count}{name}")
  return " ".join(parts) or "0s"
