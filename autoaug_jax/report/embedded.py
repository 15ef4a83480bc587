"""Pictures inside a page."""

import base64
import struct
from typing import TYPE_CHECKING

from autoaug_jax.report.html import Html, element
from autoaug_jax.report.style import drawn

if TYPE_CHECKING:
  from matplotlib.figure import Figure

PNG = b"\x89PNG\r\n\x1a\n"
DOTS = 96  # of CSS an inch
METRES_AN_INCH = 0.0254


def picture(name: str, image: "Figure | bytes", *, caption: str, alt: str) -> Html:
  """A figure, as SVG, or a PNG file's bytes, with its caption; it goes sideways in its own box."""
  width, height, kind, content = _content(name, image)
  source = f"data:{kind};base64,{base64.b64encode(content).decode()}"
  shown = element("img", src=source, alt=alt, width=width, height=height, style=f"--w:{width}px")
  box = element("div", shown, class_="sheet", tabindex=0, role="group", aria_label=caption)
  return element("figure", box, element("figcaption", caption), id=f"picture-{name}")


def _content(name: str, image: "Figure | bytes") -> tuple[int, int, str, bytes]:
  if not isinstance(image, bytes):
    wide, high = image.get_size_inches()
    return round(DOTS * wide), round(DOTS * high), "image/svg+xml", drawn(image, "svg")
  if not image.startswith(PNG) or len(image) < 24:
    raise ValueError(f"a page takes figures and the bytes of PNG files, {name} is neither")
  wide, high = struct.unpack(">II", image[16:24])
  size = DOTS / _density(image)
  return round(wide * size), round(high * size), "image/png", image


def _density(png: bytes) -> float:
  """Pixels an inch, by the file's own word; without one a pixel is a pixel."""
  place = len(PNG)
  while place + 8 <= len(png):
    length, kind = struct.unpack(">I4s", png[place : place + 8])
    if kind == b"pHYs" and place + 17 <= len(png):
      across, _, unit = struct.unpack(">IIB", png[place + 8 : place + 17])
      return across * METRES_AN_INCH if unit == 1 and across else DOTS
    if kind == b"IDAT":
      break
    place += 12 + length
  return DOTS
