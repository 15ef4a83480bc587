"""Draws of this library as other runtimes have them, and what each op makes of pictures here."""

import functools
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats

from autoaug_jax import export
from autoaug_jax.ops import (
  Draws,
  Erase,
  Keyed,
  Op,
  Plain,
  Warp,
  augment_uint8,
  clipped_box,
  hue,
  select,
  spaces,
  strength,
)
from autoaug_jax.policies import (
  Fixed,
  Slots,
  Step,
  Steps,
  SubPolicies,
  added_contrast,
  fixed,
  hsv_saturation,
  interpret,
  released_color,
  scaled_hue,
)
from tests.ops import cases

SIZE = (24, 32)
MAGNITUDES = (0.0, 0.25, 0.5, 0.8, 1.0)


class Replayed(NamedTuple):
  """One op on pictures: what was drawn, what came of it here."""

  op: Op
  draws: list[tuple[float, float, list[float]]]  # magnitude, sign, places
  images: np.ndarray  # uint8 [N, H, W, C]
  ours: np.ndarray


@functools.cache
def all_ops() -> tuple[Op, ...]:
  """Every op that a file can hold, with each kind of fill and interpolation, rules and places."""
  wide, heirs = spaces.trivial_augment_wide(), spaces.uniform_augment()
  smooth, mirrored = spaces.autodo(), spaces.autodo(interpolation="nearest", fill="reflect")
  rows = (
    *spaces.slack_domainnet(),
    *select(wide, ["TranslateX", "Solarize", "Posterize"]),
    *select(heirs, ["Cutout"]),
    *select(smooth, ["Rotate", "ScaleX"]),
    *select(mirrored, ["ShearX", "ScaleY"]),
    *select(spaces.madao(fill=(0.2, 0.5, 0.8)), ["TranslateY"]),
    *select(export.from_timm("rand-inc1").space, ["SolarizeAdd"]),
    *(spaces.FLIP_X, spaces.FLIP_Y),
    *select(released_color(), ["AddedContrast", "HsvSaturation", "ScaledHue"]),
    *(*fixed.cutout().space, *fixed.domainbed().space[:1]),
  )
  return tuple(
    op._replace(name=f"{op.name} {i}" if i >= 20 else op.name) for i, op in enumerate(rows)
  )


def spec_of_all() -> export.PolicySpec:
  """Each op once."""
  return export.PolicySpec(Fixed(all_ops(), (Steps(tuple(Step(op.name) for op in all_ops())),)))


@functools.cache
def replayed(channels: int = 3) -> dict[str, Replayed]:
  """All ops at all magnitudes, by the executor, in one call."""
  ops, pictures = all_ops(), cases.images(SIZE)[..., :channels]
  count = len(MAGNITUDES)
  op = np.repeat(np.arange(len(ops)), count)
  number = np.arange(len(op))
  draws = Draws(
    jnp.asarray(op[:, None], jnp.int32),
    jnp.asarray(np.tile(MAGNITUDES, len(ops))[:, None], jnp.float32),
    jnp.asarray(np.where(number % 2, 1.0, -1.0)[:, None], jnp.float32),
  )
  images = pictures[(number + op) % len(pictures)]
  keys = jax.random.split(jax.random.key(5), len(op))
  ours = np.asarray(augment_uint8(keys, images, draws, space=ops))
  folded = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, 0)
  found = {}
  for i, one in enumerate(ops):
    own = slice(i * count, (i + 1) * count)
    rows = [
      (float(draws.magnitude[j, 0]), float(draws.sign[j, 0]), places(folded[j], one))
      for j in range(own.start, own.stop)
    ]
    found[one.name] = Replayed(one, rows, images[own], ours[own])
  return found


def places(key: jax.Array, op: Op) -> list[float]:
  """The numbers in [0, 1) that an op draws of its own."""
  fn = op.fn
  if isinstance(fn, Erase) and fn.box is clipped_box:
    pixel = jax.random.randint(key, (2,), 0, jnp.asarray(SIZE, jnp.int32), jnp.int32)
    return [(int(p) + 0.5) / n for p, n in zip(pixel, SIZE, strict=True)]
  if isinstance(fn, Erase) or ("Crop" in op.name and not isinstance(fn, Keyed)):
    return np.asarray(jax.random.uniform(key, (2,), jnp.float32), float).tolist()
  if isinstance(fn, Keyed):
    parts = [
      jax.random.uniform(jax.random.fold_in(key, i), (n,)) for i, n in enumerate((10, 10, 2))
    ]
    return np.concatenate([np.asarray(part, float) for part in parts]).tolist()
  return []


def loaded(spec: export.PolicySpec, runtime: str) -> dict[str, Any]:
  """What a generated file defines."""
  names: dict[str, Any] = {"__name__": "generated"}
  exec(compile(export.to_source(spec, runtime), runtime, "exec"), names)
  return names


def is_exact(op: Op) -> bool:
  """Whether pixels are whole numbers from beginning to end; else the last bit of floats decides."""
  fn = op.fn
  if isinstance(fn, Warp):
    return fn.interpolation == "nearest"
  floats = (hue, added_contrast, hsv_saturation, scaled_hue)
  return not isinstance(fn, Keyed) and getattr(fn, "op", None) not in floats


def assert_parity(run: Callable[..., np.ndarray], *, without: Sequence[str] = ()) -> None:
  """`run(name, magnitude, sign, places, image)` has our pixels.

  All of them, but for ties of the nearest pixel (none seen; a thousandth is let pass) and for ops
  in floats (one level in at most 5% of the values).
  """
  shares: dict[str, list[float]] = {}
  for name, case in replayed().items():
    if name in without:
      continue
    for draw, image, ours in zip(case.draws, case.images, case.ours, strict=True):
      theirs = np.asarray(run(name, *draw, image))
      assert theirs.dtype == np.uint8, name
      off = np.abs(theirs.astype(int) - ours)
      if isinstance(case.op.fn, Warp) and is_exact(case.op):
        assert (off > 0).mean() <= 1e-3, (name, draw)
      elif is_exact(case.op):
        assert off.max() == 0, (name, draw)
      else:
        assert off.max() <= 1, (name, draw)
        shares.setdefault(name, []).append((off > 0).mean())
  assert all(np.mean(share) <= 0.05 for share in shares.values()), shares


def drawn(policy: Fixed, count: int, seed: int = 3) -> list[list[tuple[str, float]]]:
  """Of each of `count` images the ops applied with their strengths, by this library."""
  keys = jax.random.split(jax.random.key(seed), count)
  sample = jax.jit(jax.vmap(interpret.policy(policy).sample, in_axes=(0, None)))
  draws = jax.device_get(sample(keys, ()))
  table = list(policy.space)
  table += [spaces.IDENTITY] if spaces.IDENTITY not in table else []
  weightless = np.asarray([isinstance(op.fn, Plain) for op in table])[draws.op]
  strengths = ~weightless * np.select(
    [draws.op == i for i in range(len(table))],
    [np.asarray(strength(op, draws.magnitude, sign=draws.sign)) for op in table],
  )
  return [
    [
      (table[i].name, float(s))
      for i, s in zip(row, values, strict=True)
      if table[i].name != "Identity"
    ]
    for row, values in zip(draws.op, strengths, strict=True)
  ]


def assert_same_law(ours: Sequence[Sequence[Any]], theirs: Sequence[Sequence[Any]]) -> None:
  """Sequences of ops by a chi-square test, strengths of each op at each place by another."""
  _assert_alike(*([tuple(name for name, _ in row) for row in rows] for rows in (ours, theirs)))
  names = sorted({(k, name) for row in ours for k, (name, _) in enumerate(row)})
  for k, name in names:
    a, b = (
      [row[k][1] for row in rows if len(row) > k and row[k][0] == name] for rows in (ours, theirs)
    )
    if min(len(a), len(b)) > 50:
      edges = np.unique(np.quantile([*a, *b], np.linspace(0, 1, 9)))
      _assert_alike(*(np.searchsorted(edges, np.asarray(x) - 1e-5).tolist() for x in (a, b)))


def _assert_alike(ours: Sequence[Any], theirs: Sequence[Any]) -> None:
  counts = [Counter(ours), Counter(theirs)]
  common = [v for v in {*ours, *theirs} if counts[0][v] + counts[1][v] >= 20]
  table = np.asarray([[count[v] for v in common] for count in counts])
  rest = [[len(ours) - table[0].sum()], [len(theirs) - table[1].sum()]]
  if np.sum(rest) >= 20:
    table = np.hstack([table, rest])
  if table.shape[1] > 1:
    assert scipy.stats.chi2_contingency(table).pvalue > 1e-5, dict(
      zip(common, table.T, strict=False)
    )


def mixed_policy() -> Fixed:
  """Chances of 0, an op twice, branches, shuffled steps, ops that go first or last."""
  table = spaces.slack_cifar()
  slots = Slots(
    ("Rotate", "Cutout", "Invert", "Rotate"),
    ((0.4, 0.3, 0.0, 0.3), (0.1, 0.5, 0.4, 0.0)),
    ((1.0, 0.5, 1.0, 0.7), (1.0, 1.0, 0.0, 1.0)),
    ((0.0, 0.2, 0.0, 0.5), (0.0, 0.0, 0.0, 0.0)),
    ((1.0, 0.2, 1.0, 0.6), (0.5, 1.0, 1.0, 1.0)),
    levels=5,
    sigma=0.2,
  )
  branches = SubPolicies(
    (
      (Step("ShearX", 0.5, 0.3, 0.9),),
      (Step("Equalize"), Step("ShearX", 0.8)),
      (Step("Posterize"),),
    ),
    (0.5, 0.5, 0.0),
  )
  steps = Steps((Step("Invert", 0.5), Step("Solarize", 1.0, 0.0, 1.0)), shuffled=True)
  return Fixed(table, (slots, branches, steps), first=("ShearX",), last=("Cutout", "Invert"))
