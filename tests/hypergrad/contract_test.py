"""What every estimator keeps: the result on any number of devices, one trace, dtypes, structure."""

import functools

import chex
import jax
import jax.numpy as jnp
import optax
import pytest

from autoaug_jax.devices import mean_over
from autoaug_jax.hypergrad import (
  by_direction,
  conjugate_gradient,
  dense,
  direct,
  estimate,
  finite_difference,
  gauss_newton,
  implicit,
  leave_one_out,
  neumann,
  per_image_score,
  restrict,
  scaled_identity,
  shared_score,
  stepwise,
  unrolled,
)

SGD = optax.sgd(0.2, momentum=0.9)


@jax.numpy_dtype_promotion("standard")
def adam_update(*args):
  return _ADAM.update(*args)


_ADAM = optax.adam(0.05, eps_root=1e-8)
# optax's Adam promotes dtypes (float ** int32); everything else here must not.
ADAM = optax.GradientTransformation(_ADAM.init, adam_update)


def network(theta, images, axis_name):
  """Logits; the hidden layer is normalised over the batch of all devices, as BatchNorm does."""
  mean = mean_over(axis_name)
  h = images @ theta["body"]
  h = h - mean(jnp.mean(h, axis=0, keepdims=True))
  h = jnp.tanh(h * jax.lax.rsqrt(mean(jnp.mean(h * h, axis=0, keepdims=True)) + 0.1))
  return h @ theta["head"].astype(h.dtype)


def cross_entropy(logits, label):
  return -jnp.sum(label * jax.nn.log_softmax(logits), axis=-1)


def plain(axis_name, batch):
  def inner(theta, phi):
    logits = network(theta, jnp.sin(batch["x"] + phi["shift"][None]), axis_name)
    return jnp.mean(cross_entropy(logits, batch["y"])) + 0.05 * jnp.vdot(
      theta["body"], theta["body"]
    )

  return inner


def stepped(axis_name, batch):
  def inner(theta, phi, k):
    return plain(axis_name, {**batch, "x": batch["x"] * (1.0 + k)})(theta, phi)

  return inner


def composites(axis_name, batch):
  def inner(theta, phi, d):
    logits = network(theta, jnp.sin((d + 1.0) * batch["x"]), axis_name)
    return jnp.mean(cross_entropy(logits, batch["y"])), jax.nn.log_softmax(phi["shift"])[d]

  return inner


def images(axis_name, batch):
  def inner(theta, phi):
    logits = network(theta, jnp.sin(batch["tau"][:, None] * batch["x"]), axis_name)
    log_probs = jax.nn.log_softmax(phi["shift"])[batch["tau"].astype(int)]
    return cross_entropy(logits, batch["y"]), log_probs

  return inner


def fisher(axis_name, batch):
  return gauss_newton(
    lambda theta, phi: network(theta, jnp.sin(batch["x"] + phi["shift"][None]), axis_name),
    lambda logits, phi: jnp.mean(cross_entropy(logits, batch["y"])),
  )


# name: (the kind of inner, (axis_name, batch) -> estimator, optimizer)
CASES = {
  "unrolled mixed": (plain, lambda a, b: unrolled(SGD, form="mixed", axis_name=a), SGD),
  "unrolled grad": (plain, lambda a, b: unrolled(SGD, form="grad", axis_name=a), SGD),
  "unrolled auto": (plain, lambda a, b: unrolled(ADAM, axis_name=a), ADAM),
  "unrolled remat": (plain, lambda a, b: unrolled(SGD, remat=True, axis_name=a), SGD),
  "by direction": (plain, lambda a, b: unrolled(by_direction(SGD), axis_name=a), SGD),
  "3 steps mixed": (stepped, lambda a, b: unrolled(ADAM, steps=3, axis_name=a), ADAM),
  "3 steps grad": (
    stepped,
    lambda a, b: unrolled(SGD, steps=3, form="grad", remat=True, axis_name=a),
    SGD,
  ),
  "neumann": (plain, lambda a, b: implicit(neumann(0.1, 2), axis_name=a), SGD),
  "neumann stepwise": (plain, lambda a, b: stepwise(neumann(0.1, 2), axis_name=a), SGD),
  "neumann remat": (plain, lambda a, b: implicit(neumann(0.1, 2), remat=True, axis_name=a), SGD),
  "cg": (plain, lambda a, b: implicit(conjugate_gradient(2), damping=0.1, axis_name=a), SGD),
  "identity": (plain, lambda a, b: implicit(scaled_identity(1.0), axis_name=a), SGD),
  "gauss-newton": (
    plain,
    lambda a, b: implicit(conjugate_gradient(2), product=fisher(a, b), damping=0.1, axis_name=a),
    SGD,
  ),
  "dense": (plain, lambda a, b: restrict(implicit(dense(), damping=0.1, axis_name=a), "head"), SGD),
  "last layer": (plain, lambda a, b: restrict(unrolled(SGD, axis_name=a), "head"), SGD),
  "finite difference": (plain, lambda a, b: finite_difference(SGD, axis_name=a), SGD),
  "direct": (plain, lambda a, b: direct(axis_name=a), SGD),
  "shared score": (
    composites,
    lambda a, b: estimate(
      shared_score(SGD, draws=3, baseline=leave_one_out, clip=0.5, outer_clip=0.5, axis_name=a)
    ),
    SGD,
  ),
  "per-image score": (
    images,
    lambda a, b: estimate(per_image_score(SGD, baseline=leave_one_out, axis_name=a)),
    SGD,
  ),
}


def data(dtype):
  keys = jax.random.split(jax.random.key(0), 5)
  batch = {
    "x": jax.random.normal(keys[0], (8, 3), dtype),
    "y": jax.nn.one_hot(jnp.arange(8) % 2, 2, dtype=dtype),
    "tau": (jnp.arange(8) % 3).astype(dtype),
    "x_val": jax.random.normal(keys[1], (8, 3), dtype),
    "y_val": jax.nn.one_hot(jnp.arange(8) % 2, 2, dtype=dtype),
  }
  theta = {
    "body": jax.random.normal(keys[2], (3, 4), dtype),
    "head": jax.random.normal(keys[3], (4, 2), dtype),
  }
  return theta, {"shift": 0.3 * jax.random.normal(keys[4], (3,), dtype)}, batch


def search_and_train(name, axis_name, theta, phi, opt_state, batch):
  """One outer and one inner step; only what an estimator returns is not averaged again."""
  kind, build, optimizer = CASES[name]
  inner = kind(axis_name, batch)

  def outer(theta, phi):
    logits = network(theta, jnp.sin(batch["x_val"] + phi["shift"][None]), axis_name)
    return jnp.mean(cross_entropy(logits, batch["y_val"]))

  value, gradient = build(axis_name, batch)(inner, outer, theta, phi, opt_state)
  train = mean_over(axis_name)(jax.grad(plain(axis_name, batch))(theta, phi))
  updates, opt_state = optimizer.update(train, opt_state, theta)
  phi = jax.tree.map(lambda p, g: p - 0.1 * g, phi, gradient)
  return optax.apply_updates(theta, updates), phi, opt_state, value


@pytest.mark.parametrize("name", CASES)
def test_four_devices_are_one(x64, name):
  theta, phi, batch = data(jnp.float64)
  opt_state = CASES[name][2].init(theta)
  sharded = jax.tree.map(lambda x: x.reshape(4, 2, *x.shape[1:]), batch)
  one = jax.jit(functools.partial(search_and_train, name, None))
  four = jax.pmap(
    functools.partial(search_and_train, name, "devices"),
    axis_name="devices",
    in_axes=(None, None, None, 0),
    out_axes=None,
  )
  alone = together = (theta, phi, opt_state)
  for _ in range(20):
    *alone, value = one(*alone, batch)
    *together, value_together = jax.block_until_ready(four(*together, sharded))
    chex.assert_trees_all_close(value, value_together, rtol=1e-9)
  chex.assert_trees_all_close(alone, together, rtol=1e-9, atol=1e-9)
  moved = optax.tree.norm(jax.tree.map(jnp.subtract, alone[1], phi))
  assert moved > 1e-4, "nothing was compared"


@pytest.mark.parametrize("name", CASES)
def test_traces_once_and_keeps_dtypes_and_structure(name):
  chex.clear_trace_counter()
  theta, phi, batch = data(jnp.float32)
  if name != "dense":  # its flat vector has one dtype
    theta["head"] = theta["head"].astype(jnp.bfloat16)
  opt_state = CASES[name][2].init(theta)

  @jax.jit
  @chex.assert_max_traces(n=1)
  def step(*state):
    return search_and_train(name, None, *state, batch)

  after = step(theta, phi, opt_state)
  again = step(*after[:3])
  chex.assert_trees_all_equal_shapes_and_dtypes(again[:3], (theta, phi, opt_state))
  assert again[3].shape == ()
  chex.assert_tree_all_finite(again)
