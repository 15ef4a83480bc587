"""Score estimators by enumeration of every draw of a small discrete policy."""

import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from autoaug_jax.hypergrad import (
  clip_by_norm,
  estimate,
  known,
  leave_one_out,
  per_image_score,
  shared_score,
  unrolled,
)

pytestmark = pytest.mark.usefixtures("x64")
OPS, RATE = 3, 0.002
PHI = np.array([0.5, -0.2, 0.1])
THETA = {"a": np.array([0.4, -1.0]), "b": np.array(0.3)}
U = {"a": np.array([1.0, -0.5]), "b": np.array(2.0)}
CENTRES = np.array([[1.0, 0.0], [0.0, 2.0], [-1.0, 0.5]])
PITCH = np.array([1.0, 2.0, 3.0])
PROB = np.exp(PHI) / np.exp(PHI).sum()
SCORES = np.eye(OPS) - PROB  # row t: d log p(t) / d phi
GRADIENTS = [  # of op_loss at THETA
  {"a": -np.sin(THETA["a"] - c), "b": p * np.cos(p * THETA["b"]) + 5}
  for c, p in zip(CENTRES, PITCH, strict=True)
]


def op_loss(theta, op):
  """The loss on images transformed by `op`; the last term is common to all, as weight decay is."""
  offset = theta["a"] - jnp.asarray(CENTRES)[op]
  return jnp.sum(jnp.cos(offset)) + jnp.sin(theta["b"] * jnp.asarray(PITCH)[op]) + 5 * theta["b"]


def linear(theta, phi):
  return jnp.vdot(U["a"], theta["a"]) + U["b"] * theta["b"]


def curved(theta, phi):
  return jnp.sum(jnp.sin(2 * theta["a"])) + theta["b"] ** 2


def dots(gradient, v):
  return float(np.vdot(gradient["a"], v["a"]) + gradient["b"] * v["b"])


def shared_estimate(taus, outer, baseline=None, optimizer=None, **options):
  """Jitted in the draws, so that enumeration compiles once."""
  optimizer = optimizer or optax.sgd(RATE)
  joint = shared_score(optimizer, draws=len(taus), baseline=baseline, **options)

  def inner(theta, phi, d):
    return op_loss(theta, taus[d]), jax.nn.log_softmax(phi)[taus[d]]

  return joint(inner, outer, THETA, PHI, optimizer.init(THETA))


def image_estimate(taus, outer, baseline=None):
  optimizer = optax.sgd(RATE)

  def inner(theta, phi):
    losses = jax.vmap(lambda tau: op_loss(theta, tau))(taus)
    return losses, jax.nn.log_softmax(phi)[taus]

  joint = per_image_score(optimizer, baseline=baseline)
  return joint(inner, outer, THETA, PHI, optimizer.init(THETA))


def mean_over_draws(estimator, draws):
  """The expectation of the gradient under the policy, and each outcome."""
  taus = np.array(list(itertools.product(range(OPS), repeat=draws)))
  prob = PROB[taus].prod(axis=1)
  each = jax.jit(lambda t: jax.lax.map(estimator, t))(jnp.asarray(taus))
  return prob @ np.asarray(each), taus, np.asarray(each), prob


@pytest.mark.parametrize("baseline", [None, leave_one_out, known(7.0)])
@pytest.mark.parametrize("kind", [shared_estimate, image_estimate])
def test_the_expectation_is_the_gradient(kind, baseline):
  """d/dphi outer(theta - rate sum_t p_t grad loss_t) for a linear outer, p' = p (1 - p)."""
  align = np.array([dots(g, U) for g in GRADIENTS])
  truth = -RATE * (PROB * align) @ SCORES
  mean, *_ = mean_over_draws(lambda t: kind(t, linear, baseline).gradient, 2)
  np.testing.assert_allclose(mean, truth, atol=1e-10)


@pytest.mark.parametrize("kind", [shared_estimate, image_estimate])
def test_each_draw_is_slacks_closed_form(kind):
  """Supplement B.1: -eta / N_a sum <grad val(ahead), grad train(tau)> grad log p(tau)."""
  _, taus, each, _ = mean_over_draws(lambda t: kind(t, curved).gradient, 2)
  for tau, got in zip(taus, each, strict=True):
    ahead = jax.tree.map(
      lambda t, *g: t - RATE * sum(g) / len(g), THETA, *(GRADIENTS[t] for t in tau)
    )
    v = jax.grad(curved)(ahead, PHI)
    expected = -RATE / 2 * sum(dots(GRADIENTS[t], v) * SCORES[t] for t in tau)
    np.testing.assert_allclose(got, expected, atol=1e-12)


@pytest.mark.parametrize("kind", [shared_estimate, image_estimate])
def test_baselines_keep_the_mean_and_lower_the_variance(kind):
  def moments(baseline):
    mean, _, each, prob = mean_over_draws(lambda t: kind(t, curved, baseline).gradient, 3)
    return mean, prob @ np.sum((each - mean) ** 2, axis=1)

  mean, variance = moments(None)
  alignment = -RATE * PROB @ [dots(g, jax.grad(curved)(THETA, PHI)) for g in GRADIENTS]
  mean_known, variance_known = moments(known(alignment))
  np.testing.assert_allclose(mean_known, mean, atol=1e-10)
  assert variance_known < variance / 2
  mean_left, variance_left = moments(leave_one_out)
  assert variance_left < variance / 2
  # The point ahead knows of every draw: of second order in the step.
  assert np.linalg.norm(mean_left - mean) < 0.1 * np.linalg.norm(mean)


@pytest.mark.parametrize(
  "optimizer", [optax.sgd(0.3, momentum=0.9), optax.adam(0.1, eps_root=1e-8)]
)
@pytest.mark.usefixtures("optax_promotion")
def test_unclipped_it_equals_the_unroll_with_the_score_on_the_weight(optimizer):
  taus = np.array([0, 2, 2, 1])

  def weighted(theta, phi):
    log_prob = jax.nn.log_softmax(phi)[taus]
    weight = jnp.exp(log_prob - jax.lax.stop_gradient(log_prob))
    return jnp.mean(weight * jnp.stack([op_loss(theta, t) for t in taus]))

  def stopped(theta, phi):
    log_prob = jax.lax.stop_gradient(jax.nn.log_softmax(phi)[taus])
    return jnp.mean(jnp.exp(log_prob - log_prob) * jnp.stack([op_loss(theta, t) for t in taus]))

  def divided(theta, phi):
    log_prob = jax.nn.log_softmax(phi)[taus]
    weight = jnp.exp(log_prob - jax.lax.stop_gradient(log_prob))
    losses = jnp.stack([op_loss(theta, t) for t in taus])
    return jnp.sum(weight * losses) / jnp.sum(weight)

  args = (curved, THETA, PHI, optimizer.init(THETA))
  for form in ("mixed", "grad"):
    value, gradient = unrolled(optimizer, form=form)(weighted, *args)
    moved = shared_estimate(list(taus), curved, optimizer=optimizer)
    chex.assert_trees_all_close((moved.value, moved.gradient), (value, gradient), rtol=1e-7)
    # What a batch weight must never be: without a gradient, or divided by its sum.
    for broken in (stopped, divided):
      wrong = unrolled(optimizer, form=form)(broken, *args)[1]
      assert np.linalg.norm(wrong - gradient) > 0.1 * np.linalg.norm(gradient)


def test_clips_as_slack_does():
  taus, clip, outer_clip, rate = [0, 1], 2.0, 0.5, 0.7
  optimizer = optax.sgd(0.1)
  moved = shared_estimate(
    taus, curved, optimizer=optimizer, clip=clip, outer_clip=outer_clip, rate=rate
  )
  clipped = [clip_by_norm(clip).update(GRADIENTS[t], None)[0] for t in taus]
  assert optax.tree.norm(GRADIENTS[0]) > clip
  ahead = jax.tree.map(lambda t, g, h: t - 0.1 * (g + h) / 2, THETA, *clipped)
  chex.assert_trees_all_close(moved.theta, ahead, rtol=1e-12)
  v = jax.grad(curved)(ahead, PHI)
  v = {k: np.asarray(x) * min(1.0, outer_clip / np.linalg.norm(x)) for k, x in v.items()}
  expected = -rate / 2 * sum(dots(g, v) * SCORES[t] for t, g in zip(taus, clipped, strict=True))
  np.testing.assert_allclose(moved.gradient, expected, rtol=1e-10)
  alignment = -rate * np.mean([dots(g, v) for g in clipped])
  np.testing.assert_allclose(moved.alignment, alignment, rtol=1e-10)


def test_aux_comes_back():
  optimizer = optax.sgd(RATE)
  state = optimizer.init(THETA)
  log_prob = jax.nn.log_softmax

  def shared(theta, phi, d):
    return op_loss(theta, d), (log_prob(phi)[d], {"seen": theta["b"] + d})

  def each(theta, phi):
    losses = jnp.stack([op_loss(theta, 0), op_loss(theta, 1)])
    return (losses, log_prob(phi)[:2]), {"seen": theta["b"]}

  moved = shared_score(optimizer, draws=2, has_aux=True)(shared, curved, THETA, PHI, state)
  chex.assert_trees_all_close(moved.aux, ({"seen": 0.3}, {"seen": 1.3}))
  per_image = per_image_score(optimizer, has_aux=True)(each, curved, THETA, PHI, state)
  chex.assert_trees_all_close(per_image.aux, {"seen": 0.3})
  chex.assert_trees_all_close(moved[:-1], per_image[:-1], rtol=1e-10)


def test_says_what_it_accepts():
  with pytest.raises(ValueError, match="at least 1, not 0"):
    shared_score(optax.sgd(0.1), draws=0)
  with pytest.raises(ValueError, match="at least 2 draws, not 1"):
    leave_one_out(jnp.ones(1), None)
  with pytest.raises(AssertionError):
    estimate(per_image_score(optax.sgd(0.1)))(
      lambda t, p: (linear(t, p), jnp.sum(p)), linear, THETA, PHI, optax.sgd(0.1).init(THETA)
    )
