import math
from typing import NamedTuple

import pytest

from autoaug_jax.report import numerals

INF, NAN = math.inf, math.nan


class Pair(NamedTuple):
  first: float
  second: float | None


@pytest.mark.parametrize(
  ("seconds", "said"),
  [
    (0.0, "0.0 s"),
    (0.44, "0.4 s"),
    (9.96, "10 s"),
    (59.4, "59 s"),
    (59.6, "1 min"),
    (1084.0, "18 min 4 s"),
    (3599.7, "1 h"),
    (7500.0, "2 h 5 min"),
    (NAN, "–"),
    (None, "–"),
  ],
)
def test_durations(seconds, said):
  assert numerals.duration(seconds).replace("\u00a0", " ") == said


@pytest.mark.parametrize(
  ("value", "plain", "signed"),
  [
    (1.005, "1.00", "+1.00"),
    (-0.25, "−0.25", "−0.25"),
    (-0.001, "0.00", "0.00"),
    (0, "0.00", "0.00"),
    (INF, "–", "–"),
    (None, "–", "–"),
  ],
)
def test_decimals(value, plain, signed):
  assert numerals.signed(value) == signed
  assert numerals.decimal(value) == plain


def test_intervals_counts_and_percents():
  assert numerals.around("97.25", 0.5).split() == ["97.25", "±", "0.50"]
  assert numerals.around("97.25", NAN) == numerals.around("97.25", None) == "97.25"
  assert numerals.around("–", 0.5) == "–"
  assert [numerals.count(n) for n in (12345, 0, None, NAN)] == ["12,345", "0", "–", "–"]
  assert [numerals.percent(p) for p in (0.1234, 1, None)] == ["12.3%", "100.0%", "–"]
  assert [numerals.plain_tick(x) for x in (-0.5, 90.0)] == ["−0.5", "90"]
  assert [numerals.signed_tick(x) for x in (-0.5, 0.0, 2.0)] == ["−0.5", "0", "+2"]


@pytest.mark.parametrize(
  ("value", "words"),
  [
    (None, "–"),
    (True, "yes"),
    ((), "–"),
    ((0, 1), "0, 1"),
    (1e-3, "0.001"),
    ([None, False], "–, no"),
    ({"a": 1, "b": {}}, "a: 1, b: –"),
    (Pair(0.5, None), "first: 0.5, second: –"),
  ],
  ids=str,
)
def test_settings(value, words):
  assert numerals.said(value) == words
