"""The methods that the jobs know, by name and by the options that they take."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from autoaug_jax.app import autodo, madao, online_bilevel, slack
from autoaug_jax.app.ground import Ground, Needs
from autoaug_jax.methods import Method, Verdicts, verdicts

Options: TypeAlias = Any  # a NamedTuple of plain values: Slack(), Madao() ...


class Kind(NamedTuple):
  """How a job goes about a method."""

  name: str
  options: type
  needs: Callable[[Options], Needs]
  build: Callable[[Options, Ground], Method]
  lasting: Callable[[Options, int, int], Options]  # (options, epochs, steps of one) -> options
  sizes: Mapping[str, Options]  # budget -> options; "paper" among them
  # (phi, labels, names of files) -> what was learned of single examples, by name
  table: Callable[[Any, np.ndarray, Sequence[str]], dict[str, np.ndarray]] | None = None
  joint: bool = True  # whether the network of the search is a result too
  # (phi, labels) -> which labels are doubted
  verdicts: Callable[[Any, np.ndarray], Verdicts] | None = None


KINDS = (
  Kind(
    "autodo",
    autodo.Autodo,
    autodo.needs,
    autodo.build,
    autodo.lasting,
    autodo.SIZES,
    autodo.example_table,
    verdicts=verdicts,
  ),
  Kind("madao", madao.Madao, madao.needs, madao.build, madao.lasting, madao.SIZES),
  Kind(
    "online_bilevel",
    online_bilevel.OnlineBilevel,
    online_bilevel.needs,
    online_bilevel.build,
    online_bilevel.lasting,
    online_bilevel.SIZES,
  ),
  Kind("slack", slack.Slack, slack.needs, slack.build, slack.lasting, slack.SIZES, joint=False),
)


def kind_of(options: Options) -> Kind:
  """The kind of method that takes these options."""
  for kind in KINDS:
    if isinstance(options, kind.options):
      return kind
  known = ", ".join(kind.options.__name__ for kind in KINDS)
  raise ValueError(f"options must be one of {known}, not a {type(options).__name__}")


def option_types() -> dict[str, Any]:
  """The options that each method takes, by the method's name."""
  return {kind.name: kind.options for kind in KINDS}


def kind_named(method: str) -> Kind:
  """The kind of the method called so."""
  kinds = {kind.name: kind for kind in KINDS}
  if method not in kinds:
    raise ValueError(f"method must be one of {', '.join(kinds)}, not {method!r}")
  return kinds[method]


def is_joint(method: str) -> bool:
  """Whether a method's search trains the network that is used."""
  return kind_named(method).joint


def sized(method: str, budget: str) -> Options:
  """A method's options for a budget, one of its sizes; "" is its default."""
  kind = kind_named(method)
  if not budget:
    return kind.options()
  if budget not in kind.sizes:
    raise ValueError(f"budget must be one of {', '.join(kind.sizes)} for {method}, not {budget!r}")
  return kind.sizes[budget]


def attributes(kind: type) -> dict[str, str]:
  """What the docstring of a NamedTuple says of each of its fields, for --help."""
  lines = (kind.__doc__ or "").partition("Attributes:")[2].splitlines()
  told: dict[str, str] = {}
  name = ""
  for line in lines:
    head, colon, rest = line.strip().partition(": ")
    if colon and head in kind._fields:  # type: ignore[attr-defined]
      name, told[head] = head, rest
    elif name and line.strip():
      told[name] += " " + line.strip()
  return {field: text[:1].upper() + text[1:] for field, text in told.items()}
