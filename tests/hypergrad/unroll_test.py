"""`unrolled` against central differences of the outer loss after the steps were really taken."""

import functools

import chex
import jax
import jax.numpy as jnp
import optax
import pytest

from autoaug_jax.hypergrad import unrolled

OPTIMIZERS = {
  "sgd": optax.sgd(0.5),
  "momentum": optax.chain(optax.add_decayed_weights(0.01), optax.sgd(0.3, momentum=0.9)),
  "nesterov": optax.sgd(optax.cosine_decay_schedule(0.3, 10), momentum=0.9, nesterov=True),
  "adam": optax.adam(0.05, eps_root=1e-8),
}


def after_steps(toy, optimizer, steps, opt_state, phi):
  theta, state = toy.theta, opt_state
  for k in range(steps):
    gradient = jax.grad(toy.inner)(theta, phi, k)
    updates, state = optimizer.update(gradient, state, theta)
    theta = optax.apply_updates(theta, updates)
  return toy.outer(theta, phi)


def used_state(toy, optimizer):
  """The optimizer's state after one step on something else: moments that are not zero."""
  gradient = jax.tree.map(lambda t: 0.2 * jnp.cos(t), toy.theta)
  return optimizer.update(gradient, optimizer.init(toy.theta), toy.theta)[1]


@pytest.mark.usefixtures("optax_promotion")
@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_equals_central_differences(mlp, differences, quick_jit, name, steps):
  optimizer = OPTIMIZERS[name]
  state = used_state(mlp, optimizer)
  objective = functools.partial(after_steps, mlp, optimizer, steps, state)
  expected = differences(objective, mlp.phi)
  inner = mlp.inner if steps > 1 else lambda theta, phi: mlp.inner(theta, phi)

  @quick_jit
  def every_form(*at):
    forms = [("mixed", steps == 5), ("grad", steps == 5)]
    forms += [("mixed", True), ("grad", True), ("auto", False)] if steps == 1 else []
    estimators = [unrolled(optimizer, steps=steps, form=f, remat=remat) for f, remat in forms]
    return [estimator(inner, mlp.outer, *at) for estimator in estimators], objective(at[1])

  results, ahead = every_form(mlp.theta, mlp.phi, state)
  for value, gradient in results:
    chex.assert_trees_all_close(value, ahead, rtol=1e-12)
    # Central differences in float64 with a step of 1e-5 are good to 1e-9.
    chex.assert_trees_all_close(gradient, expected, rtol=1e-6, atol=1e-9)


def test_auto_takes_grad_where_there_is_no_forward_rule(mlp):
  @jax.custom_vjp
  def slope(x):
    return jnp.cos(x)

  slope.defvjp(lambda x: (jnp.cos(x), x), lambda x, c: (-c * jnp.sin(x),))

  @jax.custom_vjp
  def sine(x):
    return jnp.sin(x)

  sine.defvjp(lambda x: (jnp.sin(x), x), lambda x, c: (c * slope(x),))

  def inner(theta, phi):
    return mlp.inner(theta, phi) + jnp.sum(sine(theta["head"]["bias"] * phi["shift"][:2]))

  optimizer = optax.sgd(0.5)
  args = (mlp.outer, mlp.theta, mlp.phi, optimizer.init(mlp.theta))
  with pytest.raises(TypeError):
    unrolled(optimizer, form="mixed")(inner, *args)
  chex.assert_trees_all_equal(
    unrolled(optimizer)(inner, *args), unrolled(optimizer, form="grad")(inner, *args)
  )


@pytest.mark.parametrize("form", ["mixed", "grad"])
def test_conv_net_with_batch_norm(x64, differences, form):
  """Statistics of the training batch inside; outside, running ones that carry no gradient."""
  keys = jax.random.split(jax.random.key(1), 4)
  x, x_val = jax.random.uniform(keys[0], (2, 4, 8, 8, 2))
  y = jax.nn.one_hot(jnp.arange(4) % 2, 2)
  theta = {
    "conv": 0.4 * jax.random.normal(keys[1], (3, 3, 2, 3)),
    "scale": jnp.ones((3,)),
    "head": jax.random.normal(keys[2], (3, 2)),
  }
  phi = {"gain": jnp.array([1.1, 0.9]), "bend": jnp.array(0.2)}

  def images(phi):
    return x * phi["gain"].reshape(1, 1, 1, 2) + phi["bend"] * x**2

  def features(theta, x):
    numbers = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, theta["conv"], (1, 1), "SAME", dimension_numbers=numbers)

  def statistics(h):
    return jnp.mean(h, (0, 1, 2), keepdims=True), jnp.var(h, (0, 1, 2), keepdims=True)

  def loss(theta, h, stats):
    mean, var = stats
    h = jnp.tanh((h - mean) * jax.lax.rsqrt(var + 1e-5) * theta["scale"].reshape(1, 1, 1, 3))
    logits = jnp.mean(h, (1, 2)) @ theta["head"]
    return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(logits), -1))

  def inner(theta, phi):
    h = features(theta, images(phi))
    return loss(theta, h, statistics(h))

  running = jax.lax.stop_gradient(statistics(features(theta, images(phi))))
  outers = {
    "train": lambda t, phi: loss(t, features(t, x_val), statistics(features(t, x_val))),
    "eval": lambda t, phi: loss(t, features(t, x_val), running),
  }
  optimizer = optax.sgd(0.5)
  estimator = unrolled(optimizer, form=form)

  @functools.partial(jax.jit, static_argnums=0)
  def estimate(outer):
    return estimator(inner, outer, theta, phi, optimizer.init(theta))

  for outer in outers.values():

    def ahead(phi, outer=outer):
      step = jax.tree.map(lambda t, g: t - 0.5 * g, theta, jax.grad(inner)(theta, phi))
      return outer(step, phi)

    expected = differences(ahead, phi)
    gradient = estimate(outer)[1]
    chex.assert_trees_all_close(gradient, expected, rtol=1e-6, atol=1e-9)

  def leaking(t, phi):
    return loss(t, features(t, x_val), statistics(features(theta, images(phi))))

  leaked = estimate(leaking)[1]
  assert not jnp.allclose(leaked["bend"], expected["bend"], rtol=1e-2), "statistics had no gradient"


def test_says_what_it_accepts():
  with pytest.raises(ValueError, match=r"'auto', 'mixed', 'grad', not 'forward'"):
    unrolled(optax.sgd(0.1), form="forward")
  with pytest.raises(ValueError, match="at least 1, not 0"):
    unrolled(optax.sgd(0.1), steps=0)
