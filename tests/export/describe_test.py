"""Policies in words: what stands there is worked out by hand."""

import re

import pytest

from autoaug_jax import export
from autoaug_jax.export.plain_data import drawable
from autoaug_jax.ops import spaces
from autoaug_jax.policies import Fixed, Gaussian, Slots, Step, Steps, SubPolicies, fixed
from tests.export.spec_test import POLICIES, network


def words(policy, **given):
  return export.describe(export.PolicySpec(policy, **given))


def row(text, *cells):
  """Whether a line has these cells, with any number of spaces between."""
  return re.search(r"^ +" + r" {2,}".join(map(re.escape, cells)) + "$", text, re.MULTILINE)


def test_strengths_are_in_the_ops_own_units():
  names = ("Rotate", "TranslateX", "Posterize", "Solarize", "Color", "Cutout", "Invert")
  rows = tuple(Step(name, 0.5, 0.25, 0.5) for name in names)
  text = words(Fixed(spaces.slack_cifar(), (Steps(rows),), last=("Cutout",)))
  assert row(text, "Rotate", "50%", "± 22.5 to 45 degrees")
  assert row(text, "TranslateX", "50%", "± 18.75 to 37.5% of the width")
  assert row(text, "Posterize", "50%", "7 to 5 of 8 bits")  # 8 less 1.5 and 3, halves up
  assert row(text, "Solarize", "50%", "191.2 to 127.5 (inverted from that level on)")
  assert row(text, "Color", "50%", "1 ± 0.2475 to 0.495 (factor)")
  assert row(text, "Cutout", "50%", "25 to 50% of the width as side")
  assert row(text, "Invert", "50%")
  assert "TranslateX, Rotate: nearest sampling, outside the colour 0." in text
  assert "Cutout: painted in the colour 0.4914, 0.4822, 0.4465." in text
  assert "± is drawn with equal chances" in text
  assert "After all else, the last of them drawn only: Cutout." in text


def test_slots_that_differ_have_a_table_each():
  slots = Slots(
    ("Rotate", "Invert"), ((0.25, 0.75), (1.0, 0.0)), ((1.0, 0.5), (0.125, 1.0)),
    ((0.0, 0.0), (0.5, 0.0)), ((1.0, 1.0), (0.5, 1.0)), levels=31, sigma=0.1,
  )  # fmt: skip
  text = words(Fixed(spaces.slack_cifar(), (slots,)))
  head = "in each of 2 slots one op, its strength uniform, on 31 levels, with noise of 0.1"
  assert head in text
  assert row(text, "Rotate", "25%", "100%", "± 0 to 90 degrees")
  assert row(text, "Invert", "75%", "50%")
  assert row(text, "Rotate", "100%", "12.5%", "± 45 degrees")
  assert text.count("Invert ") == 1  # no chance in the second slot


def test_other_stages():
  branches = SubPolicies(((Step("Invert"), Step("Equalize", 0.5)), (Step("Rotate"),)), (0.25, 0.75))
  text = words(Fixed(spaces.slack_cifar(), (branches,), first=("Rotate",)))
  assert row(text, "1", "25%", "Invert", "100%")
  assert row(text, "Equalize", "50%")
  assert row(text, "2", "75%", "Rotate", "100%", "± 90 degrees")
  assert "Before all else, the first of them drawn only: Rotate." in text
  gaussian = Gaussian(("Rotate", "ScaleX"), (1.0, 0.5), (0.1, 0.0), (0.3, 1.5), True, 1.8)
  text = words(Fixed(spaces.autodo(), (gaussian,)))
  assert "in a random order, their magnitudes Gaussian, with signs, at most 1.8 either way" in text
  assert row(text, "Rotate", "100%", "0.1 ± 0.3", "± 0 to 30 degrees")
  assert row(text, "ScaleX", "50%", "0 ± 1.5", "1 ± 0 to 0.5 (factor)")
  assert "bilinear sampling, outside the edge is continued" in text
  text = words(network())
  assert "a network on noise (3 -> 5 -> 10 units)" in text
  assert "The warps are one, their differences from nothing summed." in text


def test_where_it_comes_from():
  spec = export.PolicySpec(
    fixed.standard(), (32, 24), export.Provenance("slack", "photos", "2026-01-02", "0.1.0")
  )
  first = "A policy by slack on photos (2026-01-02, autoaug_jax 0.1.0), for images of 32 x 24."
  assert export.describe(spec).startswith(first + "\n")
  assert words(fixed.none()) == "A policy.\n\nImages stay as they are."


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_is_described_with_all_its_ops(name):
  policy = POLICIES[name]()
  text = words(policy)
  names = {name for stage in policy.stages for name in drawable(stage)}
  assert all(row(text, name) or f"  {name}  " in text for name in names)
  assert max(map(len, text.splitlines())) <= 100
