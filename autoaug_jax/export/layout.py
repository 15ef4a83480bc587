"""Plain data as Python text that people can read: short lines, and one row a line."""

import json
from typing import Any

import numpy as np

WIDTH = 100


def literal(value: Any, *, indent: int = 0, taken: int = 0) -> str:
  """Numbers, strings, lists, tuples and dictionaries, whose first line begins at column `taken`."""
  flat = _flat(value)
  if len(flat) + taken + 1 <= WIDTH or not isinstance(value, dict | list | tuple) or not value:
    return flat
  inner = " " * (indent + 2)
  if isinstance(value, dict) and all(_is_short(item) for item in value.values()):
    rows = _filled([f"{_flat(k)}: {_flat(v)}" for k, v in value.items()], WIDTH - indent - 3)
  elif isinstance(value, dict):
    rows = [
      f"{_flat(key)}: {literal(item, indent=indent + 2, taken=indent + len(_flat(key)) + 4)}"
      for key, item in value.items()
    ]
  elif all(isinstance(item, int | float | str) for item in value):
    rows = _filled([_flat(item) for item in value], WIDTH - indent - 3)
  else:
    rows = [literal(item, indent=indent + 2, taken=indent + 2) for item in value]
  opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
  if isinstance(value, tuple):
    opening, closing = "(", ")"
  body = "".join(f"{inner}{row},\n" for row in rows)
  return f"{opening}\n{body}{' ' * indent}{closing}"


def _is_short(value: Any) -> bool:
  """Whether it is one value, or a few in a row."""
  items = value if isinstance(value, list | tuple) else [value]
  return len(items) <= 4 and all(isinstance(item, int | float | str) for item in items)


def _flat(value: Any) -> str:
  if isinstance(value, dict):
    return "{" + ", ".join(f"{_flat(k)}: {_flat(v)}" for k, v in value.items()) + "}"
  if isinstance(value, tuple):
    items = ", ".join(map(_flat, value))
    return f"({items},)" if len(value) == 1 else f"({items})"
  if isinstance(value, list):
    return "[" + ", ".join(map(_flat, value)) + "]"
  if isinstance(value, str):
    return json.dumps(value, ensure_ascii=False)
  if isinstance(value, float):
    return str(np.float32(value))  # the shortest that is the same in single precision
  return repr(value)


def _filled(words: list[str], width: int) -> list[str]:
  """Words in lines, separated by commas."""
  lines = [""]
  for word in words:
    longer = f"{lines[-1]}, {word}" if lines[-1] else word
    if len(longer) > width:
      lines.append(word)
    else:
      lines[-1] = longer
  return lines
