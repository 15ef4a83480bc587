"""Image files become squares by the rule that Pillow's own calls spell out."""

import io

import numpy as np
import pytest
from PIL import Image

from autoaug_jax.data.images import check, decode, fit


def test_pixels_are_pillows(encoded, pixels):
  np.testing.assert_array_equal(decode(encoded(1, 5, 7)), pixels(1, 5, 7))


@pytest.mark.parametrize(("height", "width"), [(40, 23), (23, 40), (9, 11), (16, 16), (16, 33)])
def test_shorter_side_then_central_square(encoded, pixels, height, width):
  size = 16
  scale = size / min(height, width)
  high, wide = int(height * scale + 1e-9), int(width * scale + 1e-9)
  image = Image.fromarray(pixels(2, height, width)).resize((wide, high), Image.Resampling.BICUBIC)
  top, left = (high - size) // 2, (wide - size) // 2
  expected = np.asarray(image)[top : top + size, left : left + size]
  np.testing.assert_array_equal(decode(encoded(2, height, width), size=size), expected)
  np.testing.assert_array_equal(fit(pixels(2, height, width), size=size), expected)


@pytest.mark.parametrize(("height", "width"), [(40, 23), (16, 16), (9, 11)])
def test_stretched_images_lose_nothing(encoded, pixels, height, width):
  image = Image.fromarray(pixels(2, height, width)).resize((16, 16), Image.Resampling.BICUBIC)
  expected = np.asarray(image)
  found = decode(encoded(2, height, width), size=16, stretch=True)
  np.testing.assert_array_equal(found, expected)
  np.testing.assert_array_equal(fit(pixels(2, height, width), size=16, stretch=True), expected)


def test_every_8_bit_mode_becomes_rgb_or_grey(pixels):
  for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK"):
    file = io.BytesIO()
    Image.fromarray(pixels(3)).convert(mode).save(file, "TIFF")
    stored = Image.open(io.BytesIO(file.getvalue()))
    np.testing.assert_array_equal(decode(file.getvalue()), np.asarray(stored.convert("RGB")))
    grey = decode(file.getvalue(), channels=1)
    np.testing.assert_array_equal(grey[..., 0], np.asarray(stored.convert("L")))


def test_a_turned_photograph_is_read_upright(pixels):
  exif = Image.Exif()
  exif[0x0112] = 6  # to be turned by 90 degrees clockwise
  file = io.BytesIO()
  Image.fromarray(pixels(4, 6, 10)).save(file, "PNG", exif=exif)
  np.testing.assert_array_equal(decode(file.getvalue()), np.rot90(pixels(4, 6, 10), -1))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_a_truncated_file_is_found_out(encoded, form):
  whole = encoded(5, 64, 64, form)
  check(whole)
  for read in (check, decode):
    with pytest.raises(ValueError, match=r"truncated|cannot be decoded|not an image"):
      read(whole[: len(whole) * 2 // 3])


def test_what_is_no_image_is_a_sentence(pixels):
  deep = io.BytesIO()
  Image.fromarray(np.zeros((4, 4), np.uint16)).save(deep, "PNG")
  for read in (check, decode):
    with pytest.raises(ValueError, match="is not an image that Pillow can read"):
      read(b"<html>not found</html>")
    with pytest.raises(ValueError, match=r"is empty \(0 bytes\)"):
      read(b"")
    with pytest.raises(ValueError, match="only 8-bit images are read"):
      read(deep.getvalue())
