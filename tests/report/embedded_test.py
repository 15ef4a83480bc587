import base64
import io
import xml.etree.ElementTree as xml

import numpy as np
import pytest
from PIL import Image

from autoaug_jax import report
from autoaug_jax.report.embedded import picture
from tests.report.pages import find


def content(text):
  (image,) = find(text, "img")
  kind, _, code = image.attributes["src"].partition(";base64,")
  return kind, base64.b64decode(code), image.attributes


def test_a_figure_is_inside_as_svg_of_its_size():
  figure = report.accuracy_chart(["a", "b"], [1.0, 2.0], [0.1, 0.1])
  made = picture("x", figure, caption="What <it> is.", alt="dots & lines").text
  kind, svg, told = content(made)
  assert kind == "data:image/svg+xml"
  root = xml.fromstring(svg)
  points = [float(root.attrib[side].removesuffix("pt")) for side in ("width", "height")]
  np.testing.assert_allclose(points, 72 * figure.get_size_inches())
  pixels = [int(told[side]) for side in ("width", "height")]
  np.testing.assert_allclose(pixels, 96 * figure.get_size_inches(), atol=0.5)
  assert b"<text" not in svg  # no font is needed
  assert told["alt"] == "dots & lines"
  assert [c.text for c in find(made, "figcaption")] == ["What <it> is."]


def test_the_same_figure_is_the_same_svg():
  made = {
    picture("x", report.policy_pie(["a", "b"], [0.5, 0.5]), caption="", alt="").text
    for _ in range(2)
  }
  assert len(made) == 1


def test_a_png_goes_in_byte_by_byte():
  file = io.BytesIO()
  Image.new("RGB", (7, 5)).save(file, "png")
  kind, png, told = content(picture("x", file.getvalue(), caption="", alt="").text)
  assert (kind, png) == ("data:image/png", file.getvalue())
  assert (told["width"], told["height"]) == ("7", "5")


def test_a_png_of_ours_has_the_size_of_its_figure(tmp_path):
  figure = report.accuracy_chart(["a", "b"], [1.0, 2.0], [0.1, 0.1])
  report.save(figure, tmp_path / "a.png")
  png = (tmp_path / "a.png").read_bytes()
  told = content(picture("x", png, caption="", alt="").text)[2]
  pixels = [int(told[side]) for side in ("width", "height")]
  np.testing.assert_allclose(pixels, 96 * figure.get_size_inches(), atol=1)


@pytest.mark.parametrize(
  "image", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n"], ids=["none", "gif", "cut"]
)
def test_other_bytes_get_one_sentence(image):
  with pytest.raises(ValueError, match="the bytes of PNG files, likely is neither"):
    picture("likely", image, caption="", alt="")
