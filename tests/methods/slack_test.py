"""SLACK's moves against its equations, written out."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.methods import Times
from autoaug_jax.policies import CategoricalPhi, categorical_uniform, shared
from autoaug_jax.train import optim
from tests.methods.cases import SPACE, small_slack, task
from tests.train import cases

RATE, KL, DECAY, ETA = 0.5, 0.1, 5e-4, 0.1


@pytest.fixture(scope="module")
def batches():
  feed = cases.feed()
  return tuple(feed.batch(feed.held, feed.draw(step)) for step in (0, 1))


def test_the_order_of_moves():
  method = small_slack(times=Times(pretrain=3, rounds=2, retrain=2, search=2))
  pretrain, search = method.phases
  assert (pretrain.name, search.name) == ("pretrain", "search")
  assert pretrain.schedule == ("train",) * 3
  assert search.schedule == ("refresh", "train", "joint", "joint") * 2


def test_times_of_the_paper():
  """Supplement B: 10 rounds of 1,000 training steps, then 400 that also search."""
  schedule = small_slack(times=Times(pretrain=1)).phases[1].schedule
  counts = {name: schedule.count(name) for name in ("refresh", "train", "joint")}
  assert counts == {"refresh": 10, "train": 9990, "joint": 4000}


def begun(method, batch):
  """(learner, state) of the search, with an anchor that the policy has left, at a drawn network."""
  learner = method.phases[1].learner
  state = learner.init(jax.random.key(1), batch)
  moved = CategoricalPhi(
    state.phi.logits + jnp.linspace(-1.0, 1.0, 8).reshape(2, 4), state.phi.bound - 0.2
  )
  return learner, state.replace(phi=moved)


def test_a_joint_move_is_the_papers_equation(batches):
  """phi moves by eta sum_i <g_i, v> grad log p(tau_i) / 8 less the divergence's gradient (B.1)."""
  draws = 3
  method = small_slack(draws=draws, rate=RATE, kl=KL)
  learner, state = begun(method, batches[0])
  key = jax.random.key(7)
  moved, metrics = jax.jit(learner.joint)(key, state, *batches)

  policy = categorical_uniform(SPACE, 2, flip=0.0)
  augment = shared(policy).augment
  for_inner, _ = jax.random.split(key)
  loss_of = task().loss

  def inner(theta, draw):
    batch = augment(jax.random.fold_in(for_inner, draw), state.phi, batches[0])
    losses = loss_of(theta, state.model_state, batch, train=True).losses
    squares = sum(jnp.vdot(x, x) for x in jax.tree.leaves(theta))
    return jnp.mean(losses) + DECAY / 2 * squares

  def outer(theta):
    return jnp.mean(loss_of(theta, state.model_state, batches[1], train=True).losses)

  gradients = [clipped(jax.grad(inner)(state.theta, d), 5.0) for d in range(draws)]
  mean = jax.tree.map(lambda *g: sum(g) / draws, *gradients)
  ahead = jax.tree.map(lambda t, g: t - ETA * g, state.theta, mean)  # momentum begins at 0
  chex.assert_trees_all_close(moved.theta, ahead, rtol=1e-4, atol=1e-6)
  value, v = jax.value_and_grad(outer)(ahead)
  v = jax.tree.map(lambda leaf: clipped(leaf, 5.0), v)
  expected = jax.tree.map(jnp.zeros_like, state.phi)
  for d, g in enumerate(gradients):
    alignment = sum(jax.tree.leaves(jax.tree.map(jnp.vdot, g, v)))
    tau = policy.sample(jax.random.fold_in(jax.random.fold_in(for_inner, d), 0), state.phi)
    score = jax.grad(policy.log_prob)(state.phi, tau)
    expected = jax.tree.map(lambda e, s, a=alignment: e - ETA * a * s / draws, expected, score)
  p, q = (jax.nn.softmax(x.logits) for x in (state.phi, state.pinned.anchor))
  divergence = jax.grad(lambda x: KL * jnp.sum(jax.nn.softmax(x) * jnp.log(jax.nn.softmax(x) / q)))
  logits = state.phi.logits - RATE * (expected.logits + divergence(state.phi.logits))
  bound = state.phi.bound - RATE / 40 * expected.bound
  np.testing.assert_allclose(moved.phi.logits, logits, rtol=2e-4, atol=2e-6)
  np.testing.assert_allclose(moved.phi.bound, bound, rtol=2e-5)
  assert float(jnp.max(jnp.abs(moved.phi.logits - state.phi.logits))) > 1e-4, "too weak a test"
  np.testing.assert_allclose(metrics["outer"], value + KL * jnp.sum(p * jnp.log(p / q)), rtol=1e-4)


def test_a_round_begins_with_the_pretrained_network_and_a_new_anchor(batches):
  learner, state = begun(small_slack(), batches[0])
  key = jax.random.key(2)
  trained, _ = jax.jit(learner.joint)(key, state, *batches)
  fresh, _ = jax.jit(learner.refresh)(key, trained, None, None)
  chex.assert_trees_all_equal(fresh.theta, state.theta)
  chex.assert_trees_all_equal(fresh.opt_state, state.opt_state)
  chex.assert_trees_all_equal(fresh.phi_opt_state, state.phi_opt_state)
  chex.assert_trees_all_equal(fresh.pinned.anchor, trained.phi)
  chex.assert_trees_all_equal(fresh.phi, trained.phi)


def test_a_warm_start_keeps_the_network(batches):
  learner, state = begun(small_slack(cold=False), batches[0])
  trained, _ = jax.jit(learner.joint)(jax.random.key(2), state, *batches)
  fresh, _ = jax.jit(learner.refresh)(jax.random.key(3), trained, None, None)
  chex.assert_trees_all_equal(fresh.theta, trained.theta)


def test_a_smaller_learning_rate_after_a_rewind_outlives_the_round(batches):

  learner, state = begun(small_slack(), batches[0])
  state = state.replace(opt_state=optim.rescaled(state.opt_state, 0.5))
  fresh, _ = jax.jit(learner.refresh)(jax.random.key(3), state, None, None)
  _, metrics = jax.jit(learner.train)(jax.random.key(3), fresh, batches[0], None)
  np.testing.assert_allclose(metrics["rate"], 0.5 * ETA, rtol=1e-6)


@pytest.mark.parametrize(
  ("options", "still"),
  [({"rate": 0.0, "bound_rate": 0.1}, "logits"), ({"bound_rate": 0.0}, "bound")],
  ids=["bounds only", "ops only"],
)
def test_half_a_policy(batches, options, still):
  learner, state = begun(small_slack(**options), batches[0])
  moved, _ = jax.jit(learner.joint)(jax.random.key(5), state, *batches)
  for name in ("logits", "bound"):
    same = np.array_equal(getattr(moved.phi, name), getattr(state.phi, name))
    assert same == (name == still), name


def test_an_ensembles_policy_moves_by_the_mean(batches):
  """Of the moves that its networks would make alone, each on its part of the batches."""
  alone, _ = begun(small_slack(rate=RATE), batches[0])
  both = small_slack(rate=RATE, models=2).phases[1].learner
  key = jax.random.key(4)
  state = both.init(jax.random.key(1), batches[0])
  moved, _ = jax.jit(both.joint)(key, state, *batches)
  each = []
  for place in range(2):
    own = state.replace(
      **{
        n: jax.tree.map(lambda x, i=place: x[i], getattr(state, n))
        for n in ("theta", "model_state", "opt_state")
      },
      pinned=state.pinned._replace(theta=jax.tree.map(lambda x, i=place: x[i], state.pinned.theta)),
    )
    parts = [jax.tree.map(lambda x, i=place: x[4 * i : 4 * i + 4], b) for b in batches]
    each.append(jax.jit(alone.joint)(jax.random.fold_in(key, place), own, *parts)[0])
    chex.assert_trees_all_close(
      jax.tree.map(lambda x, i=place: x[i], moved.theta), each[-1].theta, rtol=1e-4, atol=1e-6
    )
  # Plain SGD from rest is linear in the gradient, and no bound is at an end of its range.
  mean = jax.tree.map(lambda a, b: (a + b) / 2, each[0].phi, each[1].phi)
  chex.assert_trees_all_close(moved.phi, mean, rtol=1e-4, atol=1e-6)
  assert not np.allclose(each[0].phi.logits, each[1].phi.logits, atol=1e-6)


def clipped(tree, limit):
  length = jnp.sqrt(sum(jnp.vdot(x, x) for x in jax.tree.leaves(tree)))
  return jax.tree.map(lambda x: x * jnp.minimum(1.0, limit / length), tree)
