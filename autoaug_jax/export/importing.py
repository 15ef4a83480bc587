"""Policies that people have, as policies of this library.

Each of them is a `policies.Fixed`: it saves, is described, exported and trained with as any other.
What these libraries do beside (crops, flips, normalisation) is not part of it; `policies.join` adds
`policies.fixed.standard()` or the like.
"""

import functools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from autoaug_jax.export.rows import row_from_json
from autoaug_jax.ops import Op, Space, make_space, spaces
from autoaug_jax.policies import Fixed, Step, SubPolicies, fixed, uniform_slots

Entry: TypeAlias = tuple[str, float, float]  # op, probability, level
Colour: TypeAlias = float | tuple[float, ...]
MIDDLE_GREY = 128 / 255


def from_autoaugment(
  sub_policies: Sequence[Sequence[Entry]], *, top: float = 10.0, space: Space | None = None
) -> Fixed:
  """AutoAugment's form: [[("Posterize", 0.4, 8), ("Rotate", 0.6, 9)], ...], all alike likely.

  An entry is an op, the probability with which it is applied, and a level, 0 to `top`: 10 in the
  released code and its heirs (Fast AutoAugment's lists have levels 0 to 1: top=1), 9 in
  torchvision. Level `top` is magnitude 1 of the op's row in `space`, by default
  `ops.spaces.autoaugment()` with nearest sampling and black outside: Posterize keeps 8 to 4 bits,
  Solarize inverts from 256 down, factors go from 0.1 to 1.9.
  """
  table = spaces.autoaugment() if space is None else space
  known = {op.name for op in table}
  branches = []
  for i, entries in enumerate(sub_policies):
    if not isinstance(entries, list | tuple) or not entries:
      raise ValueError(f"sub-policy {i} takes one entry or more, got {entries!r}")
    branches.append(tuple(_step(entry, known, top) for entry in entries))
  if not branches:
    raise ValueError("from_autoaugment takes at least one sub-policy, got none")
  return Fixed(table, (SubPolicies(tuple(branches), (1 / len(branches),) * len(branches)),))


def from_randaugment(
  *, n: int = 2, m: float = 9, bins: int = 31, fill: Colour = 0.0, interpolation: str = "nearest"
) -> Fixed:
  """torchvision's RandAugment: n of 14 ops with replacement, all at magnitude m / (bins - 1).

  Approximated: translations are by shares of the image where torchvision truncates to pixels.
  `policies.fixed.randaugment` has the paper's own ranges.
  """
  if n < 1 or bins < 2 or not 0 <= m <= bins - 1:
    raise ValueError(f"RandAugment takes n of at least 1 and m in 0..{bins - 1}, got {n} and {m}")
  table = _torchvision(fill, interpolation, wide=False)
  share = m / (bins - 1)
  return Fixed(table, (uniform_slots(_names(table), n, low=share, high=share),))


def from_trivial_augment(
  *, bins: int = 31, fill: Colour = 0.0, interpolation: str = "nearest"
) -> Fixed:
  """torchvision's TrivialAugmentWide: one of 14 ops, one of `bins` magnitudes.

  `policies.fixed.trivial_augment_wide` is the paper's own, which truncates rotations to degrees.
  """
  if bins < 2:
    raise ValueError(f"TrivialAugment takes at least 2 magnitudes, got {bins}")
  table = _torchvision(fill, interpolation, wide=True)
  return Fixed(table, (uniform_slots(_names(table), 1, levels=bins),))


def from_timm(text: str, *, fill: Colour = MIDDLE_GREY, interpolation: str = "bilinear") -> Fixed:
  """timm's strings: "rand-m9-n3-mstd0.5-inc1", "original-mstd0.5", "originalr".

  For `rand`: n ops with replacement (2), each applied with probability p (0.5), at level m (10) of
  10 with noise N(0, mstd), or uniform in 0..m where mstd is over 100, kept within 0..mmax (10);
  inc1 takes the ops that grow stronger with the level. For `original` (AutoAugment's ImageNet
  policy) and `originalr` (the other way round in Posterize): levels with the noise mstd.

  Approximated: timm samples bilinear or bicubic at random, here it is bilinear; what lies outside
  is `fill`, timm's own grey (its loaders put the data's mean colour there); noise on the levels of
  `original` is uniform with the same deviation instead of Gaussian.
  """
  name, *sections = text.split("-")
  given = _sections(text, sections)
  if name == "rand":
    return _rand(text, given, fill, interpolation)
  if name in ("original", "originalr"):
    return _original(text, name, given, fill, interpolation)
  raise ValueError(
    f"{text!r} begins with {name!r}; of timm's policies rand, original and originalr are known, "
    "and others can be written as a list for from_autoaugment"
  )


def _step(entry: Any, known: set[str], top: float) -> Step:
  if not isinstance(entry, list | tuple) or len(entry) != 3 or not isinstance(entry[0], str):
    raise ValueError(f"an entry is (op, probability, level), got {entry!r}")
  name, probability, level = entry
  if name not in known:
    raise ValueError(f"unknown op {name!r}; known are {', '.join(sorted(known))}")
  if not 0 <= float(probability) <= 1 or not 0 <= float(level) <= top:
    raise ValueError(f"an entry has a probability in 0..1 and a level in 0..{top:g}, got {entry!r}")
  return Step(name, float(probability), float(level) / top, float(level) / top)


def _sections(text: str, sections: Sequence[str]) -> dict[str, float]:
  """{"m": 9.0, ...}."""
  given = {}
  for section in sections:
    found = re.fullmatch(r"([a-z]+)(\d+(?:\.\d+)?|inf)", section)
    if found is None or found[1] in given:
      raise ValueError(f"{text!r} has the section {section!r}, which is no name with a number")
    given[found[1]] = float(found[2])
  return given


def _known_only(text: str, given: Mapping[str, float], names: Sequence[str]) -> None:
  for name in given:
    if name not in names:
      raise ValueError(f"{text!r} has {name!r}; known sections are {', '.join(names)}")


def _rand(text: str, given: dict[str, float], fill: Colour, interpolation: str) -> Fixed:
  _known_only(text, given, ("m", "n", "p", "mstd", "mmax", "inc"))
  increasing = given.get("inc", 0) == 1
  if given.get("inc", 1) != 1:
    raise ValueError(f"{text!r} has an inc that is not inc1, which timm reads as inc1 all the same")
  count, chance, most = int(given.get("n", 2)), given.get("p", 0.5), given.get("mmax", 10.0)
  level, noise = given.get("m", 10.0), given.get("mstd", 0.0)
  if count < 1 or count != given.get("n", 2) or chance > 1 or not 0 < most <= 30:
    raise ValueError(f"{text!r} takes a whole n over 0, p up to 1 and mmax up to 30")
  if most > 10 and increasing:
    raise ValueError(f"{text!r} has mmax over 10, where inc1 cuts factors off, which is not known")
  if level > most and noise:
    raise ValueError(f"{text!r} has m over {most:g}, from where noise seldom comes back")
  table = _timm(fill, interpolation, increasing=increasing, reach=most / 10)
  high = min(level / most, 1.0)
  low, sigma = (0.0, 0.0) if noise > 100 else (high, noise / most)
  return Fixed(
    table, (uniform_slots(_names(table), count, low=low, high=high, keep=chance, sigma=sigma),)
  )


def _original(
  text: str, name: str, given: dict[str, float], fill: Colour, interpolation: str
) -> Fixed:
  _known_only(text, given, ("mstd",))
  reach = math.sqrt(3) * given.get("mstd", 0.0) / 10  # of a uniform law of that deviation
  increasing = name == "originalr"
  posterize = "PosterizeIncreasing" if increasing else "PosterizeOriginal"
  table = _timm(fill, interpolation, increasing=False, reach=1.0)
  more = {op.name: op for op in _posterizes(1.0)}
  table = make_space([*(op for op in table if op.name != "Posterize"), more[posterize]])
  (published,) = fixed.autoaugment_imagenet(then=fixed.none()).stages
  assert isinstance(published, SubPolicies)

  def noisy(step: Step) -> Step:
    low, high = max(step.low - reach, 0.0), min(step.high + reach, 1.0)
    return Step(posterize if step.op == "Posterize" else step.op, step.probability, low, high)

  branches = tuple(tuple(map(noisy, branch)) for branch in published.branches)
  return Fixed(table, (SubPolicies(branches, published.probability),))


def _names(table: Space) -> tuple[str, ...]:
  return tuple(op.name for op in table)


def _warp(name: str, op: str, high: float, style: Mapping[str, Any], value: str = "strength") -> Op:
  row = {"name": name, "op": op, "value": value, "low": 0.0, "high": high, "signed": True}
  return row_from_json({**row, **style}, name)


def _tone(name: str, op: str, value: str, low: float, high: float, *, signed: bool = False) -> Op:
  row = {"name": name, "op": op, "value": value, "low": low, "high": high, "signed": signed}
  return row_from_json(row, name)


def _style(fill: Colour, interpolation: str) -> dict[str, Any]:
  return {"fill": list(fill) if isinstance(fill, tuple) else fill, "interpolation": interpolation}


@functools.cache
def _torchvision(fill: Colour, interpolation: str, *, wide: bool) -> Space:
  """The 14 ops of its RandAugment, or of its TrivialAugmentWide."""
  style = _style(fill, interpolation)
  shear, degrees, factor, bits = (0.99, 135.0, 0.99, 6.0) if wide else (0.3, 30.0, 0.9, 4.0)
  along, reach = ("pixels", 32.0) if wide else ("share", 150 / 331)
  value = "truncated" if wide else "strength"
  factors = ("Brightness", "Color", "Contrast", "Sharpness")
  return make_space(
    [
      spaces.IDENTITY,
      _warp("ShearX", "shear_x_about_corner", shear, style),
      _warp("ShearY", "shear_y_about_corner", shear, style),
      _warp("TranslateX", f"translate_x_by_{along}", reach, style, value),
      _warp("TranslateY", f"translate_y_by_{along}", reach, style, value),
      _warp("Rotate", "rotate_about_middle", degrees, style),
      *(_tone(name, name.lower(), "one_plus", 0.0, factor, signed=True) for name in factors),
      _tone("Posterize", "posterize", "8_minus", 0.0, bits),
      _tone("Solarize", "solarize", "255_minus", 0.0, 255.0),
      spaces.AUTOCONTRAST,
      spaces.EQUALIZE,
    ]
  )


@functools.cache
def _timm(fill: Colour, interpolation: str, *, increasing: bool, reach: float) -> Space:
  """The 15 ops of its RandAugment; magnitude 1 is level 10 `reach`."""
  style = _style(fill, interpolation)
  factors = ("Color", "Contrast", "Brightness", "Sharpness")
  if increasing:
    tones = [_tone(n, n.lower(), "one_plus", 0.0, 0.9 * reach, signed=True) for n in factors]
    solarize = _tone("Solarize", "solarize", "256_minus_truncated", 0.0, 256 * reach)
  else:
    tones = [_tone(n, n.lower(), "strength", 0.1, 0.1 + 1.8 * reach) for n in factors]
    solarize = _tone("Solarize", "solarize", "truncated", 0.0, 256 * reach)
  plain, growing, _ = _posterizes(reach)
  return make_space(
    [
      spaces.AUTOCONTRAST,
      spaces.EQUALIZE,
      spaces.INVERT,
      _warp("Rotate", "rotate_about_middle", 30 * reach, style),
      (growing if increasing else plain)._replace(name="Posterize"),
      solarize,
      _tone("SolarizeAdd", "added_below_middle", "truncated", 0.0, 110 * reach),
      *tones,
      _warp("ShearX", "shear_x_about_corner", 0.3 * reach, style),
      _warp("ShearY", "shear_y_about_corner", 0.3 * reach, style),
      _warp("TranslateX", "translate_x_by_share", 0.45 * reach, style),
      _warp("TranslateY", "translate_y_by_share", 0.45 * reach, style),
    ]
  )


def _posterizes(reach: float) -> tuple[Op, Op, Op]:
  """Bits that are kept: int(4 m), 4 - int(4 m), and 4 + int(4 m), each as `timm` calls it."""
  return (
    _tone("PosterizePlain", "posterize", "truncated", 0.0, 4 * reach),
    _tone("PosterizeIncreasing", "posterize", "8_minus_truncated", 4.0, 4 + 4 * reach),
    _tone("PosterizeOriginal", "posterize", "truncated", 4.0, 4 + 4 * reach),
  )
