"""The structure of the published tables, and torchvision's copy where it is installed."""

import ast
import collections
import importlib.util
import pathlib
import re

import pytest

from autoaug_jax.ops import spaces
from autoaug_jax.policies import autoaugment

TABLES = {"CIFAR10": autoaugment.CIFAR, "SVHN": autoaugment.SVHN, "IMAGENET": autoaugment.IMAGENET}
by_table = pytest.mark.parametrize("name", TABLES)


@by_table
def test_25_pairs_of_known_ops_in_range(name):
  known = {op.name for op in spaces.autoaugment()}
  assert len(TABLES[name]) == 25
  for pair in TABLES[name]:
    assert len(pair) == 2
    for op, probability, level in pair:
      assert op in known
      assert probability in range(11)
      assert level in range(10)


def test_what_is_known_of_the_policies():
  """The paper's Section 4: colours for CIFAR; Invert and shears for SVHN; no shift for ImageNet."""
  counts = {
    name: collections.Counter(op for pair in table for op, _, _ in pair)
    for name, table in TABLES.items()
  }
  assert counts["CIFAR10"]["Equalize"] == 9
  assert counts["CIFAR10"]["ShearX"] == 0
  assert counts["SVHN"].most_common(1)[0][0] == "Invert"
  assert counts["SVHN"]["Color"] == counts["SVHN"]["Sharpness"] == 0
  assert counts["IMAGENET"].most_common(1)[0][0] == "Equalize"
  assert counts["IMAGENET"]["TranslateX"] == counts["IMAGENET"]["TranslateY"] == 0
  repeated = [pair for pair, n in collections.Counter(autoaugment.IMAGENET).items() if n > 1]
  assert len(repeated) == 5  # the paper prints five of its 25 twice
  assert all(len(set(TABLES[name])) == 25 for name in ("CIFAR10", "SVHN"))


@pytest.mark.parity
@by_table
def test_torchvision_has_the_same(name):
  package = importlib.util.find_spec("torchvision")
  if package is None:
    pytest.skip("torchvision is not installed")
  # Read rather than imported: the import fails beside some builds of torch.
  file = pathlib.Path(package.submodule_search_locations[0]) / "transforms" / "autoaugment.py"
  source = file.read_text()
  part = next(p for p in re.split(r"if policy", source) if f"AutoAugmentPolicy.{name}:" in p)
  part = part[part.index("return") + 6 :]
  part = part[: re.search(r"\n\s+\]", part).end()]
  for ours, theirs in zip(TABLES[name], ast.literal_eval(part.strip()), strict=True):
    for (op, probability, level), (name_, p, l) in zip(ours, theirs, strict=True):
      assert (op, probability) == (name_, round(10 * p))
      assert l is None or l == level
