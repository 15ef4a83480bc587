import builtins
import struct

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from autoaug_jax import report


def chart():
  return report.accuracy_chart(["a"], [1.0], [0.1])


@pytest.mark.parametrize(
  ("name", "start"), [("a.png", b"\x89PNG"), ("a.PDF", b"%PDF"), ("a.svg", b"<?xml")]
)
def test_a_picture_is_written_in_its_format(tmp_path, name, start):
  report.save(chart(), tmp_path / "new" / name)
  assert (tmp_path / "new" / name).read_bytes().startswith(start)


def test_a_png_has_200_dots_an_inch(tmp_path):
  figure = chart()
  report.save(figure, tmp_path / "a.png")
  size = struct.unpack(">II", (tmp_path / "a.png").read_bytes()[16:24])
  assert size == tuple(int(200 * inches) for inches in figure.get_size_inches())


def test_a_picture_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
  def fail(self, file, **options):
    file.write(b"half")
    raise OSError("no")

  (tmp_path / "a.png").write_bytes(b"old")
  monkeypatch.setattr(Figure, "savefig", fail)
  with pytest.raises(OSError, match="no"):
    report.save(chart(), tmp_path / "a.png")
  assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_other_formats_get_one_sentence(tmp_path):
  with pytest.raises(ValueError, match=r"written as .png, .pdf, .svg, not as 'a.bmp'"):
    report.save(chart(), "a.bmp")


def test_the_users_own_style_neither_shows_nor_goes():
  with mpl.rc_context({"axes.facecolor": "black", "font.size": 40}):
    figure = chart()
    assert mpl.rcParams["font.size"] == 40
  assert mpl.colors.to_hex(figure.axes[0].get_facecolor()) == "#ffffff"


def test_without_matplotlib_one_sentence(monkeypatch):
  real = builtins.__import__

  def fake(name, *args, **kwargs):
    if name.split(".")[0] == "matplotlib":
      raise ImportError(name)
    return real(name, *args, **kwargs)

  monkeypatch.setattr(builtins, "__import__", fake)
  with pytest.raises(ImportError, match=r"pip install 'autoaug_jax\[report\]'"):
    chart()


def test_names_are_never_read_as_mathematics(tmp_path):
  report.save(
    report.accuracy_chart(["$x_{$", "cost $5"], [1.0, 2.0], [0.1, 0.1]), tmp_path / "a.png"
  )
