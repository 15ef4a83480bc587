"""Policy files, plans and flags that nobody would write on purpose, drawn by Hypothesis.

Most begin as something valid and are then spoilt in a few places, for random bytes are refused by
the first line that looks at them.
"""

import copy
import functools
import json
import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from autoaug_jax import export
from autoaug_jax.app import Plan, SearchSetting, option_types, save_plan
from autoaug_jax.ops import select, spaces
from autoaug_jax.policies import (
  Fixed,
  Gaussian,
  Network,
  PerClass,
  Step,
  Steps,
  SubPolicies,
  uniform_slots,
)
from experiments.benchmarks.fuzz_damage import ODD, damaged, few_damages

HUGE = (2**31, 2**63, 10**30, -(10**400))
NUMBER = (int, float)
WORDS = ("", "Rotate", "own", "a" * 5000, "\ud800", "é\n\t\x7f", '"""', "\\N{BEL}", "../..", "NaN")
SCALARS = st.one_of(
  st.none(),
  st.booleans(),
  st.integers(-3, 40),
  st.sampled_from((*HUGE, *ODD, *WORDS)),
  st.floats(),
  st.text(max_size=6),
)
VALUES = st.recursive(
  SCALARS,
  lambda inner: st.one_of(
    st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
  ),
  max_leaves=6,
)


# Policy files and plans


@functools.cache
def policy_files() -> tuple[str, ...]:
  """One of each kind of stage."""
  space = select(spaces.slack_domainnet(), ["Rotate", "TranslateX", "Brightness", "Identity"])
  warps = spaces.bilevel_affine()[:2]
  names = tuple(op.name for op in warps)
  turned = (Step("Rotate", 0.5, 0.0, 1.0), Step("Brightness", 1.0, 0.25, 0.5))
  slots = Fixed(space, (uniform_slots(("Rotate", "Identity"), 2),), last=("Rotate",))
  policies = (
    slots,
    Fixed(space, (Steps(turned, True), SubPolicies((turned[:1], turned), (0.25, 0.75)))),
    Fixed(space, (Gaussian(("Rotate",), (1.0,), (0.5,), (0.1,), False, 1.8),)),
    Fixed(warps, (Network(names, (((0.5, 1.0),),), ((0.0, 0.1),), "tanh", 0.1, True, False),)),
    Fixed((), ()),
  )
  each = PerClass(("cat", "dog"), (slots, slots))
  return (
    *(export.to_json(export.described(policy, image_size=(32, 32))) for policy in policies),
    export.to_json(export.ClassSpec(each)),
  )


def _places(value: Any) -> list[tuple[Any, Any]]:
  """(container, key) of everything inside."""
  items = value.items() if isinstance(value, dict) else enumerate(value)
  found = []
  for key, inner in list(items):
    found.append((value, key))
    if isinstance(inner, dict | list):
      found += _places(inner)
  return found


def _mutated(draw: Any, content: Any) -> None:
  """One field or element is deleted, replaced, doubled or called otherwise."""
  places = _places(content)
  container, key = places[draw(st.integers(0, len(places) - 1))] if places else ({}, "")
  match draw(st.integers(0, 3)):
    case 0:
      container.pop(key, None) if isinstance(container, dict) else container.pop(key)
    case 1 if isinstance(container, list):
      container.insert(key, copy.deepcopy(container[key]))
    case 2 if isinstance(container, dict):
      container[draw(st.sampled_from((*WORDS, "kind", "op")))] = container.pop(key, None)
    case _ if type(container.get(key) if isinstance(container, dict) else container[key]) in NUMBER:
      container[key] = draw(st.one_of(st.sampled_from((*HUGE, *ODD)), VALUES))
    case _:
      container[key] = draw(VALUES)


@st.composite
def policy_bytes(draw: Any) -> bytes:
  """The content of a policy.json."""
  return draw(_spoilt(policy_files()))


@st.composite
def plan_bytes(draw: Any) -> bytes:
  """The content of a plan.json."""
  return draw(_spoilt(plan_files()))


@functools.cache
def plan_files() -> tuple[str, ...]:
  """One of each method."""
  setting, estimates = SearchSetting(data="digits", flip=0.0), {"search": 2.0}
  plans = [
    Plan(60.0, setting, name, options(), 3, 5, 4, (0, 1), reasons=("why",), estimates=estimates)
    for name, options in option_types().items()
  ]
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "plan.json"
    texts = []
    for plan in plans:
      save_plan(plan, path)
      texts.append(path.read_text(encoding="utf-8"))
  return tuple(texts)


@st.composite
def _spoilt(draw: Any, files: Sequence[str]) -> bytes:
  """One of the files, or something else."""
  match draw(st.integers(0, 19)):
    case 0:
      return draw(st.binary(max_size=64))
    case 1:
      depth = draw(st.sampled_from((5, 500, 200_000)))
      opening = draw(st.sampled_from(("[", '{"a":')))
      return (opening * depth).encode()
    case 2:
      return json.dumps(draw(VALUES)).encode()
  content = json.loads(draw(st.sampled_from(files)))
  for _ in range(draw(st.integers(0, 2))):
    _mutated(draw, content)
  text = json.dumps(content)
  if draw(st.integers(0, 9)) == 0:
    text = text.replace(
      '"version": 1', draw(st.sampled_from(('"version": ' + "1" * 5000, "version")))
    )
  if draw(st.integers(0, 9)) == 0:
    text = text.replace('"format"', '"format": 1, "format"')
  return damaged(text.encode("utf-8", "surrogatepass"), draw(few_damages()))


# Flags

NUMBERS = (
  "0",
  "1",
  "2",
  "4",
  "8",
  "2147483647",
  "-1",
  "nan",
  "-inf",
  "1e400",
  "",
  " 3",
  "0x10",
  "1_0",
  "٣",
  str(10**30),
)
TEXTS = (
  *("", "a" * 5000, "own.npz", "own.npz/x", "policy.json", "cut.json", "digits", "none", "é"),
  *("~nobody/x", "**", "[", "a,b", "%s{}", "\udcff", "x.zip", "photos", ".json"),
  *("rand-m9-mstd0.5", "rand-m-9", "original-mstd1e9", "randaugment-99999999999-9", "20m", "0m"),
  *("wrn-10-1", "wrn-0-0", "wrn-16-1-celu", "resnet-18", "float16", "per_image", "bilinear"),
)
FLAG_VALUES = {"int": NUMBERS, "float": (*NUMBERS, "0.5", "1e-9"), "bool": ("0", "true", "maybe")}
STRAY = ("-", "--", "--=", "=", "--nothing=1", "word", "---a", "--no", "--\udcff=1")


@st.composite
def command_lines(draw: Any, *, kinds: Mapping[str, str], base: Sequence[str]) -> tuple[str, ...]:
  """Words after a program's name: `base`, then flags; `kinds` are those of all flags, by name."""
  words = []
  for _ in range(draw(st.integers(0, 3))):
    name = draw(st.sampled_from(sorted(kinds)))
    pool = FLAG_VALUES.get(kinds[name], TEXTS)
    value = draw(st.sampled_from(pool if draw(st.integers(0, 4)) else TEXTS))
    match draw(st.integers(0, 9)):
      case 0:
        words.append(f"--{name}")
      case 1:
        words += [f"--{name}", value]
      case 2:
        words.append(f"--no{name}")
      case 3:
        words.append(draw(st.sampled_from(STRAY)))
      case _:
        words.append(f"--{name}={value}")
  kept = base if draw(st.integers(0, 9)) else base[1:]
  return (*kept, *words)
