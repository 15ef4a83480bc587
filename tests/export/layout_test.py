"""Data as text: Python reads back what was written, in lines that people can read."""

import ast

import numpy as np
import pytest

from autoaug_jax.export.layout import WIDTH, literal

VALUES = {
  "scalars": {"a": 1, "b": 0.5, "c": True, "d": "x", "e": None},
  "long row": [float(i) for i in range(200)],
  "rows": [("Rotate", 0.25, 1.0, 0.0, 0.75)] * 30,
  "nested": {"kind": "slots", "slots": [(3, [("A", 0.5)] * 20)], "empty": [], "one": (1.0,)},
  "words": {"quote": 'it\'s "so"', "back": "a\\b", "line": "two\nlines", "é": "ü"},
  "matrices": [[[0.1] * 50] * 3, [[2.0]]],
}


@pytest.mark.parametrize("name", VALUES)
def test_what_is_read_is_what_was_written(name):
  text = literal(VALUES[name], taken=9)
  assert ast.literal_eval(text) == VALUES[name]
  first, *others = text.splitlines()
  assert len(first) + 9 <= WIDTH
  assert all(len(line) <= WIDTH for line in others)


def test_numbers_are_the_shortest_of_single_precision():
  for value in (0.1, 1 / 17, 150 / 331, 1e-7, 3e5, float(np.float32(0.7))):
    text = literal(value)
    assert np.float32(ast.literal_eval(text)) == np.float32(value)
    assert len(text) <= 13
