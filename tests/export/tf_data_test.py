"""Files for tf.data, replayed; `pytest -m parity` where TensorFlow is."""

import warnings

import numpy as np
import pytest

from autoaug_jax import export
from autoaug_jax.ops import spaces
from autoaug_jax.policies import Fixed, Step, Steps, fixed
from tests.export import replay
from tests.export.runtimes_test import only
from tests.ops import cases

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def tf():
  with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    return pytest.importorskip("tensorflow")


def known(op):
  try:
    export.to_source(only(Step(op.name), space=(op,)), "tf.data")
  except ValueError:
    return False
  return True


def test_the_same_draw_has_the_same_pixels(tf):
  ops = [op for op in replay.all_ops() if known(op)]
  assert len(ops) > 25
  spec = export.PolicySpec(Fixed(tuple(ops), (Steps(tuple(Step(op.name) for op in ops)),)))
  made = replay.loaded(spec, "tf.data")

  def run(name, magnitude, sign, places, image):
    number = tf.constant([made["NAMES"].index(name)])
    strengths = made["strengths_of"](number, tf.constant([magnitude]), tf.constant([sign]))
    places = tf.constant([places or [0.0, 0.0]])
    return made["apply"](tf.constant(image), number, strengths, places).numpy()

  names = {op.name for op in ops}
  replay.assert_parity(run, without=[op.name for op in replay.all_ops() if op.name not in names])


def test_draws_follow_our_law(tf):
  policy = replay.mixed_policy()
  made = replay.loaded(export.PolicySpec(policy), "tf.data")
  seeds = tf.data.Dataset.range(4000).map(lambda i: made["draw"](tf.stack([i, i + 7]))[:2])
  theirs = [
    [
      (made["NAMES"][op], float(s))
      for op, s in zip(ops, strengths, strict=True)
      if made["NAMES"][op] != "Identity"
    ]
    for ops, strengths in seeds.as_numpy_iterator()
  ]
  plain = {op.name for op in policy.space if op.name in ("Invert", "Equalize", "AutoContrast")}
  theirs = [[(n, 0.0 if n in plain else s) for n, s in row] for row in theirs]
  replay.assert_same_law(replay.drawn(policy, 4000), theirs)


def test_it_maps_a_dataset(tf):
  augment = export.to_tf_data(export.PolicySpec(fixed.autoaugment_cifar()))
  images = cases.images((24, 32))
  outs = []
  for _ in range(2):
    tf.random.set_seed(3)
    dataset = tf.data.Dataset.from_tensor_slices((images, np.arange(len(images))))
    outs.append(list(dataset.map(augment).as_numpy_iterator()))
  for i, ((one, label), (other, _)) in enumerate(zip(*outs, strict=True)):
    assert (label, one.shape, one.dtype) == (i, images[i].shape, np.uint8)
    np.testing.assert_array_equal(one, other)
  assert any((one != image).any() for (one, _), image in zip(outs[0], images, strict=True))
  alone = tf.data.Dataset.from_tensor_slices(images).map(export.to_tf_data(only(Step("Invert"))))
  np.testing.assert_array_equal(list(alone.as_numpy_iterator()), 255 - images)


def test_images_of_any_size_are_taken(tf):
  """Shapes that the graph does not know."""
  augment = export.to_tf_data(only(*(Step(n) for n in ("Invert", "Sharpness", "Cutout", "Rotate"))))
  image = cases.images((24, 32))[0]
  kind = tf.TensorSpec([None, None, 3], tf.uint8)
  dataset = tf.data.Dataset.from_generator(lambda: [image, image[:20]], output_signature=kind)
  assert [out.shape for out in dataset.map(augment).as_numpy_iterator()] == [
    (24, 32, 3),
    (20, 32, 3),
  ]


def test_other_images_are_refused(tf):
  augment = export.to_tf_data(only(Step("Invert")))
  with pytest.raises(ValueError, match=r"uint8 \[H, W, C\], got <dtype: 'float32'>"):
    augment(tf.zeros([8, 8, 3]))
  assert spaces.INVERT.name == "Invert"
