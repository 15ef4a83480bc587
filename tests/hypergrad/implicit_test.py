"""Implicit gradients against closed forms: ridge and logistic regression, all in numpy."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from autoaug_jax.hypergrad import (
  conjugate_gradient,
  dense,
  gauss_newton,
  implicit,
  implicit_checked,
  neumann,
  scaled_identity,
  unrolled,
)

pytestmark = pytest.mark.usefixtures("x64")
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 4)), RNG.normal(size=12)
X_VAL, Y_VAL = RNG.normal(size=(9, 4)), RNG.normal(size=9)
LOG_DECAY = np.array([1.0, 1.2, 1.4, 1.6])
LOG_WEIGHT = np.linspace(-0.3, 0.4, 12)
LABEL = (Y > 0).astype(float)
LABEL_VAL = (Y_VAL > 0).astype(float)


def ridge():
  """One decay per coefficient. -> inner, outer, theta*, phi, d outer(theta*(phi)) / d phi, H."""

  def inner(theta, phi):
    fit = X @ theta - Y
    return jnp.vdot(fit, fit) / 24 + jnp.sum(jnp.exp(phi) * theta**2) / 2

  def outer(theta, phi):
    fit = X_VAL @ theta - Y_VAL
    return jnp.vdot(fit, fit) / 18

  decay = np.exp(LOG_DECAY)
  matrix = X.T @ X / 12 + np.diag(decay)
  theta = np.linalg.solve(matrix, X.T @ Y / 12)
  v = X_VAL.T @ (X_VAL @ theta - Y_VAL) / 9
  exact = -decay * theta * np.linalg.solve(matrix, v)
  return inner, outer, jnp.asarray(theta), jnp.asarray(LOG_DECAY), exact, matrix


def logistic():
  """One weight per example. As `ridge`."""

  def losses(theta, x, label):
    score = x @ theta
    return jnp.logaddexp(0.0, score) - label * score

  def inner(theta, phi):
    return jnp.mean(jnp.exp(phi) * losses(theta, X, LABEL)) + 0.5 * jnp.vdot(theta, theta)

  def outer(theta, phi):
    return jnp.mean(losses(theta, X_VAL, LABEL_VAL))

  def sigmoid(z):
    return 1 / (1 + np.exp(-z))

  weight, theta = np.exp(LOG_WEIGHT) / 12, np.zeros(4)
  for _ in range(30):
    p = sigmoid(X @ theta)
    matrix = (X * (weight * p * (1 - p))[:, None]).T @ X + np.eye(4)
    theta = theta - np.linalg.solve(matrix, X.T @ (weight * (p - LABEL)) + theta)
  v = X_VAL.T @ (sigmoid(X_VAL @ theta) - LABEL_VAL) / 9
  exact = -weight * (p - LABEL) * (X @ np.linalg.solve(matrix, v))
  return inner, outer, jnp.asarray(theta), jnp.asarray(LOG_WEIGHT), exact, matrix


@pytest.mark.parametrize("problem", [ridge, logistic])
def test_exact_neumann_cg_and_a_long_unroll_agree_with_the_closed_form(problem):
  inner, outer, theta, phi, exact, matrix = problem()
  eigenvalues = np.linalg.eigvalsh(matrix)
  alpha = 2 / (eigenvalues[0] + eigenvalues[-1])
  assert (1 - alpha * eigenvalues[0]) ** 13 < 1e-6, "12 terms are enough"
  sgd = optax.sgd(alpha)
  estimators = {
    "dense": (implicit(dense()), 1e-9),
    "cg": (implicit(conjugate_gradient(4)), 1e-8),
    "neumann": (implicit(neumann(alpha, 12)), 1e-6),
    "neumann, nothing shared": (implicit(neumann(alpha, 12), remat=True), 1e-6),
    "unrolled": (unrolled(sgd, steps=13), 1e-6),
  }
  for name, (estimator, tolerance) in estimators.items():
    f = inner if name != "unrolled" else lambda t, p, k: inner(t, p)
    run = jax.jit(functools.partial(estimator, f, outer))
    value, gradient = run(theta, phi, sgd.init(theta))
    np.testing.assert_allclose(value, outer(theta, phi), rtol=1e-12)
    scale = np.abs(exact).max()
    np.testing.assert_allclose(gradient, exact, atol=tolerance * scale, err_msg=name)
    # The missing minus sign of a released implementation would be 2 |exact| away.
    assert np.vdot(gradient, exact) > 0


@pytest.mark.parametrize("steps", [1, 3, 6])
def test_k_steps_at_the_fixed_point_are_a_neumann_series_of_k_minus_1_terms(steps):
  inner, outer, theta, phi, _, _ = ridge()
  sgd = optax.sgd(0.1)
  f = inner if steps == 1 else lambda t, p, k: inner(t, p)
  unroll = unrolled(sgd, steps=steps)(f, outer, theta, phi, sgd.init(theta))
  series = implicit(neumann(0.1, steps - 1))(inner, outer, theta, phi, None)
  chex.assert_trees_all_close(unroll, series, rtol=1e-9)


def test_identity_is_the_first_order_variant():
  inner, outer, theta, phi, _, _ = ridge()
  v = X_VAL.T @ (X_VAL @ np.asarray(theta) - Y_VAL) / 9
  got = implicit(scaled_identity(0.3))(inner, outer, theta, phi, None)[1]
  np.testing.assert_allclose(got, -0.3 * np.exp(LOG_DECAY) * np.asarray(theta) * v, rtol=1e-12)


def test_damping_adds_to_the_curvature_and_keeps_the_direct_gradient():
  inner, outer, theta, phi, _, matrix = ridge()

  def with_penalty(theta, phi):
    return outer(theta, phi) + jnp.vdot(phi, phi)

  v = X_VAL.T @ (X_VAL @ np.asarray(theta) - Y_VAL) / 9
  q = np.linalg.solve(matrix + 0.7 * np.eye(4), v)
  expected = 2 * LOG_DECAY - np.exp(LOG_DECAY) * np.asarray(theta) * q
  got = implicit(conjugate_gradient(4), damping=0.7)(inner, with_penalty, theta, phi, None)[1]
  np.testing.assert_allclose(got, expected, rtol=1e-8)


def test_residual_tells_a_series_that_diverges():
  inner, outer, theta, phi, _, matrix = ridge()
  largest = np.linalg.eigvalsh(matrix)[-1]
  v = X_VAL.T @ (X_VAL @ np.asarray(theta) - Y_VAL) / 9
  for alpha, terms in ((1 / largest, 20), (3 / largest, 20)):
    checked = implicit_checked(neumann(alpha, terms))
    residual = checked(inner, outer, theta, phi, None).residual
    left = np.linalg.matrix_power(np.eye(4) - alpha * matrix, terms + 1) @ v
    np.testing.assert_allclose(residual, np.linalg.norm(left) / np.linalg.norm(v), rtol=1e-6)
    assert (residual > 1) == (alpha > 2 / largest)


def test_no_validation_gradient_is_no_error():
  inner, _, theta, phi, _, _ = ridge()
  for solve in (neumann(1e-3, 5), conjugate_gradient(2), scaled_identity(1.0)):
    solved = implicit_checked(solve)(inner, lambda t, p: jnp.sum(p), theta, phi, None)
    np.testing.assert_array_equal(solved.gradient, 1)
    assert solved.residual == 0


def test_gauss_newton_is_the_hessian_of_a_linear_model():
  inner, outer, theta, phi, exact, _ = ridge()
  product = gauss_newton(
    lambda theta, phi: jnp.concatenate([X @ theta, theta]),
    lambda out, phi: jnp.sum((out[:12] - Y) ** 2) / 24 + jnp.sum(jnp.exp(phi) * out[12:] ** 2) / 2,
  )
  got = implicit(conjugate_gradient(4), product=product)(inner, outer, theta, phi, None)[1]
  np.testing.assert_allclose(got, exact, rtol=1e-8)
