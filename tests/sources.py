"""The project's own source files, parsed: what the architecture and the interface tests read."""

import ast
import functools
import pathlib
from collections.abc import Iterator
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parent.parent


class Import(NamedTuple):
  """`from module import name`, or `import module` with an empty name."""

  module: str
  name: str
  alias: str

  @property
  def target(self) -> str:
    return f"{self.module}.{self.name}" if self.name else self.module


def modules(*folders: str) -> list[str]:
  """Dotted names of all modules below folders of the project."""
  paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
  names = (".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths)
  return [name.removesuffix(".__init__") for name in names]


@functools.cache
def tree(module: str) -> ast.Module:
  path = ROOT.joinpath(*module.split("."))
  path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
  return ast.parse(path.read_text(), str(path))


def imports(module: str) -> Iterator[Import]:
  """All imports, inside functions too."""
  for node in ast.walk(tree(module)):
    if isinstance(node, ast.ImportFrom):
      assert node.level == 0, f"{module} imports relatively"
      for name in node.names:
        yield Import(node.module or "", name.name, name.asname or name.name)
    elif isinstance(node, ast.Import):
      for name in node.names:
        yield Import(name.name, "", name.asname or name.name)


def names(module: str) -> set[str]:
  """Every identifier that is read in a module, attributes too."""
  nodes = list(ast.walk(tree(module)))
  found = {node.id for node in nodes if isinstance(node, ast.Name)}
  return found | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def functions(module: str) -> list[str]:
  """Top-level functions without an underscore."""
  top = tree(module).body
  return [n.name for n in top if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")]
