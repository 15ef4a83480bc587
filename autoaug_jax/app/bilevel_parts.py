"""What Online bilevel learns, and what is set by hand before it."""

from autoaug_jax.app.ground import Ground
from autoaug_jax.app.spaces import fitted, tell_left_out
from autoaug_jax.ops import Space, Warp, find, select, spaces
from autoaug_jax.policies import Fixed, Step, Steps, fixed, in_channels, join, released_color


def learned_space(learned: str, ground: Ground, *, released: bool = False) -> Space:
  """The transformations that a network learns, or none.

  Of a space of the user's own those ops that have a direction, warps first and bilinear. What lies
  outside of an image has the mean colour.
  """
  if learned == "none":
    return ()
  if ground.space is not None:
    directed = [op for op in ground.space if op.signed]
    if not directed:
      raise ValueError("a network learns ops with a direction, and this space has none")
    warps = [
      op._replace(fn=op.fn._replace(interpolation="bilinear", fill=ground.mean))
      for op in directed
      if isinstance(op.fn, Warp)
    ]
    return (*warps, *(op for op in directed if not isinstance(op.fn, Warp)))
  color = released_color() if released else spaces.bilevel_color()
  affine = spaces.bilevel_affine(fill=ground.mean)
  if learned in ("color", "affine-color"):
    # The released code's saturation and hue leave grey images as they are too.
    grey = ("Contrast", "Brightness", "AddedContrast")
    channels = ground.shape[2]
    lacking = [op.name for op in color if channels == 1 and op.name not in grey]
    tell_left_out(lacking, channels, say=ground.say)
    color = tuple(op for op in color if op.name not in lacking)
    color = fitted(color, channels, say=ground.say)
  return {
    "translation": spaces.bilevel_translation(fill=ground.mean),
    "affine": affine,
    "color": color,
    "affine-color": (*affine, *color),
  }[learned]


def set_beforehand(
  ground: Ground, *, predefined: str = "", vertical: bool = False, jitter: float = 0.0
) -> Fixed:
  """What nobody learns: crop or warp, then the flip, then the jitter."""
  mirror = spaces.FLIP_Y if vertical else spaces.FLIP_X
  flip = ground.flip
  made = join(
    *([fixed.standard(flip=0.0)] if predefined else []),
    *([_turned_and_scaled(ground.mean)] if predefined == "affine" else []),
    *([Fixed((mirror,), (Steps((Step(mirror.name, flip),)),))] if flip else []),
    *([fixed.color_jitter(reach=jitter)] if jitter else []),
  )
  made, left_out = in_channels(made, ground.shape[2])
  tell_left_out(left_out, ground.shape[2], say=ground.say)
  return made


def _turned_and_scaled(mean: tuple[float, ...]) -> Fixed:
  """Rotations of +-10 degrees, then each side times a factor of its own between 0.5 and 2."""
  table = spaces.autodo(fill=mean)
  turn = table[find(table, "Rotate")]._replace(name="SetRotate", high=10.0)
  scales = [
    op._replace(name=f"Set{op.name}", low=-0.5, high=1.0, signed=False)
    for op in select(table, ["ScaleX", "ScaleY"])
  ]
  rows = (turn, *scales)
  return Fixed(rows, (Steps(tuple(Step(op.name, low=0.0) for op in rows)),))
