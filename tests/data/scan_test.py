"""Findings about classes, and how they end."""

import unicodedata

import pytest

from autoaug_jax.data import Finding
from autoaug_jax.data.scan import _same_name, scan_classes, settle


@pytest.mark.parametrize(
  ("one", "other"),
  [
    ("Dog", "dog"),
    ("dog ", "dog"),
    ("great  dane", "great dane"),
    (unicodedata.normalize("NFC", "épagneul"), unicodedata.normalize("NFD", "épagneul")),
    ("STRASSE", "straße"),
  ],
  ids=["case", "space", "spaces", "unicode", "fold"],
)
def test_names_that_read_the_same_are_the_same(one, other):
  assert one != other
  assert _same_name(one) == _same_name(other)
  findings, out = scan_classes([one, other, "cat"], {one: 5, other: 9, "cat": 2})
  assert out == {one}  # the one with fewer images
  assert [str(found) for found in findings] == [
    f"class {one!r}: has the same name as class {other!r}"
  ]


def test_different_names_stay():
  assert scan_classes(["dog", "dogs", "do g"], dict.fromkeys(("dog", "dogs", "do g"), 2)) == (
    [],
    set(),
  )


def test_a_class_of_the_test_part_only_is_told():
  findings, out = scan_classes(["a", "b"], {"a": 2}, others={"b": 7})
  assert out == {"b"}
  assert "no training images and 7 in other parts" in findings[0].problem


def test_what_is_hidden_does_not_stop():
  hidden = Finding(".git", "is a hidden file", stops=False)
  assert settle("set", [hidden], False) == (hidden,)
  with pytest.raises(ValueError, match="set has 1 thing that"):
    settle("set", [hidden, Finding("a", "is empty")], False)
