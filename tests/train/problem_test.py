"""The two losses against sums written out, and what rides on the weights."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from autoaug_jax.hypergrad import shared_score, unrolled
from autoaug_jax.models import small_cnn
from autoaug_jax.policies.base import Augmenter
from autoaug_jax.train import Outcome, SearchState, Task, by_draw, half_l2, supervised
from autoaug_jax.train import optim as optimizers
from autoaug_jax.types import Batch
from tests.train import cases

LEVELS = np.array([0.0, 0.3, -0.4])


def quadratic() -> Task:
  """losses = (theta . image - label)^2: small enough to be done by hand."""

  def loss(theta, model_state, batch, *, train):
    del train
    error = batch.image.reshape(len(batch.label), -1) @ theta - batch.label.astype(theta.dtype)
    return Outcome(error**2, {"error": jnp.abs(error)}, model_state)

  return Task(lambda key, batch: (jnp.ones(batch.image[0].size) / 4, {}), loss)


def categorical() -> Augmenter:
  """One level for the whole batch, drawn from softmax(phi); the score is on the weight."""

  def augment(key, phi, batch, *, first=0):
    del first
    level = jax.random.categorical(key, phi)
    log_prob = jax.nn.log_softmax(phi)[level]
    score = jnp.exp(log_prob - jax.lax.stop_gradient(log_prob))
    image = batch.image + jnp.asarray(LEVELS)[level]
    return batch._replace(image=image, weight=batch.weight * score)

  return Augmenter(lambda key: jnp.asarray([0.1, 0.5, -0.2]), augment)


def batch(seed: int = 0) -> Batch:
  rng = np.random.default_rng(seed)
  image, label = rng.normal(size=(4, 1, 1, 2)), rng.integers(0, 2, 4)
  weight = jnp.asarray([1.0, 2.0, 0.5, 1.0])
  return Batch(jnp.asarray(image), jnp.asarray(label), weight, jnp.arange(4))


def state(theta, phi, model_state=None, pinned=()) -> SearchState:
  return SearchState(theta, model_state or {}, (), phi, (), pinned, jnp.int32(0))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("draws", [1, 3])
def test_inner_is_the_weighted_mean_over_examples_and_draws(draws):
  made = supervised(quadratic(), categorical(), draws=draws)
  key, data = jax.random.key(0), batch()
  theta, _, phi = made.init(key, data)
  loss, aux = made.inner(key, state(theta, phi), data)(theta, phi)
  levels = [
    LEVELS[int(jax.random.categorical(jax.random.fold_in(key, d), phi))] for d in range(draws)
  ]
  flat, label, weight = (
    np.asarray(x).reshape(4, -1) for x in (data.image, data.label, data.weight)
  )
  errors = [(flat + level) @ np.full((2, 1), 0.25) - label for level in levels]
  np.testing.assert_allclose(loss, np.mean([weight * e**2 for e in errors]), rtol=1e-12)
  np.testing.assert_allclose(aux.scores["error"], np.mean(np.abs(errors)), rtol=1e-12)
  assert not aux.log_probs.any()
  assert len(set(levels)) == min(draws, 2)


@pytest.mark.usefixtures("x64")
def test_the_log_probability_comes_back_from_the_weights():
  made = supervised(quadratic(), categorical(), draws=2)
  key, data = jax.random.key(3), batch()
  theta, _, phi = made.init(key, data)
  inner = made.inner(key, state(theta, phi), data)
  for draw in range(2):
    score = jax.grad(lambda p, d=draw: jnp.mean(inner(theta, p, d)[1].log_probs))(phi)
    level = int(jax.random.categorical(jax.random.fold_in(key, draw), phi))
    np.testing.assert_allclose(score, np.eye(3)[level] - jax.nn.softmax(phi), rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_drawn_one_by_one_or_at_once_the_hypergradient_is_the_same():
  made = supervised(quadratic(), categorical(), draws=3)
  key, data = jax.random.key(3), batch()
  theta, _, phi = made.init(key, data)
  here, sgd = state(theta, phi), optax.sgd(0.1)
  inner, outer = made.inner(key, here, data), made.outer(key, here, batch(1))
  at_once = unrolled(sgd)(lambda *at: inner(*at)[0], outer, theta, phi, sgd.init(theta))
  move = shared_score(sgd, draws=3, has_aux=True)
  moved = move(by_draw(inner), outer, theta, phi, sgd.init(theta))
  np.testing.assert_allclose(moved.value, at_once[0], rtol=1e-12)
  np.testing.assert_allclose(moved.gradient, at_once[1], rtol=1e-10)
  assert np.abs(at_once[1]).max() > 1e-4
  assert len(moved.aux) == 3


@pytest.mark.usefixtures("x64")
def test_outer_has_clean_images_unless_told_and_a_penalty_on_what_is_pinned():
  def penalty(phi, pinned):
    return jnp.sum((phi - pinned) ** 2)

  key, data = jax.random.key(0), batch()
  clean = supervised(quadratic(), categorical(), penalty=penalty)
  theta, _, phi = clean.init(key, data)
  here = state(theta, phi, pinned=phi + 1)
  flat, label, weight = (
    np.asarray(x).reshape(4, -1) for x in (data.image, data.label, data.weight)
  )
  error = flat @ np.full((2, 1), 0.25) - label
  outer = clean.outer(key, here, data)
  np.testing.assert_allclose(outer(theta, phi), np.mean(weight * error**2) + 3, rtol=1e-12)
  np.testing.assert_allclose(jax.grad(outer, 1)(theta, phi), -2 * np.ones(3), rtol=1e-12)

  seen = supervised(quadratic(), categorical(), validation=categorical().augment)
  level = LEVELS[int(jax.random.categorical(key, phi))]
  error = (flat + level) @ np.full((2, 1), 0.25) - label
  value = seen.outer(key, here, data)(theta, phi)
  np.testing.assert_allclose(value, np.mean(weight * error**2), rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_weight_decay_that_second_derivatives_see():
  decay = half_l2(0.3, mask=optimizers.without_norm)
  theta = {"conv": {"kernel": jnp.asarray([2.0])}, "norm": {"scale": jnp.asarray([3.0])}}
  gradient = jax.grad(decay)(theta)
  expected = {"conv": {"kernel": [0.6]}, "norm": {"scale": [0.0]}}
  chex.assert_trees_all_close(
    gradient, jax.tree.map(np.asarray, expected, is_leaf=lambda x: isinstance(x, list))
  )
  made = supervised(quadratic(), categorical(), decay=half_l2(0.3))
  plain = supervised(quadratic(), categorical())
  key, data = jax.random.key(0), batch()
  theta, _, phi = made.init(key, data)
  losses = [p.inner(key, state(theta, phi), data)(theta, phi)[0] for p in (made, plain)]
  np.testing.assert_allclose(losses[0] - losses[1], 0.15 * np.sum(np.asarray(theta) ** 2))


@pytest.mark.parametrize("inner_train", [True, False])
@pytest.mark.parametrize("outer_train", [True, False])
def test_statistics_of_the_batch_or_running_ones(inner_train, outer_train):
  model = small_cnn(widths=(4,), classes=cases.CLASSES)
  made = cases.problem(model=model, inner_train=inner_train, outer_train=outer_train)
  key, feed = jax.random.key(0), cases.feed()
  data = feed.batch(feed.held, feed.draw(0))
  theta, model_state, phi = made.init(key, data)
  other = jax.tree.map(lambda x: x + 0.5, model_state)
  before, after = (state(theta, phi, s) for s in (model_state, other))

  def same(bind, at=lambda x: x):
    return bool(at(bind(key, before, data)(theta, phi)) == at(bind(key, after, data)(theta, phi)))

  # A loss that normalises by the batch does not see the running statistics.
  assert same(made.train, lambda x: x[0])
  assert same(made.inner, lambda x: x[0]) == inner_train
  assert same(made.outer) == outer_train
  moved = made.inner(key, before, data)(theta, phi)[1].model_state
  changed = not np.allclose(*(jax.tree.leaves(s)[0] for s in (moved, model_state)))
  assert changed == inner_train


def test_zero_draws_are_refused():
  with pytest.raises(ValueError, match="draws must be at least 1"):
    cases.problem(draws=0)
