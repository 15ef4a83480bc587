"""Each move against the same move written out with jax.grad."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from autoaug_jax import hypergrad
from autoaug_jax.models import small_cnn
from autoaug_jax.train import by_draw, learner, optim, program
from tests.train import cases


@pytest.fixture
def batches():
  feed = cases.feed()
  return tuple(feed.batch(feed.held, feed.draw(step)) for step in (0, 1))


def searcher(**kwargs):
  """Online bilevel's kind of learner: look-ahead through the real optimizer."""
  problem, optimizer = cases.problem(), optim.sgd(0.3, clip=5.0)
  kwargs.setdefault("estimator", hypergrad.unrolled(optimizer))
  kwargs.setdefault("joint", hypergrad.joint(optimizer, has_aux=True))
  return problem, optimizer, learner(problem, optimizer, phi_optimizer=optax.sgd(2.0), **kwargs)


def test_training_is_a_step_down_the_inner_loss(batches):
  problem, _, moves = searcher()
  key = jax.random.key(0)
  state = moves.init(key, batches[0])
  moved, metrics = jax.jit(moves.train)(key, state, batches[0], None)
  inner = problem.train(key, state, batches[0])
  (loss, aux), gradient = jax.value_and_grad(inner, has_aux=True)(state.theta, state.phi)
  expected = jax.tree.map(lambda x, g: x - 0.3 * g, state.theta, gradient)
  chex.assert_trees_all_close(moved.theta, expected, rtol=1e-5)
  chex.assert_trees_all_equal(moved.phi, state.phi)
  np.testing.assert_allclose(metrics["loss"], loss, rtol=1e-6)
  np.testing.assert_allclose(metrics["accuracy"], aux.scores["accuracy"], rtol=1e-6)
  length = np.sqrt(sum((np.asarray(g) ** 2).sum() for g in jax.tree.leaves(gradient)))
  np.testing.assert_allclose(metrics["gradient"], length, rtol=1e-5)
  np.testing.assert_allclose(metrics["rate"], 0.3, rtol=1e-6)


def test_the_mean_over_draws_may_be_of_shortened_gradients(batches):
  problem, limit = cases.problem(draws=3), 0.2
  key = jax.random.key(0)
  state = learner(problem, optim.sgd(0.3, momentum=0)).init(key, batches[0])
  inner = problem.train(key, state, batches[0])
  each = [jax.grad(lambda t, d=d: inner(t, state.phi, d)[0])(state.theta) for d in range(3)]
  rows = np.stack([np.asarray(jax.flatten_util.ravel_pytree(g)[0]) for g in each])
  lengths = np.linalg.norm(rows, axis=1, keepdims=True)
  assert lengths.min() > limit
  for clip in (None, limit):
    moves = learner(problem, optim.sgd(0.3, momentum=0), draw_clip=clip)
    moved, _ = jax.jit(moves.train)(key, state, batches[0], None)
    flat = rows if clip is None else rows * limit / lengths
    step = jax.flatten_util.ravel_pytree(
      jax.tree.map(lambda a, b: a - b, state.theta, moved.theta)
    )[0]
    np.testing.assert_allclose(step, 0.3 * flat.mean(0), rtol=1e-3, atol=1e-6)


def test_search_moves_phi_alone_by_the_estimate(batches):
  given = {}

  def estimator(inner, outer, theta, phi, opt_state):
    given["arguments"] = (inner(theta, phi).shape, outer(theta, phi).shape)
    del opt_state
    return outer(theta, phi), 0.25 * jnp.ones_like(phi)

  _, _, moves = searcher(estimator=estimator, project=lambda phi: jnp.maximum(phi, -0.3))
  key = jax.random.key(0)
  state = moves.init(key, batches[0])
  moved, metrics = jax.jit(moves.search)(key, state, *batches)
  assert given["arguments"] == ((), ())
  np.testing.assert_allclose(moved.phi, -0.3)  # 0.1 - 2 * 0.25, projected
  chex.assert_trees_all_equal(
    moved.replace(phi=0, phi_opt_state=0), state.replace(phi=0, phi_opt_state=0)
  )
  np.testing.assert_allclose(metrics["hypergradient"], 0.25)


def test_joint_is_a_search_and_a_step_on_the_same_images(batches):
  problem, optimizer, moves = searcher()
  key = jax.random.key(0)
  state = moves.init(key, batches[0])
  moved, metrics = jax.jit(moves.joint)(key, state, *batches)
  for_inner, for_outer = jax.random.split(key)
  inner = problem.train(for_inner, state, batches[0])
  outer = problem.outer(for_outer, state, batches[1])

  def ahead(phi):
    gradient = jax.grad(lambda t: inner(t, phi)[0])(state.theta)
    updates, _ = optimizer.update(gradient, state.opt_state, state.theta)
    return optax.apply_updates(state.theta, updates)

  value, gradient = jax.value_and_grad(lambda phi: outer(ahead(phi), phi))(state.phi)
  chex.assert_trees_all_close(moved.theta, ahead(state.phi), rtol=1e-5)
  np.testing.assert_allclose(moved.phi, state.phi - 2 * gradient, rtol=1e-4)
  np.testing.assert_allclose(metrics["outer"], value, rtol=1e-5)
  assert {"loss", "accuracy", "rate"} <= set(metrics)
  searched, _ = jax.jit(moves.search)(key, state, *batches)
  np.testing.assert_allclose(searched.phi, moved.phi, rtol=1e-4)


def test_joint_by_single_draws_trains_and_keeps_the_statistics(batches):
  problem = cases.problem(model=small_cnn(widths=(4,), classes=cases.CLASSES), draws=2)
  optimizer = optim.sgd(0.3)
  score = hypergrad.shared_score(optimizer, draws=2, has_aux=True)
  moves = learner(problem, optimizer, phi_optimizer=optax.sgd(1.0), joint=score, seen=by_draw)
  key = jax.random.key(0)
  state = moves.init(key, batches[0])
  moved, _ = jax.jit(moves.joint)(key, state, *batches)
  trained, _ = jax.jit(moves.train)(jax.random.split(key)[0], state, batches[0], None)
  chex.assert_trees_all_close(moved.theta, trained.theta, rtol=1e-4, atol=1e-6)
  chex.assert_trees_all_close(moved.model_state, trained.model_state, rtol=1e-5)


def test_refresh_and_pin_are_the_methods_own(batches):
  _, _, moves = searcher(
    pin=lambda state: state.theta,
    refresh=lambda key, state: state.replace(theta=state.pinned),
  )
  key = jax.random.key(0)
  state = moves.init(key, batches[0])
  moved, _ = moves.train(key, state, batches[0], None)
  back, metrics = moves.refresh(key, moved, None, None)
  chex.assert_trees_all_equal(back.theta, state.theta)
  assert metrics == {}


def test_a_search_needs_an_optimizer_of_phi():
  with pytest.raises(ValueError, match="needs a phi_optimizer"):
    learner(cases.problem(), optax.sgd(0.1), estimator=hypergrad.direct())


def test_every_move_is_traced_once(batches):
  del batches
  _, _, moves = searcher(refresh=lambda key, state: state.replace(theta=state.theta))
  chex.clear_trace_counter()
  counted = {
    n: chex.assert_max_traces(getattr(moves, n), n=1)
    for n in ("train", "search", "joint", "refresh")
  }
  made = program(moves._replace(**counted), cases.feed(), valid=cases.feed(seed=1))
  state = made.init()
  for number in range(3):
    for name in counted:
      state, _ = made.moves[name](state, (number, number), 1)
  assert int(state.step) == 12
