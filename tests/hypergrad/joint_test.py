"""One move is the training step and the search step taken separately."""

import chex
import jax
import jax.numpy as jnp
import optax
import pytest

from autoaug_jax.hypergrad import joint, unrolled


@pytest.mark.parametrize("remat", [False, True])
def test_is_a_training_step_and_its_hypergradient(mlp, remat):
  optimizer = optax.chain(optax.add_decayed_weights(0.01), optax.sgd(0.3, momentum=0.9))
  state = optimizer.init(mlp.theta)

  def inner(theta, phi):
    return mlp.inner(theta, phi), {"shift": 2 * phi["shift"]}

  move = jax.jit(lambda *at: joint(optimizer, has_aux=True, remat=remat)(inner, mlp.outer, *at))
  moved = move(mlp.theta, mlp.phi, state)
  loss, gradient = jax.value_and_grad(mlp.inner)(mlp.theta, mlp.phi)
  updates, new_state = optimizer.update(gradient, state, mlp.theta)
  chex.assert_trees_all_close(moved.theta, optax.apply_updates(mlp.theta, updates), rtol=1e-12)
  chex.assert_trees_all_close(moved.opt_state, new_state, rtol=1e-12)
  chex.assert_trees_all_close(moved.loss, loss, rtol=1e-12)
  chex.assert_trees_all_equal(moved.aux, {"shift": 2 * mlp.phi["shift"]})
  searched = unrolled(optimizer, form="grad")(
    lambda *at: inner(*at)[0], mlp.outer, mlp.theta, mlp.phi, state
  )
  chex.assert_trees_all_close((moved.value, moved.gradient), searched, rtol=1e-10)


def test_alignment_is_the_slope_of_the_outer_loss_in_the_step(mlp):
  """For SGD, d outer(theta - eta s G) / d s at s = 1."""
  optimizer = optax.sgd(0.3)
  args = (mlp.theta, mlp.phi, optimizer.init(mlp.theta))
  moved = joint(optimizer)(lambda t, p: mlp.inner(t, p), mlp.outer, *args)
  gradient = jax.grad(mlp.inner)(mlp.theta, mlp.phi)

  def ahead(s):
    return mlp.outer(jax.tree.map(lambda t, g: t - 0.3 * s * g, mlp.theta, gradient), mlp.phi)

  slope = (ahead(1 + 1e-5) - ahead(1 - 1e-5)) / 2e-5
  chex.assert_trees_all_close(moved.alignment, slope, rtol=1e-7)
  assert jnp.shape(moved.alignment) == ()
