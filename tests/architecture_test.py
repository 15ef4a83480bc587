"""The house: which floor may import which, and who alone may say certain words."""

import pytest

from tests import sources

OURS = "autoaug_jax"
# package or module -> what of ours it may import beside itself
MAY_IMPORT = {
  "types": set(),
  "devices": {"types"},
  "files": set(),
  "trees": {"types"},
  "ops": {"types", "devices"},
  "hypergrad": {"types", "devices", "trees"},
  "models": {"types", "devices"},
  "data": {"types", "devices", "files"},
  "policies": {"types", "devices", "ops"},
  "export": {"types", "devices", "files", "ops", "policies"},
  "train": {
    "types",
    "devices",
    "files",
    "trees",
    "policies.base",
    "hypergrad.base",
    "hypergrad.clip",
  },
  "methods": {
    "types",
    "devices",
    "trees",
    "policies",
    "hypergrad",
    "train",
    "ops.space",
    "ops.spaces",
  },
  "report": {
    "types",
    "devices",
    "files",
    "policies",
    "hypergrad",
    "train",
    "ops.space",
    "ops.spaces",
  },
}
BELOW_APP = set(MAY_IMPORT)
MAY_IMPORT["app"] = BELOW_APP
# what is imported or called -> the modules that may do it
WORDS = {
  "pmap": (f"{OURS}.devices",),
  "flags": ("experiments", f"{OURS}.data.stream"),
  "tensorflow_datasets": (f"{OURS}.data",),
}
package_modules = sources.modules(OURS)


def floor_of(module: str) -> str:
  return module.split(".")[1] if "." in module else ""


def is_within(module: str, roots: tuple[str, ...] | set[str]) -> bool:
  return any(module == root or module.startswith(root + ".") for root in roots)


@pytest.mark.parametrize("module", package_modules)
def test_arrows_point_down(module):
  floor = floor_of(module)
  if not floor:
    return  # the front door shows everything
  assert floor in MAY_IMPORT, f"{floor} has no floor in this table"
  allowed = {f"{OURS}.{name}" for name in MAY_IMPORT[floor] | {floor}}
  for found in sources.imports(module):
    assert not is_within(found.target, ("experiments", "tests")), f"{module}: {found.target}"
    if is_within(found.target, (OURS,)):
      assert is_within(found.target, allowed), f"{module} may not import {found.target}"


@pytest.mark.parametrize("word", WORDS)
def test_who_may_say_a_word(word):
  sayers = {
    module
    for module in sources.modules(OURS, "experiments")
    if (word == "pmap" and word in sources.names(module))
    or any(word in found.target.split(".") for found in sources.imports(module))
  }
  assert sayers, f"nobody says {word}: is the test still right?"
  intruders = [module for module in sayers if not is_within(module, WORDS[word])]
  assert not intruders, f"{word} is said by {intruders}"


def test_an_arrow_up_is_found():
  """The test of the test: what the table must refuse, it refuses."""
  allowed = {f"{OURS}.{name}" for name in MAY_IMPORT["train"] | {"train"}}
  assert is_within("autoaug_jax.policies.base.Policy", allowed)
  assert not is_within("autoaug_jax.policies.fixed", allowed)
  assert not is_within("autoaug_jax.trainer", allowed)
