"""Spaces: the papers' tables, what magnitude 0 does in them, and a user's own rows."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.ops import color, spaces
from autoaug_jax.ops.space import Op, apply, find, make_space, narrow, select, strength
from tests.ops import cases

# Per space: how many ops the paper has, and which of them act at magnitude 0. Those without a
# strength always do; SLACK's Solarize inverts 255 there; factors that start at 0.1 or 0.01 blend.
ALWAYS = {"AutoContrast", "Equalize", "Invert", "Grayscale"}
FROM_LOW = {"Contrast", "Color", "Brightness", "Sharpness"}
TABLES = {
  spaces.slack_cifar: (17, {"Solarize"}),
  spaces.slack_imagenet: (18, {"Solarize"}),
  spaces.slack_domainnet: (20, {"Solarize"}),
  spaces.madao: (14, set()),
  spaces.autodo: (7, set()),
  spaces.bilevel_translation: (2, set()),
  spaces.bilevel_affine: (6, set()),
  spaces.bilevel_color: (4, set()),
  spaces.randaugment: (14, FROM_LOW),
  spaces.trivial_augment_ra: (14, FROM_LOW),
  spaces.trivial_augment_wide: (14, FROM_LOW),
  spaces.uniform_augment: (16, FROM_LOW),
  spaces.autoaugment: (15, FROM_LOW),
}
by_factory = pytest.mark.parametrize("factory", TABLES, ids=lambda f: f.__name__)


@by_factory
def test_size_and_names(factory):
  space = factory()
  assert len(space) == TABLES[factory][0]
  assert len({op.name for op in space}) == len(space)
  assert factory() is space  # so that a second call compiles nothing


@by_factory
def test_magnitude_zero_is_neutral_but_for_the_named(factory):
  batch = jnp.asarray(cases.images((32, 32)))
  acting = set()
  for op in factory():
    run = jax.jit(jax.vmap(lambda x, op=op: apply(jax.random.key(0), op, x, 0.0)))
    if np.any(np.asarray(run(batch)) != np.asarray(batch)):
      acting.add(op.name)
  assert acting == TABLES[factory][1] | (ALWAYS & {op.name for op in factory()})


@by_factory
def test_range_dtype_and_shape_are_kept(factory):
  levels = jnp.asarray(cases.images((40, 24))[::4])
  keys = jax.random.split(jax.random.key(1), levels.shape[0])
  for op in factory():
    run = jax.jit(
      jax.vmap(lambda k, x, m, op=op: apply(k, op, x, m, sign=-1.0), in_axes=(0, 0, None))
    )
    for batch in (levels, levels.astype(jnp.float32) / 255):
      out = run(keys, batch, 1.0)
      chex.assert_equal_shape([out, batch])
      assert out.dtype == batch.dtype
      assert float(out.min()) >= 0
      assert float(out.max()) <= (255 if out.dtype == jnp.uint8 else 1)


@by_factory
def test_every_op_acts_at_full_magnitude(factory):
  batch = jnp.asarray(cases.images((32, 32)))
  keys = jax.random.split(jax.random.key(2), batch.shape[0])
  for op in factory():
    out = jax.jit(jax.vmap(lambda k, x, op=op: apply(k, op, x, 1.0)))(keys, batch)
    assert (op.name == "Identity") == bool(jnp.all(out == batch)), op.name


def test_slacks_strengths_at_full_magnitude():
  """Table 8: shear 1, translation 0.75 of the side, 90 degrees, 2 bits, factors 1 +- 0.99."""
  space = {op.name: op for op in spaces.slack_domainnet()}
  full = {name: float(strength(op, jnp.float32(1.0))) for name, op in space.items()}
  assert full["ShearX"] == 1
  assert full["TranslateY"] == 0.75
  assert full["Rotate"] == 90
  assert full["Hue"] == 0.5
  chex.assert_trees_all_close(full["Color"], 0.99)
  chex.assert_trees_all_close(full["RandomResizedCrop"], 0.95)
  ramp = jnp.arange(256, dtype=jnp.uint8).reshape(16, 16, 1)
  ramp = jnp.broadcast_to(ramp, (16, 16, 3))
  key = jax.random.key(0)
  assert len(np.unique(apply(key, space["Posterize"], ramp, 1.0))) == 4
  np.testing.assert_array_equal(apply(key, space["Solarize"], ramp, 1.0), 255 - ramp)
  black = apply(key, space["Brightness"], ramp, 1.0, sign=-1.0)
  assert int(black.max()) == 2  # factor 0.01


@pytest.mark.parametrize("level", range(31))
def test_trivial_augment_truncates_as_its_code_does(level):
  """int(30 r) degrees and int(10 r) pixels at r = level / 30, in spite of float32."""
  space = {op.name: op for op in spaces.trivial_augment_ra()}
  image = jnp.asarray(cases.images((32, 32))[0])
  magnitude = jnp.float32(level) / 30
  key = jax.random.key(0)
  whole = {op.name: op for op in spaces.randaugment()}
  turned = apply(key, space["Rotate"], image, magnitude)
  np.testing.assert_array_equal(turned, apply(key, whole["Rotate"], image, level / 30))
  moved = apply(key, space["TranslateX"], image, magnitude)
  expected = jnp.zeros_like(image).at[:, : 32 - level // 3].set(image[:, level // 3 :])
  np.testing.assert_array_equal(moved, expected)
  kept = apply(key, space["Posterize"], image, magnitude)
  np.testing.assert_array_equal(kept, color.posterize(image, 8.0 - 4 * level // 30))


def test_selecting_and_narrowing():
  space = select(spaces.slack_cifar(), ["Rotate", "Identity"])
  assert [op.name for op in space] == ["Rotate", "Identity"]
  gentle = narrow(space, {"Rotate": (0, 15)})
  assert float(strength(gentle[0], jnp.float32(1.0), sign=-1.0)) == -15
  assert gentle[1] == space[1]
  assert find(space, "Identity") == 1


def test_a_users_own_row():
  def vignette(key, image, value):
    return image * (1 - value * jnp.linspace(0, 1, image.shape[0])[:, None, None])

  own = Op("Vignette", vignette, 0.0, 0.5)
  image = jnp.asarray(cases.images((32, 32))[0])
  out = apply(jax.random.key(0), own, image, 1.0)
  expected = np.asarray(image) * np.linspace(1, 0.5, 32)[:, None, None]
  assert out.dtype == jnp.uint8
  # Rounded to the nearest level.
  chex.assert_trees_all_close(np.asarray(out, float), expected, atol=0.5 + 1e-3)


@pytest.mark.parametrize(
  ("call", "words"),
  [
    (lambda: make_space([]), "at least one op, got none"),
    (lambda: make_space([spaces.INVERT, spaces.INVERT]), "'Invert' twice"),
    (lambda: make_space([spaces.INVERT._replace(high=np.nan)]), "Invert takes a finite range"),
    (lambda: find(spaces.autodo(), "Rotat"), "unknown op 'Rotat'; this space has Rotate, Trans"),
    (lambda: narrow(spaces.autodo(), {"Hue": (0, 1)}), "unknown op 'Hue'"),
    (lambda: _invert(jnp.zeros((4, 4))), r"Invert takes one image .* got shape \(4, 4\)"),
    (lambda: _invert(jnp.zeros((4, 4, 3), jnp.int32)), "Invert takes uint8 or float pixels"),
    (lambda: _invert(jnp.full((4, 4, 3), 1.5)), r"in \[0, 1\], got values in \[1.5, 1.5\]"),
    (lambda: _invert(jnp.full((4, 4, 3), jnp.nan)), "finite float pixels"),
    (lambda: _invert(jnp.zeros((4, 4, 3)), 1.2), r"a magnitude lies in \[0, 1\], got 1.2"),
    (lambda: _invert(jnp.zeros((4, 4, 3)), -0.1), r"a magnitude lies in \[0, 1\], got -0.1"),
    (
      lambda: color.saturation(jnp.zeros((4, 4, 5)), 1.0),
      "saturation needs RGB or greyscale .* got 5",
    ),
  ],
)
def test_bad_input_is_one_clear_sentence(call, words):
  with pytest.raises(ValueError, match=words) as error:
    call()
  assert "\n" not in str(error.value)


def _invert(image, magnitude=0.0):
  return apply(jax.random.key(0), spaces.INVERT, image, magnitude)


@pytest.mark.parametrize("name", ["slack_domainnet", "autoaugment"])
def test_double_precision_draws_the_same_boxes(name, x64):
  table = {op.name: op for op in getattr(spaces, name)()}
  image = jnp.asarray(np.random.default_rng(0).random((16, 20, 3)))
  drawn = {"Cutout", "RandomCrop", "RandomResizedCrop"} & set(table)
  assert drawn
  for one in sorted(drawn):
    wide, short = (
      apply(jax.random.key(3), table[one], x, 0.6) for x in (image, image.astype(jnp.float32))
    )
    assert wide.dtype == jnp.float64
    np.testing.assert_allclose(wide, short, atol=1e-6)
