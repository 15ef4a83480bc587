"""What is left of a space for images of other than three channels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.ops import Draws, augment_uint8, fitting, op, spaces

RGB = {"Color", "Contrast", "Hue", "Grayscale"}


@pytest.mark.parametrize("name", ["slack_domainnet", "trivial_augment_wide", "madao"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_what_is_for_rgb_is_named(name, channels):
  space = getattr(spaces, name)()
  if name == "slack_domainnet":
    space = spaces.slack_domainnet(cutout_fill=0.5)
  kept, left_out = fitting(space, channels)
  names = {one.name for one in space}
  expected = {1: RGB - {"Contrast"}, 3: set()}.get(channels, RGB) & names
  assert set(left_out) == expected
  assert [one for one in space if one.name not in expected] == list(kept)
  image = np.random.default_rng(0).integers(0, 256, (2, 8, 8, channels), np.uint8)
  for index in range(len(kept)):
    draws = Draws(jnp.full((2, 1), index), jnp.full((2, 1), 0.7), jnp.ones((2, 1)))
    done = jax.eval_shape(
      lambda x, draws=draws: augment_uint8(jax.random.key(0), x, draws, space=kept), image
    )
    assert done.shape == image.shape


def test_a_users_op_may_refuse():
  def needs_four(image, strength):
    if image.shape[-1] != 4:
      raise ValueError("near infrared is the fourth channel")
    return image

  own = op("Infrared")(needs_four)
  assert fitting((own, spaces.INVERT), 4)[1] == ()
  assert fitting((own, spaces.INVERT), 5) == ((spaces.INVERT,), ("Infrared",))


def test_a_fill_of_other_channels_is_a_mistake_of_its_own():
  space, left_out = fitting(spaces.slack_cifar(), 5)
  assert "Cutout" not in left_out
  index = [one.name for one in space].index("Cutout")
  draws = Draws(jnp.full((1, 1), index), jnp.ones((1, 1)), jnp.ones((1, 1)))
  with pytest.raises(ValueError, match="fill takes 1 or 5 values"):
    augment_uint8(jax.random.key(0), jnp.zeros((1, 8, 8, 5), jnp.uint8), draws, space=space)


def test_nothing_left_is_one_sentence():
  with pytest.raises(ValueError, match="5 channels leave nothing of a space of Grayscale"):
    fitting((spaces.GRAYSCALE,), 5)
