"""The learned network: gradients by central differences, Table 2's sizes, and its form as data."""

import colorsys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from autoaug_jax.ops import select, spaces
from autoaug_jax.policies import (
  Form,
  NetworkDraw,
  NetworkPhi,
  added_contrast,
  augmenter,
  fixed,
  hsv_saturation,
  in_one_order,
  interpret,
  large_layers,
  magnitudes,
  medium_layers,
  network,
  network_as_fixed,
  no_layers,
  policy,
  preceded,
  released_color,
  scaled_hue,
  small_layers,
  uniform_magnitudes,
)
from autoaug_jax.types import Batch

FILL = (0.4, 0.5, 0.6)
TRANSLATION = spaces.bilevel_translation(fill=FILL)
AFFINE = spaces.bilevel_affine(fill=FILL)
COLOR = spaces.bilevel_color()
BOTH = (*AFFINE, *COLOR)
SPACES = {"affine": AFFINE, "color": COLOR, "both": BOTH}
# Contrast and Color round on the way: only alone do they see the same image at each step.
SMOOTH = {
  "translations": (TRANSLATION, False),
  "affine": (AFFINE, True),
  "affine and two colours": ((*AFFINE, *select(COLOR, ["Brightness", "Hue"])), True),
  "contrast": (select(COLOR, ["Contrast"]), True),
  "saturation": (select(COLOR, ["Color"]), True),
}


def images(count=2, side=8, seed=0):
  """Smooth, so that central differences see no kinks between pixels."""
  rng = np.random.default_rng(seed)
  y, x = np.mgrid[0:side, 0:side] / side
  waves = rng.uniform(0.5, 2.5, (count, 3, 3))
  planes = [np.sin(w[0] * x * 6 + w[1] * y * 6 + w[2] * 6) for one in waves for w in one]
  return 0.5 + 0.3 * np.moveaxis(np.stack(planes).reshape(count, 3, side, side), 1, -1)


def batch_of(pixels):
  count = len(pixels)
  return Batch(pixels, np.zeros(count, np.int32), np.ones(count), np.arange(count))


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_are_central_differences(x64, name):
  space, summed = SMOOTH[name]
  made = network(space, spread=0.05, form=Form(squash="tanh", summed=summed))
  phi = jax.tree.map(lambda x: x.astype(jnp.float64), made.init(jax.random.key(1)))
  batch = batch_of(jnp.asarray(images()))
  weights = jnp.asarray(np.random.default_rng(1).normal(size=batch.image.shape))
  flat, unravel = ravel_pytree(phi)

  @jax.jit
  def value(x):
    return jnp.sum(weights * in_one_order(made).augment(jax.random.key(2), unravel(x), batch).image)

  ours = jax.jit(jax.grad(value))(flat)
  rng = np.random.default_rng(3)
  for _ in range(4):
    direction = jnp.asarray(rng.normal(size=flat.shape))
    step = 1e-7  # short, because pixels and hue have kinks
    theirs = (value(flat + step * direction) - value(flat - step * direction)) / (2 * step)
    np.testing.assert_allclose(ours @ direction, theirs, rtol=1e-4, atol=1e-4)
  assert np.abs(ours).max() > 1e-2


SIZES = {  # Table 2 and Section 4.2, for n = 6
  "none": (no_layers, [(6,)]),
  "small": (small_layers, [(6, 6), (6, 60), (60, 6)]),
  "medium": (medium_layers, [(100, 64), (64, 32), (32, 6)]),
  "large": (large_layers, [(100, 512), (512, 1024), (1024, 124), (124, 512), (512, 6)]),
}


@pytest.mark.parametrize("size", SIZES)
def test_sizes_are_the_papers_and_the_start_is_near_the_identity(size):
  layers, shapes = SIZES[size]
  phi = jax.jit(network(AFFINE, layers=layers, spread=0.05).init)(jax.random.key(0))
  assert [w.shape for w in phi.weights] == shapes
  assert [b.shape for b in phi.biases] == [s[-1:] for s in shapes]
  values = np.asarray(magnitudes(phi))
  np.testing.assert_allclose(values.std(0), 0.05, rtol=0.15)
  np.testing.assert_allclose(values.mean(0), 0.0, atol=0.01)
  assert np.abs(np.corrcoef(values.T) - np.eye(6)).max() < 0.999


@pytest.mark.parametrize("n", [1, 2])
def test_the_start_is_never_the_identity_itself(n):
  made = network(TRANSLATION[:n], spread=0.05)
  spread = jax.jit(lambda key: jnp.std(magnitudes(made.init(key)), axis=0))
  for seed in range(20):
    np.testing.assert_allclose(spread(jax.random.key(seed)), 0.05, rtol=0.25)


def test_the_released_start_is_pytorchs():
  phi = network(AFFINE, layers=medium_layers, spread=None).init(jax.random.key(0))
  for weight, bias in zip(*phi, strict=True):
    reach = weight.shape[0] ** -0.5
    for x in (weight, bias):
      assert np.abs(x).max() <= reach
    assert 0.9 * reach < np.abs(weight).max()
    np.testing.assert_allclose(np.std(weight), reach / np.sqrt(3), rtol=0.15)
    assert np.abs(bias).max() > 0.5 * reach


@pytest.mark.parametrize(("name", "squash"), [("affine", "none"), ("both", "tanh")])
def test_as_data_it_draws_and_does_the_same(name, squash):
  """The same key gives the same noise: what is learned on floats is what a file says on floats."""
  form = Form(squash=squash, dropout=0.2, summed=True)
  made = network(SPACES[name], spread=0.3, form=form)
  phi = made.init(jax.random.key(5))
  frozen = interpret.policy(network_as_fixed(jax.device_get(phi), SPACES[name], form=form))
  keys = jax.random.split(jax.random.key(6), 3)
  ours = jax.jit(jax.vmap(made.sample, in_axes=(0, None)))(keys, phi)
  pixels = jnp.asarray(images(3), jnp.float32)
  theirs = jax.jit(jax.vmap(lambda k: frozen.sample(k, ())))(keys)
  count = theirs.warp.shape[1]
  np.testing.assert_allclose(theirs.warp, ours.magnitude[:, :count], rtol=1e-5, atol=1e-7)
  learned = jax.jit(jax.vmap(made.apply))(keys, ours, pixels)
  file = frozen.apply_batch(keys, theirs, pixels)
  # A grey level that was rounded the other way is a few thousandths, and what colours make of it.
  difference = np.abs(np.asarray(learned) - np.asarray(file))
  assert difference.max() < 0.1
  assert np.mean(difference > 2e-5) < 0.03
  assert np.abs(np.asarray(learned) - np.asarray(pixels)).max() > 0.05


@pytest.mark.parametrize("layers", [small_layers, lambda n: (n,)], ids=["small", "no hidden layer"])
def test_symmetric_outputs_are_odd_in_the_noise(layers):
  form = Form(symmetric=True)
  phi = network(AFFINE, layers=layers, spread=0.1, form=form).init(jax.random.key(2))
  phi = phi._replace(biases=tuple(b + 0.3 for b in phi.biases))
  stage = network_as_fixed(jax.device_get(phi), AFFINE, form=form).stages[0]

  def by_numpy(weights, biases, x):
    for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
      x = x @ np.asarray(w) + np.asarray(b)
      x = np.maximum(x, 0) if i < len(weights) - 1 else x
    return x

  noise = np.random.default_rng(0).uniform(-1, 1, (50, 6))
  wanted = (by_numpy(*phi, noise) - by_numpy(*phi, -noise)) / 2
  np.testing.assert_allclose(by_numpy(stage.weights, stage.biases, noise), wanted, atol=1e-6)
  values = np.asarray(magnitudes(phi, form=form))
  np.testing.assert_allclose(values.mean(0), 0, atol=4 * values.std(0).max() / 32)


@pytest.mark.parametrize("symmetric", [True, False])
def test_without_layers_each_op_has_its_own_noise_and_spread(symmetric):
  form = Form(symmetric=symmetric)
  spread, shift = np.linspace(0.1, 0.6, 6), np.linspace(-1, 1, 6)
  phi = NetworkPhi((jnp.asarray(spread),), (jnp.asarray(shift),))
  values = np.asarray(magnitudes(phi, form=form))
  # Uniform noise has the deviation 1 / sqrt(3); 1,024 draws know it to 1.4%, correlations to 3%.
  np.testing.assert_allclose(values.std(0), spread / np.sqrt(3), rtol=0.07)
  np.testing.assert_allclose(values.mean(0), 0 if symmetric else shift, atol=0.06)
  assert np.abs(np.corrcoef(values.T) - np.eye(6)).max() < 0.15
  stage = network_as_fixed(phi, AFFINE, form=form).stages[0]
  np.testing.assert_allclose(stage.weights, [np.diag(spread)], rtol=1e-6)


def test_colours_alone_as_data_draw_the_same():
  form = Form(dropout=0.2)
  made = network(COLOR, spread=0.3, form=form)
  phi = made.init(jax.random.key(5))
  frozen = interpret.policy(network_as_fixed(jax.device_get(phi), COLOR, form=form))
  keys = jax.random.split(jax.random.key(6), 5)
  theirs = jax.jit(jax.vmap(lambda k: frozen.sample(k, ())))(keys)
  ours = jax.jit(jax.vmap(lambda k: made.sample(jax.random.fold_in(k, 0), phi)))(keys)
  np.testing.assert_array_equal(theirs.op, ours.order)
  assert len(np.unique(ours.order, axis=0)) > 1
  np.testing.assert_allclose(
    theirs.magnitude * theirs.sign,
    np.take_along_axis(np.asarray(ours.magnitude), np.asarray(ours.order), 1),
    rtol=1e-5,
    atol=1e-7,
  )


def test_one_order_a_batch_and_one_order_an_image():
  made = network(select(COLOR, ["Brightness", "Contrast"]), spread=0.5)
  phi = made.init(jax.random.key(0))
  batch = batch_of(jnp.asarray(images(6), jnp.float32))
  key = jax.random.key(4)
  ours = jax.jit(in_one_order(made).augment)(key, phi, batch).image
  order = made.sample(jax.random.fold_in(key, 0), phi).order
  keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.fold_in(key, 1), i))(jnp.arange(6))
  split = jax.vmap(jax.random.split)(keys)
  sample, apply = jax.jit(made.sample), jax.jit(made.apply)
  for i in range(6):
    draw = NetworkDraw(sample(split[i, 0], phi).magnitude, order)
    np.testing.assert_allclose(ours[i], apply(split[i, 1], draw, batch.image[i]), atol=1e-6)
  orders = jax.jit(jax.vmap(lambda k: made.sample(k, phi).order))(keys)
  assert len(np.unique(np.asarray(orders), axis=0)) > 1
  with pytest.raises(ValueError, match="one key for the whole batch"):
    in_one_order(made).augment(keys, phi, batch)


def test_the_part_of_a_device_is_its_part_of_the_whole():
  made = in_one_order(network(AFFINE, spread=0.2))
  phi = made.init(jax.random.key(0))
  batch = batch_of(jnp.asarray(images(4), jnp.float32))
  augment = jax.jit(lambda batch, first: made.augment(jax.random.key(1), phi, batch, first=first))
  whole = augment(batch, 0).image
  part = augment(batch_of(batch.image[2:]), 2).image
  np.testing.assert_allclose(whole[2:], part, atol=1e-6)


def test_a_flip_before_it_is_seen_by_it():
  flip = augmenter(fixed.standard(padding=0.0, flip=1.0))
  made = preceded(flip, in_one_order(network(TRANSLATION)))
  phi = NetworkPhi((jnp.zeros((2, 2)),), (jnp.asarray([0.25, 0.0]),))
  pixels = images(2).astype(np.float32)
  ours = jax.jit(made.augment)(jax.random.key(0), phi, batch_of(jnp.asarray(pixels))).image
  flipped = pixels[:, :, ::-1]
  wanted = np.concatenate(
    [flipped[:, :, 1:], np.broadcast_to(np.float32(FILL), (2, 8, 1, 3))], axis=2
  )
  np.testing.assert_allclose(ours, wanted, atol=1e-5)


def test_one_number_for_all_magnitudes():
  made = policy(uniform_magnitudes(BOTH, 0.3))
  sample = jax.jit(jax.vmap(lambda k: made.sample(k, ())))
  draws = sample(jax.random.split(jax.random.key(0), 4000))
  values = np.concatenate([draws.warp.ravel(), (draws.rest.magnitude * draws.rest.sign).ravel()])
  assert np.abs(values).max() <= 0.3
  np.testing.assert_allclose(values.std(), 0.3 / np.sqrt(3), rtol=0.02)
  assert np.abs(np.corrcoef(draws.warp.T) - np.eye(6)).max() < 0.08


PIXELS = np.random.default_rng(2).uniform(0.05, 0.95, (5, 7, 3))
HSV = np.array([[colorsys.rgb_to_hsv(*p) for p in row] for row in PIXELS])


def rgb(hsv):
  hue, saturation, value = np.moveaxis(np.clip(hsv, 0, 1), -1, 0)
  triples = zip(hue.ravel(), saturation.ravel(), value.ravel(), strict=True)
  return np.array([colorsys.hsv_to_rgb(*t) for t in triples]).reshape(hsv.shape)


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 1.7])
def test_released_colours_are_those_of_hsv(factor):
  image = jnp.asarray(PIXELS, jnp.float32)
  more = rgb(HSV * [1, factor, 1])
  np.testing.assert_allclose(jax.jit(hsv_saturation)(image, factor), more, atol=1e-5)
  turned = rgb(HSV * [factor, 1, 1])
  np.testing.assert_allclose(jax.jit(scaled_hue)(image, factor), turned, atol=1e-5)
  added = np.clip(PIXELS + factor - 1, 0, 1)
  np.testing.assert_allclose(added_contrast(image, factor - 1), added, atol=1e-6)


def test_released_colours_on_levels_and_on_grey():
  levels = np.round(PIXELS * 255).astype(np.uint8)
  ours = np.asarray(hsv_saturation(jnp.asarray(levels), 0.5), int)
  theirs = np.asarray(hsv_saturation(jnp.asarray(levels / 255, jnp.float32), 0.5)) * 255
  assert np.abs(ours - theirs).max() <= 0.501
  grey = jnp.full((3, 3, 3), 0.4)
  for op in (hsv_saturation, scaled_hue):
    np.testing.assert_allclose(jax.jit(op)(grey, jnp.float32(1.4)), grey, atol=1e-6)
    slope = jax.jit(jax.grad(lambda f, op=op: jnp.sum(op(grey, f))))(jnp.float32(1.4))
    assert np.isfinite(slope)
    np.testing.assert_array_equal(op(levels[..., :1], 0.3), levels[..., :1])


def test_released_colours_are_a_space():
  names = [op.name for op in released_color()]
  assert names == ["AddedContrast", "HsvSaturation", "Brightness", "ScaledHue"]
  made = in_one_order(network(released_color(), spread=0.2, form=Form(squash="tanh")))
  batch = batch_of(jnp.asarray(images(), jnp.float32))
  phi = made.init(jax.random.key(0))
  out = jax.jit(made.augment)(jax.random.key(1), phi, batch).image
  assert np.isfinite(out).all()
  assert np.abs(out - batch.image).max() > 0.01


MISTAKES = {
  "spread": ({"space": AFFINE, "spread": 0.0}, "spread is positive, got 0.0"),
  "start": ({"space": AFFINE, "spread": None, "layers": no_layers}, "no released start"),
  "direction": ({"space": (spaces.INVERT,)}, "and Invert has none"),
  "nearest": ({"space": spaces.slack_cifar()[:2]}, "bilinear all"),
  "order": ({"space": (*COLOR, *AFFINE)}, "come before its other ops"),
  "squash": ({"space": AFFINE, "form": Form(squash="sine")}, "squash takes one of"),
  "dropout": ({"space": AFFINE, "form": Form(dropout=1.0)}, "dropout is at least 0"),
  "empty": ({"space": ()}, "at least 1 unit"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_named(mistake):
  options, message = MISTAKES[mistake]
  with pytest.raises(ValueError, match=message):
    network(**options)
