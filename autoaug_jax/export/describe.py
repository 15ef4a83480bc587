"""A policy as text that people can read."""

import math
import textwrap
from collections.abc import Iterable

from autoaug_jax.export.plain_data import drawable
from autoaug_jax.export.rows import row_to_json
from autoaug_jax.export.runtimes.values import VALUES
from autoaug_jax.export.spec import PolicySpec
from autoaug_jax.ops import Erase, Op, Plain, Space, Warp, find
from autoaug_jax.policies import Gaussian, Network, Slots, Stage, Step, Steps, SubPolicies

Row = tuple[str, ...]


def describe(spec: PolicySpec) -> str:
  """The stages as tables: ops, chances, strengths in the ops' own units; then order, sign, fill."""
  policy = spec.policy
  parts = [_title(spec)]
  if not policy.stages:
    parts.append("Images stay as they are.")
  for number, stage in enumerate(policy.stages, start=1):
    parts.append(f"Stage {number}: {_stage(stage, policy.space)}")
  lines = _conventions(policy.space, {name for stage in policy.stages for name in drawable(stage)})
  if policy.first:
    lines.append(f"Before all else, the first of them drawn only: {', '.join(policy.first)}.")
  if policy.last:
    lines.append(f"After all else, the last of them drawn only: {', '.join(policy.last)}.")
  wrapped = [textwrap.fill(line, 98, subsequent_indent="  ") for line in lines]
  return "\n\n".join([*parts, "\n".join(wrapped)] if lines else parts)


def _title(spec: PolicySpec) -> str:
  """Where the policy comes from, in one line."""
  method, data, date, library = spec.provenance
  learned = f" by {method}" if method else ""
  on = f" on {data}" if data else ""
  written = ", ".join(word for word in (date, library and f"autoaug_jax {library}") if word)
  size = "" if spec.image_size is None else ", for images of {} x {}".format(*spec.image_size)
  return f"A policy{learned}{on}{f' ({written})' if written else ''}{size}."


def _strengths(op: Op, low: float, high: float) -> str:
  """What magnitudes low..high are in the op's own units."""
  row = row_to_json(op)
  if isinstance(op.fn, Plain) or row["op"] in ("flip_x", "flip_y"):
    return ""
  weak, strong = (op.low + m * (op.high - op.low) for m in (low, high))
  rule = row.get("value", "strength")
  share, unit = _UNITS.get(row["op"], (1.0, ""))
  if op.signed:
    middle = "1 " if rule == "one_plus" else ""
    text = f"{middle}± {_range(share * weak, share * strong)}"
  else:
    ends = [share * float(VALUES[rule](value)) for value in (weak, strong)]
    whole = row["op"] == "posterize"
    text = _range(*(math.floor(end + 0.5) if whole else end for end in ends))
  return f"{text}{unit}"


def _stage(stage: Stage, space: Space) -> str:
  if isinstance(stage, Slots):
    return _slots(stage, space)
  if isinstance(stage, Steps):
    how = "all of these, in a random order" if stage.shuffled else "these, one after the other"
    return f"{how}.\n{_table(_STEP, (_step(step, space) for step in stage.steps))}"
  if isinstance(stage, SubPolicies):
    return _sub_policies(stage, space)
  if isinstance(stage, Gaussian):
    return _gaussian(stage, space)
  return _network(stage, space)


def _slots(stage: Slots, space: Space) -> str:
  """One table where all slots are alike, else one a slot."""
  notes = [f"on {stage.levels} levels"] if stage.levels else []
  notes += [f"with noise of {stage.sigma:g} of the op's whole range"] if stage.sigma else []
  if stage.low != stage.high:
    notes.insert(0, "its strength uniform")
  head = ", ".join(["one op", *notes])
  slots = list(zip(stage.probability, stage.keep, stage.low, stage.high, strict=True))
  tables = []
  for columns in dict.fromkeys(slots):
    rows = []
    for name, chance, keep, low, high in zip(stage.ops, *columns, strict=True):
      if chance > 0:
        op = space[find(space, name)]
        rows.append((name, _percent(chance), _percent(keep), _strengths(op, low, high)))
    tables.append(_table(("op", "chosen", "then applied", "strength"), rows))
  if len(tables) == 1:
    times = "once" if len(slots) == 1 else f"{len(slots)} times"
    return f"{times} {head}.\n{tables[0]}"
  shown = [
    f"slot {i + 1}\n{tables[list(dict.fromkeys(slots)).index(s)]}" for i, s in enumerate(slots)
  ]
  return f"in each of {len(slots)} slots {head}.\n" + "\n".join(shown)


def _sub_policies(stage: SubPolicies, space: Space) -> str:
  rows = []
  for number, (chance, branch) in enumerate(zip(stage.probability, stage.branches, strict=True), 1):
    for i, step in enumerate(branch):
      first = (str(number), _percent(chance)) if i == 0 else ("", "")
      rows.append((*first, *_step(step, space)))
  return f"one of these sequences.\n{_table(('sequence', 'chosen', *_STEP), rows)}"


def _gaussian(stage: Gaussian, space: Space) -> str:
  rows = []
  numbers = zip(stage.ops, stage.probability, stage.mean, stage.deviation, strict=True)
  for name, chance, mean, deviation in numbers:
    text = f"{mean:.3g} ± {deviation:.3g}"
    rows.append((name, _percent(chance), text, _strengths(space[find(space, name)], 0, 1)))
  order = "in a random order" if stage.shuffled else "one after the other"
  limit = f", at most {stage.limit:g} either way" if stage.limit else ""
  head = f"these, {order}, their magnitudes Gaussian, with signs{limit}"
  return f"{head}.\n{_table(('op', 'applied', 'mean ± deviation', 'magnitude 0 to 1'), rows)}"


def _network(stage: Network, space: Space) -> str:
  sizes = " -> ".join(str(n) for n in (len(stage.weights[0]), *map(len, stage.biases)))
  rows = [(name, _strengths(space[find(space, name)], 0, 1)) for name in stage.ops]
  lines = [f"ops whose magnitudes are said by a network on noise ({sizes} units)."]
  if any(isinstance(space[find(space, name)].fn, Warp) for name in stage.ops):
    how = "their differences from nothing summed" if stage.summed else "multiplied in order"
    lines.append(f"The warps are one, {how}.")
  if stage.shuffled:
    lines.append("The other ops come in a random order.")
  return "\n".join([*lines, _table(("op", "magnitude 0 to 1"), rows)])


def _step(step: Step, space: Space) -> Row:
  op = space[find(space, step.op)]
  return (step.op, _percent(step.probability), _strengths(op, step.low, step.high))


def _conventions(space: Space, names: set[str]) -> list[str]:
  """What lies outside, and where signs come from."""
  used = [op for op in space if op.name in names]
  styles: dict[str, list[str]] = {}
  for op in used:
    if isinstance(op.fn, Warp):
      styles.setdefault(f"{op.fn.interpolation} sampling, outside {_fill(op.fn.fill)}", []).append(
        op.name
      )
    elif isinstance(op.fn, Erase):
      styles.setdefault(f"painted in {_fill(op.fn.fill)}", []).append(op.name)
  lines = [f"{', '.join(names)}: {style}." for style, names in styles.items()]
  if any(op.signed for op in used):
    lines.append("± is drawn with equal chances, where magnitudes have no sign of their own.")
  return lines


def _fill(fill: object) -> str:
  if isinstance(fill, str):
    return {"edge": "the edge is continued", "reflect": "it is mirrored"}[fill]
  values = fill if isinstance(fill, tuple) else (fill,)
  return f"the colour {', '.join(f'{value:g}' for value in values)}"


def _range(low: float, high: float) -> str:
  first, last = f"{low:.4g}", f"{high:.4g}"
  return first if first == last else f"{first} to {last}"


def _percent(share: float) -> str:
  return f"{100 * share:.3g}%"


def _table(head: Row, rows: Iterable[Row]) -> str:
  """Columns of equal width, the first to the left."""
  lines = [head, *rows]
  widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
  padded = ("  ".join(w.ljust(n) for w, n in zip(line, widths, strict=True)) for line in lines)
  return "\n".join(f"  {line}".rstrip() for line in padded)


_STEP = ("op", "applied", "strength")
_FACTOR = (1.0, " (factor)")
_UNITS = {  # op -> what its value is multiplied by, and the unit
  "rotate_about_middle": (1.0, " degrees"),
  "translate_x_by_share": (100.0, "% of the width"),
  "translate_y_by_share": (100.0, "% of the height"),
  "translate_x_by_pixels": (1.0, " pixels"),
  "translate_y_by_pixels": (1.0, " pixels"),
  "shear_x_about_corner": (1.0, " (shear)"),
  "shear_y_about_corner": (1.0, " (shear)"),
  "scale_x_about_middle": _FACTOR,
  "scale_y_about_middle": _FACTOR,
  "random_crop_by_share": (100.0, "% of the width as padding"),
  "cutout_clipped": (100.0, "% of the width as side"),
  "cutout_shifted": (100.0, "% of the width as side"),
  "cutout_inclusive": (100.0, "% of the width as side"),
  "brightness": _FACTOR,
  "color": _FACTOR,
  "contrast": _FACTOR,
  "sharpness": _FACTOR,
  "hsv_saturation": _FACTOR,
  "scaled_hue": _FACTOR,
  "added_contrast": (255.0, " levels added"),
  "added_below_middle": (1.0, " levels added below 128"),
  "hue": (360.0, " degrees of hue"),
  "posterize": (1.0, " of 8 bits"),
  "solarize": (1.0, " (inverted from that level on)"),
  "resized_crop_of_area": (100.0, "% of the area"),
  "resized_crop_from_area_bicubic": (100.0, "% of the area, up to all of it"),
  "resized_crop_from_area_bilinear": (100.0, "% of the area, up to all of it"),
}
