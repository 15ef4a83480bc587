"""The law of signatures, and that what is public can be found where people look."""

import importlib
import inspect
import types
from collections.abc import Callable, Iterator

import pytest

from tests import sources

OURS = "autoaug_jax"
PACKAGES = sorted({".".join(m.split(".")[:2]) for m in sources.modules(OURS) if m.count(".") >= 2})
MOST_POSITIONAL = 4
# The estimator's own call, (inner, outer, theta, phi, opt_state), is the one longer list.
LONGER = {"opt_state"}


def public(package: str) -> dict[str, object]:
  """name -> object, for what a package offers; modules on offer are opened."""
  module = importlib.import_module(package)
  found: dict[str, object] = {}
  for name in getattr(module, "__all__", ()):
    item = getattr(module, name)
    if isinstance(item, types.ModuleType):
      found |= {f"{name}.{n}": getattr(item, n) for n in sources.functions(item.__name__)}
    else:
      found[name] = item
  return found


def public_functions() -> Iterator[tuple[str, Callable[..., object]]]:
  for package in PACKAGES:
    for name, item in public(package).items():
      if inspect.isfunction(inspect.unwrap(item)):  # jitted functions too
        yield f"{package}.{name}", item


FUNCTIONS = dict(public_functions())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signature(name):
  parameters = inspect.signature(FUNCTIONS[name]).parameters.values()
  assert inspect.getdoc(FUNCTIONS[name]), "a docstring is missing"
  assert inspect.signature(FUNCTIONS[name]).return_annotation is not inspect.Signature.empty
  names = [p.name for p in parameters]
  assert "rng" not in names
  assert "key" not in names[1:], "key comes first"
  positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
  assert len(positional) <= MOST_POSITIONAL or LONGER & set(names)
  for parameter in parameters:
    assert parameter.annotation is not inspect.Parameter.empty, f"{parameter.name} has no type"
    optional = parameter.default is not inspect.Parameter.empty
    assert not optional or parameter.kind is parameter.KEYWORD_ONLY, (
      f"{parameter.name} is optional, hence keyword-only"
    )


def test_the_front_door():
  front = importlib.import_module(OURS)
  rooms = {m.split(".")[1] for m in sources.modules(OURS) if m.count(".")}
  assert set(front.__all__) == rooms | {"load", "search"}
  assert front.load is importlib.import_module(f"{OURS}.export").load_ready
  assert front.search is importlib.import_module(f"{OURS}.app").search_within
  assert all(f"  {name} " in (front.__doc__ or "") for name in rooms)
  assert all(getattr(front, name).__name__ == f"{OURS}.{name}" for name in rooms)
  with pytest.raises(AttributeError, match="no attribute 'nothing'"):
    front.nothing  # noqa: B018


@pytest.mark.parametrize("package", PACKAGES)
def test_exports(package):
  module = importlib.import_module(package)
  assert inspect.getdoc(module)
  assert len(set(module.__all__)) == len(module.__all__)  # ruff keeps them in order
  for name, item in public(package).items():
    if inspect.isclass(item):
      assert inspect.getdoc(item), f"{name} has no docstring"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_function_without_underscore_is_offered_or_used_next_door(package):
  offered = {name.split(".")[-1] for name in public(package)}
  siblings = [m for m in sources.modules(OURS) if m.startswith(package + ".")]
  # What exported files are made of is used there: tests/export/parts_test.py sees to it.
  siblings = [m for m in siblings if not m.startswith(f"{OURS}.export.runtimes")]
  lonely = []
  for module in siblings:
    used = set().union(*(sources.names(other) for other in siblings if other != module))
    names = set(sources.functions(module)) - offered - used
    lonely += [f"{module}.{name}" for name in sorted(names)]
  assert not lonely, "neither exported nor used by a neighbour"


@pytest.mark.parametrize("module", sources.modules(OURS, "experiments"))
def test_other_packages_use_only_what_is_public(module):
  home = ".".join(module.split(".")[:2])
  for found in sources.imports(module):
    package = ".".join(found.module.split(".")[:2])
    if package == home or package not in PACKAGES or not found.name:
      continue
    offered = importlib.import_module(package).__all__
    source = found.module.removeprefix(package + ".")
    assert found.name in offered or source in offered, (
      f"{module} takes {found.name}, which {package} does not export"
    )
