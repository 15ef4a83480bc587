import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from autoaug_jax.ops import spaces
from autoaug_jax.ops.space import find, select
from experiments import ops_gallery

ROOT = pathlib.Path(__file__).parents[2]
PICTURE = str(ROOT / "tests" / "images" / "pagoda.png")


def launch(*args: str, cwd: pathlib.Path) -> subprocess.CompletedProcess[str]:
  command = [sys.executable, "-m", "experiments.ops_gallery", *args]
  environment = {"PYTHONPATH": str(ROOT), "PATH": "", "JAX_PLATFORMS": "cpu"}
  return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


def test_writes_a_page(tmp_path):
  out = tmp_path / "page.png"
  ended = launch(
    f"--out={out}", "--space=bilevel_translation", "--columns=3", "--size=16", cwd=tmp_path
  )
  assert ended.returncode == 0, ended.stderr
  assert ended.stderr == ""
  with Image.open(out) as page:
    page.load()
    assert page.format == "PNG"
    assert page.width > 3 * ops_gallery.SHOWN
  assert list(tmp_path.iterdir()) == [out]


def test_a_mistake_is_one_sentence_and_exit_code_2(tmp_path):
  ended = launch("--out=page.png", "--columns=many", cwd=tmp_path)
  assert ended.returncode == 2
  assert len(ended.stderr.splitlines()) == 1
  assert "many" in ended.stderr
  assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
  ("wrong", "said"),
  [
    ({"space": "slick"}, "slack_cifar.*'slick'"),
    ({"columns": 1}, "--columns.*got 1"),
    ({"size": 4}, "--size.*got 4"),
    ({"image": "missing.png"}, "no 'missing.png'"),
    ({"image": __file__}, "cannot be read"),
    ({"image": str(ROOT)}, "cannot be read"),
    ({"out": "nowhere/page.png"}, "no nowhere"),
    ({"out": "page.gif"}, ".png"),
  ],
)
def test_order_names_the_mistake(wrong, said):
  right = {"out": "page.png", "space": "slack_cifar"}
  with pytest.raises(ValueError, match=said):
    ops_gallery.order(**(right | wrong))


def test_a_failure_leaves_the_older_page(tmp_path):
  out = tmp_path / "page.png"
  out.write_bytes(b"older")

  def fail() -> None:
    with ops_gallery.replacing(out) as file:
      file.write(b"half")
      raise KeyboardInterrupt

  with pytest.raises(KeyboardInterrupt):
    fail()
  assert out.read_bytes() == b"older"
  assert list(tmp_path.iterdir()) == [out]


def test_render_goes_from_the_negative_sign_to_the_positive():
  space = spaces.trivial_augment_wide()
  image = Image.open(PICTURE)
  op = space[find(space, "TranslateX")]
  before, same, after = ops_gallery.render(op, image, np.array([-0.5, 0.0, 0.5]))
  small = [
    np.asarray(tile.resize(image.size, Image.Resampling.NEAREST)) for tile in (before, after)
  ]
  pixels = np.asarray(image)
  assert np.array_equal(np.asarray(same.resize(image.size, Image.Resampling.NEAREST)), pixels)
  assert np.array_equal(small[0][:, 16:], pixels[:, :-16])
  assert np.array_equal(small[1][:, :-16], pixels[:, 16:])


def test_a_gallery_has_every_kind_of_row():
  space = select(spaces.slack_cifar(), ["Rotate", "Posterize", "Invert", "Identity"])
  image = ops_gallery.read_image(PICTURE, 96)
  page = np.asarray(ops_gallery.gallery(image, space, title="some", note="four ops", columns=2))
  pixels = np.asarray(image)
  found = [
    np.array_equal(page[y : y + 96, x : x + 96], wanted)
    for wanted in (pixels, 255 - pixels)
    for y in range(page.shape[0] - 96)
    for x in range(page.shape[1] - 96)
    if np.array_equal(page[y, x : x + 96], wanted[0])
  ]
  assert sum(found) >= 3  # Identity, Posterize at 0, Invert


def test_the_sample_has_two_sides():
  image = np.asarray(ops_gallery.sample(64)).astype(int)
  assert image.shape == (64, 64, 3)
  assert np.abs(image - image[:, ::-1]).mean() > 5
  assert np.abs(image - image[::-1]).mean() > 5
