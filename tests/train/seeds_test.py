"""Each of many seeds ends where it ends alone."""

import chex
import jax
import jax.numpy as jnp
import pytest

from autoaug_jax.models import small_cnn
from autoaug_jax.train import Numbers, program, select
from autoaug_jax.train.seeds import many_seeds
from tests.train import cases


def run(moves, feeds, seed, steps, unroll=None):
  made = program(moves, feeds, seed=seed, unroll_seeds=unroll)
  state = made.init()
  for step in range(steps):
    state, _ = made.moves["train"](state, Numbers(step, 0), 1)
  return state


def check(dtype, steps, tolerance, unroll):
  model = small_cnn(widths=(4, 4), classes=cases.CLASSES, dtype=dtype)
  moves, held = cases.trainer(model=model), cases.feed().held
  feeds = [cases.feed(seed=seed, held=held) for seed in range(3)]
  together = run(moves, feeds, [4, 5, 6], steps, unroll)
  thetas = []
  for place, seed in enumerate([4, 5, 6]):
    alone = run(moves, feeds[place], seed, steps)
    one = select(together, place)
    chex.assert_trees_all_close(one.theta, alone.theta, rtol=tolerance, atol=tolerance)
    chex.assert_trees_all_close(one.model_state, alone.model_state, rtol=tolerance, atol=tolerance)
    thetas.append(alone.theta["head"]["kernel"])
  assert not jnp.allclose(thetas[0], thetas[1], atol=1e-3)


UNROLL = pytest.mark.parametrize("unroll", [True, False], ids=["unrolled", "mapped"])


@UNROLL
def test_in_single_precision(unroll):
  check(jnp.float32, 5, 1e-5, unroll)


@UNROLL
@pytest.mark.usefixtures("x64")
def test_in_double_precision(unroll):
  check(jnp.float64, 20, 1e-9, unroll)


@UNROLL
def test_shared_arguments_have_no_axis(unroll):
  def move(x, shared):
    return x * shared, jnp.sum(shared)

  x, shared = jnp.arange(6.0).reshape(3, 2), jnp.asarray([1.0, 2.0])
  out, total = jax.jit(many_seeds(move, 3, shared=(1,), unroll=unroll))(x, shared)
  chex.assert_trees_all_equal(out, x * shared[None])
  chex.assert_trees_all_equal(total, jnp.full(3, 3.0))
