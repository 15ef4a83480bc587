"""The fused executor is the single ops in sequence: to the bit on uint8, to 1e-5 on floats."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from autoaug_jax.ops import executors, fused, geometry, plan, space, spaces
from autoaug_jax.ops.draws import Draws, keys_of, strengths_of
from autoaug_jax.ops.fused import augment, augment_uint8
from tests.compiling import USUAL
from tests.ops import cases

SPACES = {
  "trivial_augment_wide": spaces.trivial_augment_wide(),
  "slack_domainnet": spaces.slack_domainnet(),
  "uniform_augment": spaces.uniform_augment(),
  "madao": spaces.madao(),
  "autodo": spaces.autodo(),
}
by_space = pytest.mark.parametrize("name", SPACES)


def draw(key, ops, batch, each):
  which, size, sign = jax.random.split(key, 3)
  return Draws(
    jax.random.randint(which, (batch, each), 0, ops),
    jax.random.uniform(size, (batch, each)),
    jnp.where(jax.random.bernoulli(sign, shape=(batch, each)), 1.0, -1.0),
  )


def one_by_one(key, images, draws, table):
  """The ops of each image, one after the other, each by its own call."""
  # Not compiled quickly: bilinear warps are of floats, whose sums may be contracted.
  keys = keys_of(key, *draws.op.shape)
  single = [jax.jit(functools.partial(_apply, op), compiler_options=USUAL) for op in table]
  results = []
  for i, image in enumerate(images):
    for k in range(draws.op.shape[1]):
      run = single[int(draws.op[i, k])]
      image = run(keys[i, k], image, draws.magnitude[i, k], draws.sign[i, k])
    results.append(image)
  return jnp.stack(results)


def _apply(op, key, image, magnitude, sign):
  return space.apply(key, op, image, magnitude, sign=sign)


def many(batch, size=(32, 32), channels=3):
  pictures = cases.images(size)
  levels = np.concatenate([pictures] * -(-batch // len(pictures)))[:batch]
  return jnp.asarray(np.concatenate([levels] * 3, axis=-1)[..., :channels])


@by_space
def test_uint8_is_one_op_after_the_other(name):
  table, images = SPACES[name], many(52, (40, 24))
  draws = draw(jax.random.key(3), len(table), 52, 3)
  fused = jax.jit(functools.partial(augment_uint8, space=table), compiler_options=USUAL)
  fast = fused(jax.random.key(4), images, draws)
  slow = one_by_one(jax.random.key(4), images, draws, table)
  np.testing.assert_array_equal(np.asarray(fast), np.asarray(slow))


@by_space
@pytest.mark.parametrize("batch", [1, 52])
def test_the_two_executors_agree_to_the_bit(name, batch):
  table, images = SPACES[name], many(batch)
  draws = draw(jax.random.key(5), len(table), batch, 2)
  key = jax.random.key(6)
  made = plan.make_plan(table, 3)
  keys = keys_of(key, batch, 2)
  by_group = jax.jit(functools.partial(executors.run_by_group, made))
  np.testing.assert_array_equal(
    np.asarray(by_group(keys, images, draws.op, strengths_of(table, draws))),
    np.asarray(augment_uint8(key, images, draws, space=table)),
  )


def test_more_images_than_a_block_draw_the_same_op():
  """The executor by group works on blocks of an eighth; here all 52 images draw Equalize."""
  table = spaces.trivial_augment_wide()
  images = many(52)
  equalize = jnp.full((52, 1), space.find(table, "Equalize"))
  draws = Draws(equalize, jnp.zeros((52, 1)), jnp.ones((52, 1)))
  made = plan.make_plan(table, 3)
  keys = keys_of(jax.random.key(0), 52, 1)
  by_group = jax.jit(functools.partial(executors.run_by_group, made))
  case = next(case for case in cases.COLOURS if case.name == "equalize")
  np.testing.assert_array_equal(
    np.asarray(by_group(keys, images, draws.op, draws.magnitude)),
    cases.each_pillow(case, np.asarray(images), 0.0),
  )


def test_sequences_against_pillow():
  """Two ops on each image, from those that the cases hold to be identical with Pillow's."""
  table = spaces.randaugment()
  names = ["Identity", "Equalize", "Rotate", "Brightness", "ShearX", "ShearY", "TranslateX"]
  table = space.select(table, names)
  by_name = {case.name.replace("_", ""): case for case in cases.CASES}
  images = many(52, (40, 24))
  draws = draw(jax.random.key(7), len(table), 52, 2)
  ours = np.asarray(augment_uint8(jax.random.key(8), images, draws, space=table))
  for i, image in enumerate(np.asarray(images)):
    picture = Image.fromarray(image)
    for k in range(2):
      op = table[int(draws.op[i, k])]
      value = float(space.strength(op, draws.magnitude[i, k], sign=draws.sign[i, k]))
      # A translation's strength is a share of the side of 24 pixels.
      value = float(np.float32(value)) * 24 if op.name == "TranslateX" else value
      picture = by_name[op.name.lower()].pillow(picture, value)
    np.testing.assert_array_equal(ours[i], np.asarray(picture))


@by_space
def test_float_is_one_op_after_the_other(name):
  table, images = SPACES[name], many(26).astype(jnp.float32) / 255
  draws = draw(jax.random.key(9), len(table), 26, 3)
  fast = augment(jax.random.key(4), images, draws, space=table)
  slow = one_by_one(jax.random.key(4), images, draws, table)
  chex.assert_trees_all_close(fast, slow, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["madao", "slack_domainnet"])
def test_gradients_are_those_of_plain_autodiff(name):
  table, images = SPACES[name], many(13, (16, 12)).astype(jnp.float32) / 255
  draws = draw(jax.random.key(10), len(table), 13, 2)
  weights = jax.random.normal(jax.random.key(11), images.shape)

  def fast(magnitude, images):
    new = draws._replace(magnitude=magnitude)
    return jnp.sum(weights * augment(jax.random.key(4), images, new, space=table))

  keys = keys_of(jax.random.key(4), 13, 2)
  branches = [functools.partial(_apply, op) for op in table]

  def slow(magnitude, images):
    total = 0.0
    for k in range(2):
      images = jax.vmap(lambda op, *args: jax.lax.switch(op, branches, *args))(
        draws.op[:, k], keys[:, k], images, magnitude[:, k], draws.sign[:, k]
      )
    total = jnp.sum(weights * images)
    return total

  ours = jax.jit(jax.grad(fast, argnums=(0, 1)))(draws.magnitude, images)
  theirs = jax.jit(jax.grad(slow, argnums=(0, 1)))(draws.magnitude, images)
  # Sums of 600 float32 products in two orders.
  chex.assert_trees_all_close(ours[0], theirs[0], rtol=1e-2, atol=1e-2)
  # Where a value stands at the kink of a clip, its last bit decides the side: 1 of 7488 seen.
  agree = np.isclose(ours[1], theirs[1], rtol=1e-4, atol=1e-4)
  assert np.mean(~agree) < 1e-3


def test_gradient_against_central_differences(x64):
  table = space.select(spaces.madao(), ["Rotate", "ShearX", "Color", "TranslateY"])
  images = jnp.asarray(np.random.default_rng(0).uniform(0.1, 0.9, (6, 9, 8, 3)))
  draws = draw(jax.random.key(12), len(table), 6, 2)
  weights = jnp.asarray(np.random.default_rng(1).normal(size=images.shape))

  def loss(magnitude):
    new = draws._replace(magnitude=magnitude)
    return jnp.sum(weights * augment(jax.random.key(4), images, new, space=table))

  magnitude = jnp.asarray(np.random.default_rng(2).uniform(0.2, 0.8, (6, 2)))
  chex.assert_numerical_grads(loss, (magnitude,), order=1, eps=1e-6, rtol=1e-5, modes=("rev",))


def test_a_tangent_elsewhere_passes_by():
  """Hypergradients take jvps in the network's parameters through a loss that augments."""
  table, images = spaces.madao(), many(4, (8, 8)).astype(jnp.float32) / 255
  draws = draw(jax.random.key(13), len(table), 4, 2)

  def along(magnitude):
    def loss(theta):
      new = draws._replace(magnitude=magnitude)
      return jnp.mean((theta * augment(jax.random.key(4), images, new, space=table)) ** 2)

    return jax.jvp(loss, (2.0,), (1.0,))[1]

  slope = jax.jit(jax.grad(along))(draws.magnitude)
  chex.assert_tree_all_finite(slope)
  assert float(jnp.abs(slope).max()) > 0


def test_merged_warps_are_one_warp_by_the_product():
  table = space.select(spaces.autodo(), ["Rotate", "ShearX"])
  images = many(5, (16, 12)).astype(jnp.float32) / 255
  draws = Draws(jnp.asarray([[0, 1]] * 5), jnp.full((5, 2), 0.5), jnp.asarray([[1.0, -1.0]] * 5))
  merged = augment(jax.random.key(0), images, draws, space=table, merge_warps=True)
  cosine, sine = np.cos(np.radians(15.0)), np.sin(np.radians(15.0))
  middle = np.array([6.0, 8.0])
  turn = np.array([[cosine, -sine], [sine, cosine]])
  shear = np.array([[1.0, -0.15], [0.0, 1.0]])
  product = np.column_stack([turn @ shear, middle - turn @ middle])
  for image, ours in zip(images, merged, strict=True):
    once = geometry.affine(image, jnp.asarray(product, jnp.float32), fill="edge")
    chex.assert_trees_all_close(ours, once, atol=1e-5, rtol=0)


def test_merged_gradients_are_central_differences(x64):
  """A color op between two pairs of warps, so that an image settles on the way and at the end."""
  table = space.select(spaces.madao(), ["Rotate", "ShearX", "Brightness"])
  with jax.numpy_dtype_promotion("standard"):
    images = jnp.asarray(np.asarray(many(3, (8, 10))) / 255.0)
  ops = jnp.asarray([[0, 1, 2, 1, 0]] * 3)
  weights = jax.random.normal(jax.random.key(2), images.shape, jnp.float64)

  @jax.jit
  def loss(magnitudes):
    draws = Draws(ops, magnitudes, jnp.ones_like(magnitudes))
    return jnp.sum(
      weights * augment(jax.random.key(0), images, draws, space=table, merge_warps=True)
    )

  at = jax.random.uniform(jax.random.key(3), ops.shape, jnp.float64, 0.2, 0.8)
  slope = np.asarray(jax.grad(loss)(at))
  step = 1e-6  # the image is piecewise bilinear: errors of order step, and of 1e-16 / step
  for i, j in np.ndindex(*ops.shape):
    shift = jnp.zeros_like(at).at[i, j].set(step)
    expected = float(loss(at + shift) - loss(at - shift)) / (2 * step)
    assert abs(slope[i, j] - expected) < 1e-5 * max(1.0, abs(expected))


def test_no_op_at_all_changes_nothing():
  images = many(2).astype(jnp.float32) / 255
  none = Draws(jnp.zeros((2, 0), jnp.int32), jnp.zeros((2, 0)), jnp.zeros((2, 0)))
  for merge in (False, True):
    out = augment(jax.random.key(0), images, none, space=spaces.autodo(), merge_warps=merge)
    chex.assert_trees_all_equal(out, images)


def test_merging_changes_nothing_between_other_ops():
  table = spaces.madao()
  images = many(13, (16, 12)).astype(jnp.float32) / 255
  draws = draw(jax.random.key(14), len(table), 13, 3)
  is_warp = jnp.asarray([op.name in ("ShearX", "ShearY", "Rotate") or "Trans" in op.name
                         for op in table])  # fmt: skip
  chosen = is_warp[draws.op]
  follow = jnp.any(chosen[:, :-1] & chosen[:, 1:], axis=1)
  apart, merged = (
    augment(jax.random.key(4), images, draws, space=table, merge_warps=merge)
    for merge in (False, True)
  )
  assert 0 < int(follow.sum()) < 13
  chex.assert_trees_all_close(merged[~follow], apart[~follow], atol=1e-5, rtol=0)
  assert float(jnp.abs(merged[follow] - apart[follow]).max()) > 0.01

  with pytest.raises(ValueError, match="merge_warps takes a space whose warps are bilinear"):
    augment(jax.random.key(0), images, draws, space=spaces.slack_cifar(), merge_warps=True)


def test_keys_belong_to_images():
  """A batch cut in two, each image with its own key, gives the same images."""
  table, images = spaces.slack_domainnet(), many(12)
  draws = draw(jax.random.key(15), len(table), 12, 2)
  keys = jax.vmap(functools.partial(jax.random.fold_in, jax.random.key(16)))(jnp.arange(12))
  whole = augment_uint8(jax.random.key(16), images, draws, space=table)
  halves = [
    augment_uint8(keys[part], images[part], jax.tree.map(lambda x: x[part], draws), space=table)  # noqa: B023
    for part in (slice(0, 6), slice(6, 12))
  ]
  np.testing.assert_array_equal(np.asarray(whole), np.concatenate(halves))


@pytest.mark.parametrize("channels", [1, 2, 4, 5, 9])
def test_other_numbers_of_channels(channels):
  names = ["Rotate", "Invert", "Brightness", "Sharpness", "AutoContrast", "Equalize", "Posterize"]
  table = space.select(spaces.madao(interpolation="nearest"), names)
  images = many(26, channels=channels)
  draws = draw(jax.random.key(17), len(table), 26, 2)
  fast = augment_uint8(jax.random.key(0), images, draws, space=table)
  slow = one_by_one(jax.random.key(0), images, draws, table)
  np.testing.assert_array_equal(np.asarray(fast), np.asarray(slow))


def test_a_users_own_op_runs_like_any_other():
  def halve(key, image, value):
    return image * (1 - value / 2)

  table = space.make_space([*spaces.autodo(interpolation="nearest"), space.Op("Halve", halve)])
  images = many(26)
  draws = draw(jax.random.key(18), len(table), 26, 2)
  fast = augment_uint8(jax.random.key(0), images, draws, space=table)
  slow = one_by_one(jax.random.key(0), images, draws, table)
  np.testing.assert_array_equal(np.asarray(fast), np.asarray(slow))


@pytest.mark.parametrize("face", ["uint8", "float"])
def test_the_second_call_compiles_nothing(face):
  images = many(4)
  chex.clear_trace_counter()
  images = images if face == "uint8" else images.astype(jnp.float32) / 255
  run = augment_uint8 if face == "uint8" else augment

  @jax.jit
  @chex.assert_max_traces(n=1)
  def step(key, images):
    table = spaces.trivial_augment_wide()
    return run(key, images, draw(key, len(table), 4, 1), space=table)

  for seed in range(3):
    step(jax.random.key(seed), images)
  compiled = fused._augment_uint8 if face == "uint8" else fused._augment
  before = compiled._cache_size()
  draws = draw(jax.random.key(0), 14, 4, 1)
  run(jax.random.key(1), images, draws, space=spaces.trivial_augment_wide())
  run(jax.random.key(2), images, draws, space=spaces.trivial_augment_wide())
  assert compiled._cache_size() <= before + 1


GOOD = Draws(jnp.zeros((2, 1), jnp.int32), jnp.zeros((2, 1)), jnp.ones((2, 1)))
PIXELS = jnp.zeros((2, 8, 8, 3), jnp.uint8)


@pytest.mark.parametrize(
  ("images", "change", "table", "words"),
  [
    (PIXELS[0], {}, spaces.autodo(), r"images are \[batch, height, width, channels\], got shape"),
    (PIXELS / 255, {}, spaces.autodo(), "augment_uint8 takes uint8 images, got float32"),
    (PIXELS, {}, (), "a space takes at least one op, got none"),
    (PIXELS, {"op": jnp.full((2, 1), 9)}, spaces.autodo(), r"in 0..6 for this space, got 9..9"),
    (PIXELS, {"magnitude": jnp.full((2, 1), 2.0)}, spaces.autodo(), r"in \[0, 1\], got 2.0"),
    (PIXELS, {"sign": jnp.ones((3, 1))}, spaces.autodo(), r"draws.sign is \[2, ops each\]"),
    (jnp.zeros((2, 8, 8, 5), jnp.uint8), {}, spaces.madao(), "contrast needs RGB .* got 5"),
  ],
)
def test_bad_input_is_one_clear_sentence(images, change, table, words):
  if images.dtype == jnp.float32:
    images = images.astype(jnp.float32)
  with pytest.raises(ValueError, match=words):
    augment_uint8(jax.random.key(0), images, GOOD._replace(**change), space=table)
  bad = jnp.full((2, 8, 8, 3), 1.5)
  with pytest.raises(ValueError, match="finite float pixels"):
    augment(jax.random.key(0), bad, GOOD, space=spaces.autodo())
  with pytest.raises(ValueError, match="augment takes float images, got uint8"):
    augment(jax.random.key(0), PIXELS, GOOD, space=spaces.autodo())
