"""`stepwise` gives the numbers of `implicit` and compiles three programs, whatever the batch."""

import chex
import jax
import jax.numpy as jnp
import optax
import pytest
from jax.sharding import NamedSharding, PartitionSpec
from jax.tree_util import Partial

from autoaug_jax.hypergrad import (
  conjugate_gradient,
  dense,
  hessian,
  implicit,
  neumann,
  scaled_identity,
  stepwise,
)

SOLVES = {
  "neumann": neumann(0.1, 4),
  "cg": conjugate_gradient(3),
  "identity": scaled_identity(0.3),
}


@pytest.mark.parametrize("name", SOLVES)
def test_equals_implicit(mlp, name):
  implicitly = implicit(SOLVES[name], damping=0.2)
  by_steps = stepwise(SOLVES[name], damping=0.2)
  at = (mlp.theta, mlp.phi, None)
  expected = jax.jit(lambda *at: implicitly(mlp.inner, mlp.outer, *at))(*at)
  chex.assert_trees_all_close(by_steps(mlp.inner, mlp.outer, *at), expected, rtol=1e-10)


def batches(count):
  keys = jax.random.split(jax.random.key(1), 3)
  theta = jax.random.normal(keys[0], (3, 2))
  x = jax.random.normal(keys[1], (count, 8, 3))
  y = jax.random.normal(keys[2], (count, 8, 2))
  return theta, {"shift": jnp.array([0.1, -0.2, 0.3])}, x, y


def inner(batch, theta, phi):
  x, y = batch
  fit = jnp.tanh((x + phi["shift"][None]) @ theta) - y
  return jnp.mean(fit**2) + 0.1 * jnp.vdot(theta, theta)


def outer(batch, theta, phi):
  x, y = batch
  return jnp.mean((jnp.tanh(x @ theta) - y) ** 2)


def test_compiles_once_for_all_steps_and_batches(x64):
  theta, phi, x, y = batches(3)
  programs = []

  def counting(f, **options):
    def traced(*args):
      programs.append(f.__name__)
      return f(*args)

    return jax.jit(traced, **options)

  estimator = stepwise(neumann(0.1, 4), jit=counting)
  for batch in zip(x, y, strict=True):
    losses = (Partial(inner, batch), Partial(outer, batch))
    got = estimator(*losses, theta, phi, None)
    chex.assert_trees_all_close(got, implicit(neumann(0.1, 4))(*losses, theta, phi, None))
  assert programs == ["start", "step", "finish"]


def test_a_step_reuses_the_memory_of_its_state(x64):
  theta, phi, x, y = batches(1)
  seen = []

  def watching(f, **options):
    compiled = jax.jit(f, **options)

    def run(*args):
      out = compiled(*args)
      if options:
        seen.append(all(leaf.is_deleted() for leaf in jax.tree.leaves(args[0])))
      return out

    return run

  batch = (x[0], y[0])
  estimator = stepwise(neumann(0.1, 2), jit=watching)
  estimator(Partial(inner, batch), Partial(outer, batch), theta, phi, None)
  assert seen == [True, True]


def test_sharded_batches_are_one_batch(x64):
  theta, phi, x, y = batches(1)
  mesh = jax.make_mesh((4,), ("devices",), axis_types=(jax.sharding.AxisType.Auto,))
  estimator = stepwise(conjugate_gradient(6))

  def estimate(batch):
    return estimator(Partial(inner, batch), Partial(outer, batch), theta, phi, None)

  alone = estimate((x[0], y[0]))
  sharded = jax.device_put((x[0], y[0]), NamedSharding(mesh, PartitionSpec("devices")))
  theta, phi = jax.device_put((theta, phi), NamedSharding(mesh, PartitionSpec()))
  together = estimate(sharded)
  assert len(together[1]["shift"].sharding.device_set) == 4
  chex.assert_trees_all_close(together, alone, rtol=1e-9)


def test_memory_is_that_of_one_product():
  """Not of as many as there are terms, which is what one program for all of them keeps."""
  width, depth = 64, 6
  theta = [jnp.eye(width) * (1 + 0.01 * k) for k in range(depth)]
  x = jnp.linspace(-1, 1, 512 * width).reshape(512, width)

  def loss(theta, phi):
    h = x + phi
    for kernel in theta:
      h = jnp.tanh(h @ kernel)
    return jnp.mean(h**2)

  def temporaries(f, *args):
    return jax.jit(f).lower(*args).compile().memory_analysis().temp_size_in_bytes

  sizes = {}

  def measuring(f, **options):
    def run(*args):
      sizes[f.__name__] = temporaries(f, *args)
      return f(*args)

    return run

  args = (theta, jnp.zeros(()), None)
  stepwise(neumann(0.1, 4), jit=measuring)(loss, loss, *args)
  whole = temporaries(lambda *at: implicit(neumann(0.1, 4))(loss, loss, *at), *args)
  one = temporaries(lambda t, p: hessian(loss, t, jnp.zeros(()), p), theta, theta)
  assert 0 < sizes["step"] <= 1.1 * one + 3 * optax.tree.size(theta) * 4
  assert max(sizes.values()) < 0.75 * whole


def test_says_what_it_accepts():
  with pytest.raises(ValueError, match=r"made of steps, such as neumann, not <function dense"):
    stepwise(dense())
