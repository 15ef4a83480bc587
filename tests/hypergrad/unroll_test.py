"""`unrolled` against central differences of the outer loss after the steps were really taken."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax
import pytest

from autoaug_jax.hypergrad import unrolled

FORMS = ("mixed", "grad")
OPTIMIZERS = {
  "sgd": optax.sgd(0.5),
  "momentum": optax.chain(optax.add_decayed_weights(0.01), optax.sgd(0.3, momentum=0.9)),
  "nesterov": optax.sgd(optax.cosine_decay_schedule(0.3, 10), momentum=0.9, nesterov=True),
  "adam": optax.adam(0.05, eps_root=1e-8),
}


class Toy(NamedTuple):
  inner: Callable[..., Any]
  outer: Callable[..., Any]
  theta: Any


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
def test_equals_central_differences(mlp, differences, name, steps):
  optimizer = OPTIMIZERS[name]
  state = used_state(mlp, optimizer)
  objective = functools.partial(after_steps, mlp, optimizer, steps, state)
  expected = differences(objective, mlp.phi)
  inner = mlp.inner if steps > 1 else lambda theta, phi: mlp.inner(theta, phi)

  @jax.jit
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


class ConvNet(NamedTuple):
  """A convolution, BatchNorm and a linear layer; `train` says whose statistics normalise."""

  theta: Any
  phi: Any
  inner: Callable[..., Any]  # (theta, phi, train)
  outer: Callable[..., Any]  # (theta, train)
  leaking: Callable[..., Any]  # (theta, phi): outer with the training batch's statistics


@pytest.fixture
def conv_net(x64):
  keys = jax.random.split(jax.random.key(1), 4)
  x, x_val = jax.random.uniform(keys[0], (2, 4, 6, 6, 2))
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

  running = jax.lax.stop_gradient(statistics(features(theta, images(phi))))

  def normalised(theta, images, train):
    h = features(theta, images)
    return loss(theta, h, statistics(h) if train else running)

  return ConvNet(
    theta,
    phi,
    lambda t, p, train: normalised(t, images(p), train),
    lambda t, train: normalised(t, x_val, train),
    lambda t, p: loss(t, features(t, x_val), statistics(features(theta, images(p)))),
  )


# BatchNorm's modes are the caller's: SLACK's and Online bilevel's, MADAO's, AutoDO's.
@pytest.mark.usefixtures("optax_promotion")
@pytest.mark.parametrize(
  ("name", "steps", "inner_train", "outer_train"),
  [
    ("sgd", 1, True, True),
    ("momentum", 2, True, False),
    ("adam", 2, False, False),
    ("nesterov", 5, True, True),
  ],
)
def test_conv_net_with_batch_norm(conv_net, differences, name, steps, inner_train, outer_train):
  optimizer = OPTIMIZERS[name]
  theta, phi = conv_net.theta, conv_net.phi

  def inner(theta, phi, k=0):
    return conv_net.inner(theta, phi, inner_train) * (1 + 0.1 * k)

  def outer(theta, phi):
    return conv_net.outer(theta, outer_train)

  state = optimizer.init(theta)
  toy = Toy(inner, outer, theta)
  expected = differences(functools.partial(after_steps, toy, optimizer, steps, state), phi)
  f = inner if steps > 1 else lambda theta, phi: inner(theta, phi)

  @jax.jit
  def both_forms(*at):
    return [unrolled(optimizer, steps=steps, form=form)(f, outer, *at)[1] for form in FORMS]

  for gradient in both_forms(theta, phi, state):
    chex.assert_trees_all_close(gradient, expected, rtol=1e-6, atol=1e-9)


def test_statistics_that_leak_would_be_seen(conv_net):
  """Running statistics carry no gradient; an outer loss by statistics of phi's images would."""
  optimizer = optax.sgd(0.5)

  def inner(theta, phi):
    return conv_net.inner(theta, phi, True)

  @jax.jit
  def estimates(*at):
    outers = (lambda theta, phi: conv_net.outer(theta, False), conv_net.leaking)
    return [unrolled(optimizer)(inner, outer, *at) for outer in outers]

  at = (conv_net.theta, conv_net.phi, optimizer.init(conv_net.theta))
  (_, stopped), (_, leaked) = estimates(*at)
  assert abs(leaked["bend"] - stopped["bend"]) > 0.01 * abs(stopped["bend"])


def test_with_remat_memory_grows_by_theta_and_not_by_activations():
  width, depth, batch = 16, 4, 2048
  theta = [jnp.eye(width) + 0.01 * k for k in range(depth)]
  x = jnp.linspace(-1, 1, batch * width).reshape(batch, width)

  def inner(theta, phi, k):
    h = x + phi
    for kernel in theta:
      h = jnp.tanh(h @ kernel)
    return (1 + 0.1 * k) * jnp.mean(h**2)

  def outer(theta, phi):
    return inner(theta, 0.0, 0)

  def temporaries(steps, remat):
    sgd = optax.sgd(0.1)

    def estimate(theta, phi):
      return unrolled(sgd, steps=steps, remat=remat)(inner, outer, theta, phi, sgd.init(theta))

    compiled = jax.jit(estimate).lower(theta, jnp.zeros(())).compile()
    return compiled.memory_analysis().temp_size_in_bytes

  layer = 4 * batch * width
  grown = {remat: temporaries(4, remat) - temporaries(2, remat) for remat in (False, True)}
  assert grown[False] > 2 * depth * layer
  assert grown[True] < 0.1 * layer


def test_says_what_it_accepts():
  with pytest.raises(ValueError, match=r"'auto', 'mixed', 'grad', not 'forward'"):
    unrolled(optax.sgd(0.1), form="forward")
  with pytest.raises(ValueError, match="at least 1, not 0"):
    unrolled(optax.sgd(0.1), steps=0)
