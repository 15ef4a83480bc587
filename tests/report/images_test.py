import numpy as np
import pytest

from autoaug_jax import report
from tests.report.looks import assert_readable, texts


def random(*shape):
  return np.random.default_rng(0).integers(0, 256, (*shape, 6, 8, 3), np.uint8)


def shown(figure):
  """The pixels, row by row as a reader sees them."""

  def place(ax):
    x, y = ax.get_position().p0
    return -round(y, 6), x

  return [ax.images[0].get_array() for ax in sorted(figure.axes, key=place)]


def test_likely_and_unlikely_stand_beside_the_original():
  before, likely, unlikely = random(2), random(2, 3), random(2, 2)[:, ::-1]
  names = [["a 1%", "b 2%", "c 3%"], ["d", "e", "f"]]
  figure = report.extremes(
    before,
    likely,
    unlikely,
    likely_names=names,
    unlikely_names=[["g", "h"], ["i", "j"]],
    rows=["first", "second"],
  )
  found = shown(figure)
  rows = [[before[r], *likely[r], *unlikely[r]] for r in range(2)]
  np.testing.assert_allclose(found, np.concatenate(rows) / 255)
  said = {text for text, _ in texts(figure)}
  assert said == {
    *"defghij",
    *names[0],
    "first",
    "second",
    "as it is",
    "most likely",
    "least likely",
  }


def test_through_time():
  images, before = random(3, 4) / 255.0, random(4) / 255.0
  figure = report.through_time(images, ["epoch 1", "epoch 2", "epoch 9"], before=before)
  np.testing.assert_allclose(shown(figure), np.concatenate([before, *images]))
  assert [text for text, _ in texts(figure)] == ["as they are", "epoch 1", "epoch 2", "epoch 9"]


def test_suspects():
  images = random(5)
  figure = report.suspects(
    images,
    [0, 1, 0, 1, 1],
    [0.01, 0.1, 0.2, 0.25, 1.5],
    proposed=[1, 1, 0, 0, 1],
    names=["cat", "dog"],
    columns=3,
    title="Doubts",
  )
  np.testing.assert_allclose(shown(figure), images / 255)
  said = [text for text, _ in texts(figure)]
  assert "cat → dog\nweight 0.01" in said
  assert "dog\nweight 0.1" in said
  assert "dog → cat\nweight 0.25" in said
  assert_readable(figure)


def test_grey_images_and_long_captions_are_readable():
  grey = np.linspace(0, 1, 5 * 64).reshape(5, 1, 8, 8, 1)
  captions = [["RandomResizedCrop 12%"]] * 4 + [["a class with quite a long name, and more"]]
  figure = report.extremes(
    grey[:, 0], grey, grey, likely_names=captions, unlikely_names=captions, rows=list("abcde")
  )
  np.testing.assert_allclose(shown(figure)[0], grey[0, 0, ..., 0])
  assert_readable(figure)


@pytest.mark.parametrize(
  ("images", "message"),
  [
    (np.zeros((2, 3, 8, 8)), r"images takes an array of shape \[images, augmentations, height"),
    (np.zeros((1, 3, 8, 8, 4)), "images takes images of 1 or 3 channels, got 4"),
    (np.zeros((2, 3, 8, 8, 1)), "labels takes one for each of 2 rows, got 1"),
  ],
)
def test_mistakes_get_one_sentence(images, message):
  with pytest.raises(ValueError, match=message):
    report.through_time(images, ["epoch 1"])


def test_an_unknown_class_gets_one_sentence():
  with pytest.raises(ValueError, match="labels lie below the 2 classes there are, got 2"):
    report.suspects(random(1), [2], [0.5], names=["cat", "dog"])
