"""Rows of a space as plain JSON values: every op by a name that says what it does."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

from autoaug_jax.export.fields import Fields
from autoaug_jax.export.solarize_add import added_below_middle
from autoaug_jax.ops import (
  Erase,
  Keyed,
  Op,
  Plain,
  Space,
  Tone,
  Warp,
  autocontrast,
  brightness,
  clipped_box,
  contrast,
  equalize,
  find,
  grayscale,
  hue,
  inclusive_box,
  invert,
  kinds,
  posterize,
  random_resized_crop,
  saturation,
  sharpness,
  shifted_box,
  solarize,
  spaces,
  truncate_through,
)
from autoaug_jax.policies import added_contrast, fixed, hsv_saturation, scaled_hue

Table: TypeAlias = dict[str, Callable[..., Any]]
OWN = "own"  # the op of a row whose function is the user's own, which no file can hold


def row_to_json(op: Op) -> dict[str, Any]:
  """{"name", "op", ..., "low", "high", "signed"}, the op "own" for functions that are not ours."""
  row: dict[str, Any] = {"name": op.name}
  fn = op.fn
  if _is_own(op):
    row |= {"op": OWN}
  elif isinstance(fn, Warp):
    row |= {"op": _name(_WARPS, fn.matrix), "value": _name(_VALUES, fn.value)}
    row |= {"interpolation": fn.interpolation, "fill": _plain(fn.fill)}
  elif isinstance(fn, Erase):
    row |= {"op": _name(_BOXES, fn.box), "fill": _plain(fn.fill)}
  elif isinstance(fn, Plain):
    row |= {"op": _name(_PLAIN, fn.op)}
  elif isinstance(fn, Tone):
    row |= {"op": _name(_TONES, fn.op), "value": _name(_VALUES, fn.value)}
  elif isinstance(fn, Keyed):
    row |= {"op": _name(_KEYED, fn.op), "value": _name(_VALUES, fn.value)}
  return row | {"low": float(op.low), "high": float(op.high), "signed": bool(op.signed)}


def _is_own(op: Op) -> bool:
  """Whether a row's function, or what it makes of a strength, is none of this library's."""
  fn = op.fn
  known: list[tuple[Table, Any]]
  if isinstance(fn, Warp):
    known = [(_WARPS, fn.matrix), (_VALUES, fn.value)]
  elif isinstance(fn, Erase):
    known = [(_BOXES, fn.box)]
  elif isinstance(fn, Plain):
    known = [(_PLAIN, fn.op)]
  elif isinstance(fn, Tone):
    known = [(_TONES, fn.op), (_VALUES, fn.value)]
  elif isinstance(fn, Keyed):
    known = [(_KEYED, fn.op), (_VALUES, fn.value)]
  else:
    return True
  return any(function not in table.values() for table, function in known)


def row_from_json(value: Any, where: str, *, own: Sequence[Op] = ()) -> Op:
  """The op that `row_to_json` wrote; `where` is how errors call the row.

  The user's own functions are those of the rows of the same names in `own`.
  """
  row = Fields(value, where)
  name, what = row.text("name"), row.text("op")
  if what == OWN:
    fn: Any = _own(name, where, own)
  elif what in _WARPS:
    interpolation = row.one_of("interpolation", ("nearest", "bilinear"))
    fn = Warp(_WARPS[what], interpolation, _fill(row), _value(row))
  elif what in _BOXES:
    fn = Erase(_BOXES[what], _fill(row))
  elif what in _PLAIN:
    fn = Plain(_PLAIN[what])
  elif what in _TONES:
    fn = Tone(_TONES[what], _value(row))
  elif what in _KEYED:
    fn = Keyed(_KEYED[what], _value(row))
  else:
    known = ", ".join(sorted({*_WARPS, *_BOXES, *_PLAIN, *_TONES, *_KEYED}))
    raise ValueError(f"{where} has the unknown op {what!r}; known are {known}")
  op = Op(name, fn, row.number("low"), row.number("high"), row.truth("signed"))
  row.done()
  return op


def kind_of(op: Op) -> str:
  """How an op of this library runs: "warp", "box", "tone" (by a value), "crop" or "plain"."""
  if _is_own(op):
    raise ValueError(f"{op.name} is an op of its author's own, which no other library has")
  kinds_of = {Warp: "warp", Erase: "box", Tone: "tone", Keyed: "crop", Plain: "plain"}
  return kinds_of[type(op.fn)]


def _own(name: str, where: str, own: Sequence[Op]) -> Any:
  for op in own:
    if op.name == name:
      return op.fn
  given = ", ".join(op.name for op in own) or "none"
  raise ValueError(
    f"{where} is {name!r}, an op of its author's own, whose function no file can hold: hand over "
    f"its row as own=[...], which has {given}"
  )


def _name(table: Table, function: Any) -> str:
  return next(name for name, known in table.items() if known == function)


def _value(row: Fields) -> Any:
  return _VALUES[row.one_of("value", tuple(_VALUES))]


def _fill(row: Fields) -> Any:
  """A colour in [0, 1], one number or one a channel, or "edge" or "reflect"."""
  fill = row.any("fill")
  if isinstance(fill, list):
    return tuple(row.numbers("fill"))
  return row.one_of("fill", ("edge", "reflect")) if isinstance(fill, str) else row.number("fill")


def _plain(fill: Any) -> Any:
  return [float(f) for f in fill] if isinstance(fill, tuple) else fill


def _row(space: Space, name: str) -> Any:
  return cast(Any, space[find(space, name)].fn)


_SLACK, _WIDE, _DODO = spaces.slack_domainnet(), spaces.trivial_augment_wide(), spaces.autodo()
_WARPS: Table = {
  "shear_x_about_corner": _row(_SLACK, "ShearX").matrix,
  "shear_y_about_corner": _row(_SLACK, "ShearY").matrix,
  "translate_x_by_share": _row(_SLACK, "TranslateX").matrix,
  "translate_y_by_share": _row(_SLACK, "TranslateY").matrix,
  "translate_x_by_pixels": _row(_WIDE, "TranslateX").matrix,
  "translate_y_by_pixels": _row(_WIDE, "TranslateY").matrix,
  "rotate_about_middle": _row(_SLACK, "Rotate").matrix,
  "scale_x_about_middle": _row(_DODO, "ScaleX").matrix,
  "scale_y_about_middle": _row(_DODO, "ScaleY").matrix,
  "flip_x": cast(Any, spaces.FLIP_X.fn).matrix,
  "flip_y": cast(Any, spaces.FLIP_Y.fn).matrix,
  "random_crop_by_share": _row(_SLACK, "RandomCrop").matrix,
  **{
    f"{op.name.replace('Affine', 'affine_').lower()}": cast(Any, op.fn).matrix
    for op in spaces.bilevel_affine()
  },
}
_BOXES: Table = {
  "cutout_clipped": clipped_box,
  "cutout_shifted": shifted_box,
  "cutout_inclusive": inclusive_box,
}
_PLAIN: Table = {
  "identity": kinds.identity,
  "autocontrast": autocontrast,
  "equalize": equalize,
  "invert": invert,
  "grayscale": grayscale,
}
_TONES: Table = {
  "brightness": brightness,
  "color": saturation,
  "contrast": contrast,
  "sharpness": sharpness,
  "hue": hue,
  "posterize": posterize,
  "solarize": solarize,
  "added_below_middle": added_below_middle,
  "added_contrast": added_contrast,
  "hsv_saturation": hsv_saturation,
  "scaled_hue": scaled_hue,
}
_KEYED: Table = {
  "resized_crop_of_area": random_resized_crop,
  "resized_crop_from_area_bicubic": fixed.bicubic_crop_from,
  "resized_crop_from_area_bilinear": fixed.bilinear_crop_from,
}
# What an op is given, as a function of its strength.
_VALUES: Table = {
  "strength": kinds.itself,
  "truncated": truncate_through,
  "one_plus": kinds.one_plus,
  "one_minus": kinds.one_minus,
  "255_minus": kinds.below_white,
  "256_minus": kinds.above_white,
  "256_minus_truncated": kinds.above_white_truncated,
  "8_minus": kinds.bits_left,
  "8_minus_truncated": kinds.bits_left_truncated,
}
