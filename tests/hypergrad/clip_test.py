"""Nothing turns into NaN where a gradient vanishes."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from autoaug_jax.hypergrad import clip_by_norm, unrolled


@pytest.mark.parametrize("form", ["mixed", "grad"])
@pytest.mark.parametrize(
  "optimizer",
  [
    optax.adam(0.1, eps_root=1e-12),
    optax.chain(clip_by_norm(1.0), optax.sgd(0.1, momentum=0.9)),
  ],
)
@pytest.mark.usefixtures("x64", "optax_promotion")
def test_zero_inner_gradient(form, optimizer):
  theta, phi = {"a": jnp.zeros(2), "b": jnp.zeros(1)}, jnp.zeros(2)

  def inner(theta, phi):
    return jnp.vdot(theta["a"], phi) + jnp.sum(theta["b"] ** 2)

  def outer(theta, phi):
    return jnp.sum(jnp.cos(1.0 + theta["a"]))

  estimator = unrolled(optimizer, form=form)
  value, gradient = estimator(inner, outer, theta, phi, optimizer.init(theta))
  assert np.isfinite(value)
  assert np.all(np.isfinite(gradient))
  assert np.all(gradient > 0)  # cos falls, a step moves against phi: more phi, more outer loss


def test_clips_as_optax_does(x64):
  g = {"a": jnp.array([3.0, 4.0]), "b": jnp.array(12.0)}
  for limit in (1.0, 13.0, 20.0):
    ours, theirs = clip_by_norm(limit), optax.clip_by_global_norm(limit)
    got, expected = (t.update(g, t.init(g))[0] for t in (ours, theirs))
    chex.assert_trees_all_close(got, expected, rtol=1e-12)


def test_a_gradient_of_zero_has_a_derivative():
  clip = clip_by_norm(2.0)

  def clipped(g):
    return clip.update({"a": g}, optax.EmptyState())[0]["a"]

  np.testing.assert_array_equal(jax.jacobian(clipped)(jnp.zeros(2)), np.eye(2))
  np.testing.assert_allclose(clipped(jnp.asarray([3.0, 4.0])), [1.2, 1.6], rtol=1e-6)


def test_says_what_it_accepts():
  with pytest.raises(ValueError, match="positive, not -1"):
    clip_by_norm(-1.0)
