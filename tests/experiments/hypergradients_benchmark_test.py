"""The benchmark of estimators counts what runs, and its table says what was counted."""

import jax
import jax.numpy as jnp
from jax.tree_util import Partial

from autoaug_jax.hypergrad import neumann, stepwise
from experiments.benchmarks.hypergradients import Cost, Meter, Row, measure, table


def test_a_meter_adds_programs_and_takes_the_largest():
  meter = Meter([])
  small = meter.jit(lambda a: a @ a)
  for _ in range(3):
    small(jnp.ones((8, 8)))
  assert len(meter.runs) == 3
  assert meter.flops() == 3 * 2 * 8**3
  meter.jit(lambda a: jnp.sort(jnp.sort(a, axis=0) @ a, axis=0))(jnp.ones((64, 64)))
  sizes = [run.memory_analysis().temp_size_in_bytes for run in meter.runs]
  assert meter.memory() == max(sizes) > sizes[0]


def test_what_is_kept_between_programs_is_counted():
  theta = jnp.ones((50,))

  def loss(batch, theta, phi):
    return jnp.sum(batch * jnp.sin(theta + phi) ** 2)

  meter = Meter([])
  losses = Partial(loss, jnp.ones(50))
  stepwise(neumann(0.1, 4), jit=meter.jit)(losses, losses, theta, jnp.zeros(()), None)
  assert len(meter.runs) == 1 + 4 + 1
  temporaries = max(run.memory_analysis().temp_size_in_bytes for run in meter.runs)
  assert meter.memory() == temporaries + 2 * 50 * 4  # the power and the sum of the series


def test_rows_are_run_in_turns():
  order = []

  def row(name):
    return Row(name, lambda jit: lambda x: (order.append(name), jit(jnp.sin)(x))[1])

  costs = measure([row("a"), row("b")], (jnp.ones(2),), 2)
  assert "".join(order) == "ab" + "aabb" * 3  # traced, then a round that is not counted
  assert [len(cost.seconds) for cost in costs] == [2, 2]


def test_ratios_are_those_to_the_plain_step_of_the_same_round():
  rows = [
    Row("forward", jax.jit),
    Row("plain step", jax.jit),
    Row("search", jax.jit, 2, "9x", "3x"),
  ]
  costs = [Cost(10, 5, [1, 1, 1]), Cost(30, 100, [1, 2, 4]), Cost(90, 150, [4, 8, 20])]
  assert table(rows, costs).splitlines()[-1] == (
    "| search | 9.00 | 1.50x | 2.00x | 2.00-2.25 | 1.50x | 9x | 3x |"
  )
