"""Shows what every augmentation of a search space does to one picture.

  python -m experiments.ops_gallery --out=gallery.png
  python -m experiments.ops_gallery --out=gallery.png --image=cat.jpg --space=slack_cifar

A space is a table of augmentations; a policy draws from it an op, a magnitude between 0 and 1 and,
for ops that go both ways, a sign. The page written has a row for each op and a column for each
magnitude, so that one sees at a glance what a policy may do to your images: whether the object
survives at magnitude 1, whether colours that matter are changed, whether magnitude 0 is harmless.
Under an op's name stand the strengths that its magnitudes come to (degrees, factors, pixels ...).
Ops without a magnitude stand together at the end.
"""

import contextlib
import functools
import os
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, NamedTuple, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags, logging
from PIL import Image, ImageDraw, ImageFont, ImageOps

from autoaug_jax.ops import spaces
from autoaug_jax.ops.kinds import Plain
from autoaug_jax.ops.space import Op, Space, apply

FACTORIES: dict[str, Callable[[], Space]] = {
  factory.__name__: factory
  for factory in (
    spaces.trivial_augment_wide,
    spaces.trivial_augment_ra,
    spaces.randaugment,
    spaces.uniform_augment,
    spaces.autoaugment,
    spaces.slack_cifar,
    spaces.slack_imagenet,
    spaces.slack_domainnet,
    spaces.madao,
    spaces.autodo,
    spaces.bilevel_affine,
    spaces.bilevel_translation,
    spaces.bilevel_color,
  )
}
COLUMNS = (2, 21)
SIZES = (16, 512)
SHOWN = 84

PAPER, INK, GREY = "#fcfbf8", "#22262b", "#84888f"
KEY = 4  # a draw that shows what the crops do
MARGIN, GAP, HEAD = 32, 6, 34
TITLE, LEAD, NAME, NOTE, TICK = 26, 14, 16, 12, 13  # sizes of type


class Order(NamedTuple):
  """What to draw, checked."""

  out: pathlib.Path
  image: Image.Image
  space: str
  columns: int


def order(
  out: str, *, image: str | None = None, space: str = "", columns: int = 7, size: int = 96
) -> Order:
  """Checks what the user asked for; each mistake is a ValueError of one sentence."""
  if space not in FACTORIES:
    raise ValueError(f"--space takes one of {', '.join(FACTORIES)}; got {space!r}")
  for name, value, (low, high) in (("columns", columns, COLUMNS), ("size", size, SIZES)):
    if not low <= value <= high:
      raise ValueError(f"--{name} takes a whole number from {low} to {high}, got {value}")
  path = pathlib.Path(out)
  if path.suffix.lower() != ".png":
    raise ValueError(f"--out takes the name of a .png file, got {out!r}")
  if path.is_dir() or not path.parent.is_dir():
    kind = "is a folder" if path.is_dir() else f"lies in no folder: there is no {path.parent}"
    raise ValueError(f"--out takes the name of a .png file, but {out!r} {kind}")
  picture = sample(size) if image is None else read_image(image, size)
  return Order(path, picture, space, columns)


def read_image(path: str, size: int) -> Image.Image:
  """The middle square of an image file as RGB pixels [size, size]."""
  try:
    with Image.open(path) as image:
      upright = ImageOps.exif_transpose(image).convert("RGBA")
  except FileNotFoundError:
    raise ValueError(f"--image takes an image file, but there is no {path!r}") from None
  except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
    raise ValueError(f"--image takes an image file, but {path!r} cannot be read: {error}") from None
  white = Image.new("RGBA", upright.size, "white")
  flat = Image.alpha_composite(white, upright).convert("RGB")
  return ImageOps.fit(flat, (size, size), Image.Resampling.LANCZOS)


def sample(size: int) -> Image.Image:
  """A boat on a lake: an up and a down, a left and a right, shades, edges and pure colours."""
  image = Image.new("RGB", (384, 384))
  draw = ImageDraw.Draw(image)
  for y in range(250):
    draw.line((0, y, 383, y), fill=_between((64, 132, 214), (255, 214, 170), y / 250))
  for y in range(250, 384):
    draw.line((0, y, 383, y), fill=_between((120, 178, 190), (16, 74, 110), (y - 250) / 134))
  draw.ellipse((270, 52, 338, 120), fill=(255, 236, 120))
  draw.polygon([(0, 250), (0, 180), (96, 84), (204, 250)], fill=(96, 104, 140))
  draw.polygon([(96, 84), (62, 118), (84, 128), (98, 114), (114, 132), (127, 131)], fill="white")
  draw.polygon([(120, 250), (226, 146), (340, 250)], fill=(122, 126, 160))
  draw.polygon([(226, 146), (207, 165), (226, 172), (249, 167)], fill=(250, 250, 255))
  draw.polygon([(236, 250), (322, 200), (384, 176), (384, 250)], fill=(62, 120, 84))
  for x, y in ((282, 300), (318, 322), (196, 352), (300, 362), (30, 292), (14, 346), (238, 288)):
    draw.rounded_rectangle((x, y, x + 44, y + 4), 2, fill=(190, 224, 226))
  draw.line((146, 112, 146, 300), fill=(70, 44, 30), width=7)
  draw.polygon([(156, 122), (156, 280), (246, 280)], fill=(252, 246, 232))
  draw.polygon([(156, 188), (156, 218), (211, 218), (194, 188)], fill=(226, 60, 48))
  draw.polygon([(136, 140), (136, 280), (76, 280)], fill=(252, 190, 60))
  draw.polygon([(52, 294), (254, 294), (222, 338), (88, 338)], fill=(178, 38, 46))
  draw.polygon([(52, 294), (254, 294), (248, 304), (60, 304)], fill=(250, 250, 245))
  hazy = image.point(lambda level: 16 + level * 7 // 8)  # so that AutoContrast has work to do
  return hazy.resize((size, size), Image.Resampling.LANCZOS)


def _between(first: Sequence[int], last: Sequence[int], share: float) -> tuple[int, ...]:
  return tuple(round(a + share * (b - a)) for a, b in zip(first, last, strict=True))


def draw(wish: Order) -> Image.Image:
  """The page that was asked for, with the space's own description."""
  factory = FACTORIES[wish.space]
  note = (factory.__doc__ or "").split("\n")[0]
  return gallery(wish.image, factory(), title=wish.space, note=note, columns=wish.columns)


def gallery(
  image: Image.Image, space: Space, *, title: str, note: str, columns: int = 7
) -> Image.Image:
  """The page: ops that go both ways, ops that go one way, ops without a magnitude."""
  size = image.width * _zoom(image)
  step = size + GAP
  plain = [op for op in space if isinstance(op.fn, Plain)]
  signed = [op for op in space if op.signed and op not in plain]
  rising = [op for op in space if not op.signed and op not in plain]
  left = MARGIN + max(int(_font(NAME).getlength(op.name)) for op in space) + 24
  plain_rows = -(-len(plain) // columns)
  height = 96 + sum(HEAD + step * len(ops) for ops in (signed, rising) if ops)
  height += plain_rows * (step + 24) + HEAD // 2 * bool(plain) + MARGIN - GAP
  head = max(_font(TITLE).getlength(title), _font(LEAD).getlength(note))
  width = max(left + columns * step - GAP, MARGIN + int(head)) + MARGIN
  page = Image.new("RGB", (width, height), PAPER)
  _write(page, (MARGIN, 26), title, TITLE)
  _write(page, (MARGIN, 64), note, LEAD, GREY)
  top = 96
  for ops, low in ((signed, -1.0), (rising, 0.0)):
    if ops:
      _section(page, (left, top), image, ops, np.linspace(low, 1.0, columns))
      top += HEAD + step * len(ops)
  for i, op in enumerate(plain):
    row, column = divmod(i, columns)
    x, y = left + column * step, top + HEAD // 2 + row * (step + 24)
    page.paste(render(op, image, np.zeros(1))[0], (x, y))
    _write(page, (x + size // 2, y + size + 13), op.name, TICK, anchor="mm")
  if plain:
    _write(page, (MARGIN, top + HEAD // 2 + size // 2), "no magnitude", TICK, GREY, anchor="lm")
  return page


def _section(
  page: Image.Image,
  corner: tuple[int, int],
  image: Image.Image,
  ops: Sequence[Op],
  magnitudes: np.ndarray,
) -> None:
  """A header of magnitudes and a row for each op; `corner` is where the pictures' header starts."""
  (left, top), size = corner, image.width * _zoom(image)
  _write(page, (MARGIN, top + HEAD // 2), "magnitude", TICK, GREY, anchor="lm")
  for i, magnitude in enumerate(magnitudes):
    middle = left + i * (size + GAP) + size // 2
    _write(page, (middle, top + HEAD // 2), f"{round(magnitude, 2):g}", TICK, GREY, anchor="mm")
  for row, op in enumerate(ops):
    y = top + HEAD + row * (size + GAP)
    reach = f"{-op.high if op.signed else op.low:g} to {op.high:g}"
    _write(page, (MARGIN, y + size // 2 - 9), op.name, NAME, anchor="lm")
    _write(page, (MARGIN, y + size // 2 + 11), reach, NOTE, GREY, anchor="lm")
    for i, tile in enumerate(render(op, image, magnitudes)):
      page.paste(tile, (left + i * (size + GAP), y))


def render(op: Op, image: Image.Image, magnitudes: np.ndarray) -> list[Image.Image]:
  """`op` at each magnitude, its sign taken as the op's; what the op draws of its own stays."""
  key = jax.random.key(KEY)
  pixels = jnp.asarray(np.asarray(image))
  one = jax.vmap(lambda magnitude, sign: apply(key, op, pixels, magnitude, sign=sign))
  signs = np.where(magnitudes < 0, -1.0, 1.0)
  tiles = jax.jit(one)(np.abs(magnitudes).astype(np.float32), signs.astype(np.float32))
  zoom = _zoom(image)
  return [Image.fromarray(tile.repeat(zoom, 0).repeat(zoom, 1)) for tile in np.asarray(tiles)]


def _zoom(image: Image.Image) -> int:
  """How often each pixel of a small picture is repeated, so that names fit below it."""
  return -(-SHOWN // image.width)


def _write(
  page: Image.Image,
  place: tuple[int, int],
  text: str,
  size: int,
  colour: str = INK,
  *,
  anchor: str = "la",
) -> None:
  ImageDraw.Draw(page).text(place, text, fill=colour, font=_font(size), anchor=anchor)


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
  return ImageFont.load_default(size)


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[BinaryIO]:
  """A file that takes its place at `path` when all of it is written, and never in part."""
  draft = path.with_name(f".{path.name}.{os.getpid()}")
  try:
    with draft.open("xb") as file:
      yield file
    os.replace(draft, path)
  finally:
    draft.unlink(missing_ok=True)


def define_flags() -> None:
  flags.DEFINE_string("out", "gallery.png", "The PNG to write; an older one is replaced.")
  flags.DEFINE_string(
    "image", None, "Your picture (PNG, JPEG ...), of which the middle square is shown; else a boat."
  )
  flags.DEFINE_string(
    "space", "trivial_augment_wide", f"Whose augmentations: {', '.join(FACTORIES)}."
  )
  flags.DEFINE_integer("columns", 7, f"How many magnitudes, {COLUMNS[0]} to {COLUMNS[1]}.")
  flags.DEFINE_integer(
    "size", 96, f"Pixels to a side of the picture that ops see, {SIZES[0]} to {SIZES[1]}."
  )


def parse(args: Sequence[str]) -> list[str]:
  try:
    return list(flags.FLAGS(tuple(args)))
  except flags.Error as error:
    fail(str(error))


def fail(sentence: str) -> NoReturn:
  print(sentence, file=sys.stderr)
  raise SystemExit(2)


def main(args: Sequence[str]) -> None:
  logging.set_verbosity(logging.WARNING)  # JAX reports each backend that it does not find
  given = flags.FLAGS
  if len(args) > 1:
    fail(f"{args[1]!r} is not a flag; a picture is given as --image={args[1]}")
  try:
    wish = order(
      given.out, image=given.image, space=given.space, columns=given.columns, size=given.size
    )
  except ValueError as error:
    fail(str(error))
  try:
    with replacing(wish.out) as file:
      page = draw(wish)
      page.save(file, format="PNG", optimize=True)
  except OSError as error:
    fail(f"--out={wish.out} cannot be written: {error.strerror or error}")
  print(f"{wish.out}: {page.width} x {page.height} pixels")


if __name__ == "__main__":
  define_flags()
  app.run(main, flags_parser=parse)
