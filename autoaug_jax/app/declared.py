"""NamedTuples out of JSON: every field is of the type that it is declared with."""

import math
import typing
from typing import Any

LARGEST = 2**63 - 1  # of whole numbers: what is larger, no array holds
KINDS = {
  bool: "true or false",
  int: "a whole number",
  float: "a number",
  str: "a string",
  tuple: "a list",
  dict: "an object",
}


def filled(kind: Any, values: Any, where: str) -> Any:
  """An instance of the NamedTuple `kind`; ValueError, in one sentence, for other values.

  Lists become tuples, whole numbers in the place of others stay what they are. Fields whose type
  is neither plain nor made of plain ones are taken as they are.
  """
  if not isinstance(values, dict):
    raise ValueError(f"{where} takes an object {{...}}, not {values!r:.200}")
  for name in values:
    if name not in kind._fields:
      raise ValueError(f"{where} has the unknown field {name!r:.200}")
  made = {}
  for name, declared in typing.get_type_hints(kind).items():
    if name in values:
      made[name] = _as_declared(values[name], declared, f"{name} of {where}")
    elif name not in kind._field_defaults:
      raise ValueError(f"{where} has no {name!r}")
  return kind(**made)


def _as_declared(value: Any, declared: Any, what: str) -> Any:
  plain = typing.get_origin(declared) or declared
  inner = typing.get_args(declared)
  if plain not in KINDS:
    return value
  accepted = {float: (int, float), tuple: (list, tuple)}.get(plain, plain)
  truth = isinstance(value, bool)
  if not isinstance(value, accepted) or truth != (plain is bool):
    raise ValueError(f"{what} takes {KINDS[plain]}, not {value!r:.200}")
  if plain is tuple:
    return tuple(_as_declared(item, inner[0], what) for item in value)
  if plain is dict:
    return {key: _as_declared(item, inner[1], what) for key, item in value.items()}
  if isinstance(value, int) and abs(value) > LARGEST:
    raise ValueError(f"{what} is beyond {LARGEST} in size")
  if isinstance(value, float) and not math.isfinite(value):
    raise ValueError(f"{what} takes a finite number, not {value}")
  return value
