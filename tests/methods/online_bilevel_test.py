"""Online bilevel's moves against its equations, written out, and its comparisons."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from autoaug_jax.methods import online_bilevel, spatial_transformer
from autoaug_jax.models import small_cnn
from autoaug_jax.ops import affine, select, spaces
from autoaug_jax.policies import (
  NetworkPhi,
  augmenter,
  fixed,
  in_floats,
  in_one_order,
  network,
  preceded,
)
from autoaug_jax.train import optim
from tests.methods.cases import task
from tests.train import cases

SPACE = (*spaces.bilevel_translation(fill=0.5), *select(spaces.bilevel_color(), ["Brightness"]))
ETA, MOMENTUM, DECAY = 0.1, 0.9, 5e-4


def optimizer():
  return optim.sgd(ETA, momentum=MOMENTUM, weight_decay=DECAY)


def small(**options):
  options = {"steps": 4, "spread": 0.2, **options}
  return online_bilevel(task(), SPACE, optimizer(), **options)


@pytest.fixture(scope="module")
def batches():
  feed = cases.feed()
  return tuple(feed.batch(feed.held, feed.draw(step)) for step in (0, 1))


SCHEDULES = {
  "J=1": ({}, "jjjj"),
  "J=2": ({"every": 2, "steps": 5}, "tjtjt"),
  "warmup": ({"warmup": 3}, "tttj"),
  "long warmup": ({"warmup": 9}, "tttt"),
  "K=3": ({"unroll": 3}, "tstststs"),
  "K=3, J=2": ({"unroll": 3, "every": 2}, "ttstts"),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_order_of_moves(name):
  options, letters = SCHEDULES[name]
  moves = {"t": "train", "j": "joint", "s": "search"}
  (phase,) = small(**options).phases
  assert phase.schedule == tuple(moves[letter] for letter in letters)


@pytest.mark.parametrize("clip", [None, 1e-4])
@pytest.mark.parametrize("same_length", [False, True])
def test_a_joint_move_is_equation_8_through_the_momentum_as_it_is(batches, same_length, clip):
  """theta' = theta - eta (0.9 m + g + decay theta); phi goes down loss(valid, theta').

  At the same length, g is |g| as it is here times its direction. A clip shortens phi's gradient.
  """
  rate, decay = 0.3, 0.02
  flip = fixed.standard(padding=0.0)
  ours = {"rate": rate, "momentum": 0.9, "weight_decay": decay}
  method = small(before=flip, same_length=same_length, clip=clip, **ours)
  learner = method.phases[0].learner
  state = jax.jit(learner.init)(jax.random.key(1), batches[0])
  velocity = jax.tree.map(lambda t: 0.1 * jnp.ones_like(t), state.theta)
  opt_state = tuple(
    x._replace(trace=velocity) if hasattr(x, "trace") else x for x in state.opt_state
  )
  state = state.replace(opt_state=opt_state)
  key = jax.random.key(7)
  moved, metrics = jax.jit(learner.joint)(key, state, *batches)

  augment = preceded(augmenter(flip), in_floats(in_one_order(network(SPACE)))).augment
  for_inner, _ = jax.random.split(key)
  loss_of = task().loss

  def inner(theta, phi):
    batch = augment(jax.random.fold_in(for_inner, 0), phi, batches[0])
    return jnp.mean(loss_of(theta, state.model_state, batch, train=True).losses)

  def ahead(phi):
    gradient = jax.grad(inner)(state.theta, phi)
    if same_length:
      length = optax.tree.norm(gradient)
      gradient = jax.tree.map(lambda g: jax.lax.stop_gradient(length) * (g / length), gradient)
    return jax.tree.map(
      lambda t, g, m: t - ETA * (MOMENTUM * m + g + DECAY * t), state.theta, gradient, velocity
    )

  def outer(phi):
    return jnp.mean(loss_of(ahead(phi), state.model_state, batches[1], train=True).losses)

  @jax.jit
  def by_hand(phi):
    value, gradient = jax.value_and_grad(outer)(phi)
    if clip is not None:
      length = optax.tree.norm(gradient)
      gradient = jax.tree.map(lambda g: clip * g / length, gradient)
    return value, jax.tree.map(lambda p, g: p - rate * (g + decay * p), phi, gradient), ahead(phi)

  value, phi, theta = by_hand(state.phi)
  np.testing.assert_allclose(metrics["outer"], value, rtol=1e-5)
  chex.assert_trees_all_close(moved.theta, theta, rtol=1e-4, atol=1e-6)
  chex.assert_trees_all_close(moved.phi, phi, rtol=1e-3, atol=1e-6)
  assert metrics["hypergradient"] > 2e-4, "longer than the clip"


def test_the_control_follows_the_training_loss(batches):
  method = small(on_training=True, rate=0.3, momentum=0.0, weight_decay=0.0)
  learner = method.phases[0].learner
  state = jax.jit(learner.init)(jax.random.key(1), batches[0])
  key = jax.random.key(7)
  moved, _ = jax.jit(learner.joint)(key, state, *batches)
  for_inner, _ = jax.random.split(key)

  @jax.jit
  def slope(phi):
    def loss(phi):
      augment = preceded(augmenter(fixed.none()), in_floats(in_one_order(network(SPACE)))).augment
      batch = augment(jax.random.fold_in(for_inner, 0), phi, batches[0])
      outcome = task().loss(state.theta, state.model_state, batch, train=True)
      return jnp.mean(outcome.losses)

    return jax.grad(loss)(phi)

  wanted = jax.tree.map(lambda p, g: p - 0.3 * g, state.phi, slope(state.phi))
  chex.assert_trees_all_close(moved.phi, wanted, rtol=1e-4, atol=1e-6)
  other, _ = jax.jit(learner.joint)(key, state, batches[0], batches[0])
  chex.assert_trees_all_close(moved.theta, other.theta)
  chex.assert_trees_all_close(moved.phi, other.phi)


def test_what_is_watched_and_what_was_learned(batches):
  method = small(before=fixed.standard(padding=0.0))
  weights = (jnp.asarray([[0.6, 0.0, 0.0]]),)
  phi = NetworkPhi(weights, (jnp.asarray([0.0, 0.25, 0.0]),))
  seen = method.watch(phi)
  np.testing.assert_allclose(seen["spread"], [0.6 / np.sqrt(3), 0, 0], rtol=0.05, atol=1e-6)
  np.testing.assert_allclose(seen["mean"], [0, 0.25, 0], atol=0.03)
  learned = method.learned(jax.device_get(phi))
  flips, net = learned.stages
  assert flips.steps[0].op == "FlipX"
  assert net.ops == ("TranslateX", "TranslateY", "Brightness")


def test_a_spatial_transformer_warps_before_it_classifies(batches):
  """Both in training and in testing, by what its localiser says of the image."""
  space = spaces.bilevel_translation(fill=0.0)
  localiser = small_cnn(widths=(4,), classes=2)
  made = spatial_transformer(task(), localiser, space=space, reach=0.3, summed=False)
  theta, state = jax.jit(made.init)(jax.random.key(0), batches[0])
  losses = jax.jit(made.loss, static_argnames="train")
  pixels = jnp.asarray(batches[0].image, jnp.float32) / 255
  for train in (False, True):
    outcome = losses(theta, state, batches[0], train=train)
    variables = {"params": theta["warp"], **state["warp"]}
    mutable = list(state["warp"]) if train else False
    apply = jax.jit(functools.partial(localiser.apply, train=train, mutable=mutable))
    values = apply(variables, pixels)[0] if train else apply(variables, pixels)
    shifts = 0.3 * 0.5 * 8 * np.asarray(values)
    warped = jnp.stack(
      [
        affine(image, np.array([[1, 0, x], [0, 1, y]], np.float32))
        for image, (x, y) in zip(pixels, shifts, strict=True)
      ]
    )
    seen = batches[0]._replace(image=warped)
    classify = jax.jit(task().loss, static_argnames="train")
    wanted = classify(theta["task"], state["task"], seen, train=train).losses
    np.testing.assert_allclose(outcome.losses, wanted, rtol=1e-4, atol=1e-5)
  slope = jax.jit(jax.grad(lambda t: jnp.mean(made.loss(t, state, batches[0], train=True).losses)))(
    theta
  )
  assert max(float(jnp.abs(x).max()) for x in jax.tree.leaves(slope["warp"])) > 1e-4


def test_mistakes_are_named():
  with pytest.raises(ValueError, match="every and unroll must be at least 1, not 0 and 1"):
    small(every=0)
  with pytest.raises(ValueError, match="unroll must be 1, not 2"):
    small(unroll=2, on_training=True)
