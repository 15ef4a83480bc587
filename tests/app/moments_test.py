import jax
import numpy as np

from autoaug_jax.app.moments import at_moments
from autoaug_jax.ops import select, spaces
from autoaug_jax.policies import Form, network, network_as_fixed

SPACE = select(spaces.autodo(fill=0.0), ["TranslateX"]) + select(
  spaces.bilevel_color(), ["Brightness"]
)


def stage():
  form = Form(summed=False)
  return network_as_fixed(network(SPACE).init(jax.random.key(0)), SPACE, form=form).stages[0]


def test_images_are_moved_and_darkened_as_the_trajectory_says():
  images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1), np.uint8)
  pixel = 1 / 8 / 0.45  # of the range of TranslateX
  still, left = [0.0, 0.0], [pixel, -0.5]
  told = {
    "move": np.array([0, 7]),
    "drawn": np.array([[still, still, still], [still, left, still]]),
  }
  rows, moments = at_moments(SPACE, stage(), told, images)
  assert moments == ["move 0", "move 7"]
  first = images / 255
  np.testing.assert_allclose(rows[0], first, atol=1e-6)
  np.testing.assert_allclose(rows[1, 0], first[0], atol=1e-6)
  # One pixel to the left and half as bright; the new column is black.
  np.testing.assert_allclose(rows[1, 1][:, :-1], first[1][:, 1:] / 2, atol=1e-5)
  np.testing.assert_allclose(rows[1, 1][:, -1], 0, atol=1e-5)


def test_a_long_search_is_shown_at_five_moments():
  told = {"move": np.arange(0, 900, 100), "drawn": np.zeros((9, 4, 2))}
  rows, moments = at_moments(SPACE, stage(), told, np.zeros((3, 8, 8, 1), np.uint8))
  assert moments == [f"move {move}" for move in (0, 200, 400, 600, 800)]
  assert rows.shape == (5, 3, 8, 8, 1)
