"""Densities and distances against published check points, scipy and quadrature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from autoaug_jax.policies.distributions import (
  entropy,
  kl_divergence,
  smoothed_uniform_log_prob,
  upper_edge_log_prob,
)

pytestmark = pytest.mark.usefixtures("x64")
SIGMA = 0.1
GRID = np.linspace(-1.5, 3.0, 4501)  # beyond, the density is 0 in float64


def density(bound):
  return np.exp(np.asarray(smoothed_uniform_log_prob(jnp.asarray(GRID), jnp.asarray(bound), SIGMA)))


@pytest.mark.parametrize(
  ("bound", "value", "released", "paper"),
  [(0.75, 0.5, 0.2815, 0.2815), (0.75, -0.05, 0.2877, -0.8882), (0.75, 0.9, -2.4183, -2.4183),
   (0.1, 0.05, 1.9336, 1.3427)],
)  # fmt: skip
def test_densities_at_check_points(bound, value, released, paper):
  assert upper_edge_log_prob(value, bound, SIGMA) == pytest.approx(released, abs=5e-5)
  assert smoothed_uniform_log_prob(value, bound, SIGMA) == pytest.approx(paper, abs=5e-5)


@pytest.mark.parametrize(
  ("bound", "value", "released", "paper"),
  [(0.75, 0.5, -1.1570, -1.1570), (0.75, 0.75, 6.6455, 6.6455), (0.75, 0.9, 18.05, 18.05),
   (0.1, 0.05, -4.9084, -0.8059)],
)  # fmt: skip
def test_scores_at_check_points(bound, value, released, paper):
  ours = [
    jax.grad(lambda b, f=f: f(value, b, SIGMA))(bound)
    for f in (upper_edge_log_prob, smoothed_uniform_log_prob)
  ]
  np.testing.assert_allclose(ours, [released, paper], atol=5e-3 if value == 0.9 else 6e-5)


@pytest.mark.parametrize("bound", [0.1, 0.3, 0.75, 1.0])
def test_the_density_is_the_papers_and_integrates_to_one(bound):
  """The trapezoidal rule is exact to rounding for a smooth density that vanishes at the ends."""
  upper, lower = (scipy.stats.norm.cdf(x / SIGMA) for x in (bound - GRID, -GRID))
  np.testing.assert_allclose(density(bound), (upper - lower) / bound, atol=1e-12)
  assert np.trapezoid(density(bound), GRID) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("bound", [0.1, 0.4, 1.0])
def test_the_score_in_the_bound_gives_the_derivatives_of_moments(bound):
  """E m = mu / 2 and E m^2 = mu^2 / 3 + sigma^2, hence 1 / 2 and 2 mu / 3; the mean score is 0."""
  one = jax.grad(lambda m, b: smoothed_uniform_log_prob(m, b, SIGMA), argnums=1)
  score = np.asarray(jax.vmap(one, in_axes=(0, None))(jnp.asarray(GRID), bound))
  means = [np.trapezoid(GRID**n * score * density(bound), GRID) for n in range(3)]
  np.testing.assert_allclose(means, [0.0, 0.5, 2 * bound / 3], atol=1e-10)


def test_far_tails_are_finite_in_single_precision():
  value = jnp.asarray([-1.0, -0.4, 1.6, 2.0], jnp.float32)
  bound = jnp.float32(0.1)
  ours, slope = (
    np.asarray(jax.vmap(f)(value))
    for f in (
      lambda m: smoothed_uniform_log_prob(m, bound, SIGMA),
      lambda m: jax.grad(smoothed_uniform_log_prob, 1)(m, bound, SIGMA),
    )
  )
  assert np.isfinite(slope).all()
  edge = np.abs(value - 0.05) - 0.05  # how far beyond the nearer end of [0, 0.1]
  upper, lower = (scipy.stats.norm.logcdf(-x / SIGMA) for x in (edge, edge + 0.1))
  expected = upper + np.log1p(-np.exp(lower - upper)) - np.log(0.1)
  np.testing.assert_allclose(ours, expected, rtol=1e-4)


def test_divergence_and_entropy():
  logits, uniform = jnp.array([1.0, 0, 0, 0]), jnp.zeros(4)
  assert kl_divergence(logits, uniform) == pytest.approx(0.11799, abs=5e-6)
  assert kl_divergence(uniform, logits) == pytest.approx(0.10737, abs=5e-6)
  gradient = jax.grad(kl_divergence)(logits, uniform)
  np.testing.assert_allclose(gradient, [0.24939, -0.08313, -0.08313, -0.08313], atol=5e-6)
  np.testing.assert_allclose(entropy(jnp.zeros((2, 17))), np.log(17))
