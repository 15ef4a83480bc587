"""Reads the fields of a JSON object; what is missing or wrong is a ValueError of one sentence."""

from typing import Any

LARGEST = 3.4e38  # single precision holds no more


class Fields:
  """The fields of one object, called `where` in errors, each of which is to be read once."""

  def __init__(self, value: Any, where: str):
    if not isinstance(value, dict):
      raise ValueError(f"{where} takes an object {{...}}, got {_shown(value)}")
    self.left, self.where = dict(value), where

  def any(self, name: str) -> Any:
    """The field as it is, still to be read."""
    if name not in self.left:
      raise ValueError(f"{self.where} has no {name!r}")
    return self.left[name]

  def text(self, name: str) -> str:
    return self._take(name, isinstance(self.any(name), str), "a string")

  def truth(self, name: str) -> bool:
    return self._take(name, isinstance(self.any(name), bool), "true or false")

  def number(self, name: str) -> float:
    return float(self._take(name, _is_number(self.any(name)), "a finite number"))

  def whole(self, name: str) -> int:
    value = self.any(name)
    right = isinstance(value, int) and not isinstance(value, bool)
    return self._take(name, right, "a whole number")

  def items(self, name: str) -> list[Any]:
    return self._take(name, isinstance(self.any(name), list), "a list [...]")

  def numbers(self, name: str) -> tuple[float, ...]:
    return self._row(name, self.items(name))

  def rows(self, name: str) -> tuple[tuple[float, ...], ...]:
    """A list of lists of numbers."""
    return tuple(self._row(name, row) for row in self.items(name))

  def tables(self, name: str) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """A list of lists of lists of numbers."""
    values = self.items(name)
    if not all(isinstance(table, list) for table in values):
      raise ValueError(f"{name} of {self.where} takes lists of rows, got {_shown(values)}")
    return tuple(tuple(self._row(name, row) for row in table) for table in values)

  def texts(self, name: str) -> tuple[str, ...]:
    values = self.items(name)
    if not all(isinstance(value, str) for value in values):
      raise ValueError(f"{name} of {self.where} takes strings, got {_shown(values)}")
    return tuple(values)

  def one_of(self, name: str, accepted: tuple[str, ...]) -> str:
    value = self.text(name)
    if value not in accepted:
      known = ", ".join(repr(a) for a in accepted)
      raise ValueError(f"{name} of {self.where} takes one of {known}, got {value!r}")
    return value

  def done(self) -> None:
    """Raises ValueError if a field is left over."""
    if self.left:
      raise ValueError(f"{self.where} has the unknown field {next(iter(self.left))!r}")

  def _take(self, name: str, right: bool, kind: str) -> Any:
    value = self.left.pop(name)
    if not right:
      raise ValueError(f"{name} of {self.where} takes {kind}, got {_shown(value)}")
    return value

  def _row(self, name: str, values: Any) -> tuple[float, ...]:
    if not isinstance(values, list) or not all(_is_number(value) for value in values):
      raise ValueError(f"{name} of {self.where} takes finite numbers, got {_shown(values)}")
    return tuple(float(value) for value in values)


def fields_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
  """An object of JSON, for `json.loads`, in which no field stands twice."""
  found = dict(pairs)
  if len(found) < len(pairs):
    names = [name for name, _ in pairs]
    twice = next(name for name in names if names.count(name) > 1)
    raise ValueError(f"the field {twice!r} stands twice in an object")
  return found


def _is_number(value: Any) -> bool:
  right = isinstance(value, int | float) and not isinstance(value, bool)
  return right and -LARGEST <= value <= LARGEST


def _shown(value: Any) -> str:
  text = repr(value)
  return text if len(text) <= 40 else text[:37] + "..."
