"""Takes functions out of the runtime modules, as text: only those that a file needs."""

import ast
import functools
import itertools
import pathlib
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

OURS = "autoaug_jax"
FOLDER = pathlib.Path(__file__).parent / "runtimes"


class Part(NamedTuple):
  """A function, class or constant at the top of a module."""

  name: str
  needs: frozenset[str]
  text: str


class Import(NamedTuple):
  """`from module import name`, or `import name` where there is no module; `bound` is its name."""

  module: str
  name: str
  bound: str


class Source(NamedTuple):
  """A module, taken apart."""

  imports: tuple[Import, ...]
  parts: tuple[Part, ...]


def taken(
  modules: Iterable[str],
  roots: Iterable[str],
  *,
  rows: Mapping[str, Collection[str]],
  given: Collection[str],
) -> tuple[str, str]:
  """(imports, code) that the functions `roots` need of runtime modules, in the modules' order.

  `rows` says which rows of a dictionary are wanted, name -> keys; all of those not named. What is
  called one of `given` comes from elsewhere.
  """
  sources = [_source(module) for module in modules]
  parts = [_narrowed(p, rows) for s in sources for p in s.parts if p.name not in given]
  by_name = {part.name: part for part in parts}
  wanted: set[str] = set()
  waiting = list(roots)
  while waiting:
    name = waiting.pop()
    if name not in wanted:
      wanted.add(name)
      waiting += by_name[name].needs if name in by_name else ()
  imports = {found for source in sources for found in source.imports if found.bound in wanted}
  return _import_lines(imports), _joined([part for part in parts if part.name in wanted])


@functools.cache
def _source(module: str) -> Source:
  text = (FOLDER / f"{module}.py").read_text(encoding="utf-8")
  imports: list[Import] = []
  parts = []
  for node in ast.parse(text).body:
    if isinstance(node, ast.Import | ast.ImportFrom):
      imports += _imported(node)
    elif not isinstance(node, ast.Expr):
      parts.append(Part(_defined(node), frozenset(_needed(node)), _text(text, node)))
  return Source(tuple(imports), tuple(parts))


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[Import]:
  """Name by name; what comes from our own modules is found in their text."""
  module = str(node.module) if isinstance(node, ast.ImportFrom) else ""
  for alias in node.names:
    shown = alias.name if alias.asname is None else f"{alias.name} as {alias.asname}"
    if not module.startswith(OURS):
      yield Import(module, shown, alias.asname or alias.name.split(".")[0])


def _import_lines(imports: Iterable[Import]) -> str:
  """Statements: the standard library's first, whole modules before names."""
  lines: dict[bool, list[str]] = {False: [], True: []}
  for module, group in itertools.groupby(sorted(imports), key=lambda found: found.module):
    names = [found.name for found in group]
    if module:
      lines[_is_foreign(module)].append(f"from {module} import {', '.join(names)}")
    else:
      for name in names:
        lines[_is_foreign(name)].append(f"import {name}")
  return "\n\n".join("\n".join(group) for group in lines.values() if group)


def _is_foreign(module: str) -> bool:
  return module.split()[0].split(".")[0] not in sys.stdlib_module_names


def _joined(parts: Iterable[Part]) -> str:
  """Two empty lines around functions and classes."""
  text = ""
  for part in parts:
    lone = not part.text.startswith(("def ", "class ", "@"))
    near = text and lone and not text.rsplit("\n", 1)[-1].startswith((" ", "@"))
    text += ("\n" if near else "\n\n\n" if text else "") + part.text
  return text


def _defined(node: ast.stmt) -> str:
  if isinstance(node, ast.FunctionDef | ast.ClassDef):
    return node.name
  target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]  # type: ignore[attr-defined]
  return str(target.id)  # type: ignore[union-attr]


def _needed(node: ast.AST) -> Iterator[str]:
  return (found.id for found in ast.walk(node) if isinstance(found, ast.Name))


def _text(text: str, node: ast.stmt) -> str:
  """The lines of a statement, with its decorators."""
  decorators = [d.lineno for d in getattr(node, "decorator_list", [])]
  first = min([node.lineno, *decorators])
  return "\n".join(text.splitlines()[first - 1 : node.end_lineno])


def _narrowed(part: Part, rows: Mapping[str, Collection[str]]) -> Part:
  """A dictionary with the wanted rows only; any other part as it is."""
  table = getattr(ast.parse(part.text).body[0], "value", None)
  if part.name not in rows or not isinstance(table, ast.Dict):
    return part
  kept = [
    (str(ast.literal_eval(key)), value)
    for key, value in zip(table.keys, table.values, strict=True)
    if key is not None and ast.literal_eval(key) in rows[part.name]
  ]
  lines = "".join(f'  "{key}": {ast.unparse(value)},\n' for key, value in kept)
  needs = frozenset(name for _, value in kept for name in _needed(value))
  return Part(part.name, needs, f"{part.name} = {{\n{lines}}}")
