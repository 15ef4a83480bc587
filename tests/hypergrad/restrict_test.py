"""`restrict` against central differences in which only the named part moves."""

import chex
import jax
import jax.numpy as jnp
import optax
import pytest

from autoaug_jax.hypergrad import conjugate_gradient, dense, implicit, neumann, restrict, unrolled


@pytest.mark.usefixtures("optax_promotion")
def test_everything_changes_nothing(mlp):
  optimizer = optax.adam(0.1, eps_root=1e-8)
  state = optimizer.init(mlp.theta)
  for estimator in (unrolled(optimizer), implicit(neumann(0.1, 3))):
    both = jax.jit(
      lambda *at, f=estimator: [
        g(lambda t, p: mlp.inner(t, p), mlp.outer, *at) for g in (f, restrict(f))
      ]
    )
    chex.assert_trees_all_equal(*both(mlp.theta, mlp.phi, state))


@pytest.mark.parametrize("path", [("head",), ("head", "kernel")])
def test_only_the_part_looks_ahead(mlp, differences, path):
  optimizer = optax.sgd(0.4, momentum=0.9)
  state = optimizer.init(mlp.theta)
  state = optimizer.update(jax.tree.map(jnp.cos, mlp.theta), state, mlp.theta)[1]

  def inner(theta, phi):
    return mlp.inner(theta, phi)

  def ahead(phi):
    updates = optimizer.update(jax.grad(inner)(mlp.theta, phi), state, mlp.theta)[0]
    head = {k: updates["head"][k] for k in (path[1:] or ("kernel", "bias"))}
    head = {**mlp.theta["head"], **{k: mlp.theta["head"][k] + u for k, u in head.items()}}
    return mlp.outer({**mlp.theta, "head": head}, phi)

  got = restrict(unrolled(optimizer), *path)(inner, mlp.outer, mlp.theta, mlp.phi, state)
  expected = (ahead(mlp.phi), differences(ahead, mlp.phi))
  chex.assert_trees_all_close(got, expected, rtol=1e-6, atol=1e-9)


def test_solves_with_the_block_of_the_hessian(mlp):
  def inner(theta, phi):
    return mlp.inner(theta, phi)

  args = (inner, mlp.outer, mlp.theta, mlp.phi, None)
  exact = restrict(implicit(dense()), "head", "kernel")(*args)
  iterated = restrict(implicit(conjugate_gradient(8)), "head", "kernel")(*args)
  chex.assert_trees_all_close(iterated, exact, rtol=1e-7, atol=1e-12)


def test_the_rest_is_not_differentiated(mlp):
  """The flops of many products on the last layer stay near those of one."""

  def cost(terms):
    estimator = restrict(implicit(neumann(0.1, terms)), "head")

    def run(theta, phi):
      return estimator(lambda t, p: mlp.inner(t, p), mlp.outer, theta, phi, None)

    return jax.jit(run).lower(mlp.theta, mlp.phi).compile().cost_analysis()["transcendentals"]

  # One tanh a hidden unit and image, whatever the number of products.
  assert cost(8) - cost(1) <= 8 * 6 * 4


def test_names_the_parts_there_are(mlp):
  estimator = restrict(implicit(neumann(0.1, 1)), "tail")
  with pytest.raises(ValueError, match=r"no part 'tail': at 'tail' there are 'body', 'head'"):
    estimator(mlp.inner, mlp.outer, mlp.theta, mlp.phi, None)
