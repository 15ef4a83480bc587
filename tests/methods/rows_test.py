"""Tables of rows: the gathered search against the dense one, and RMSprop's numbers by hand."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from autoaug_jax import devices
from autoaug_jax.hypergrad import implicit, neumann, restrict
from autoaug_jax.methods import rows_of, rows_rmsprop, search_rows
from autoaug_jax.policies import chain, example_weights, soft_labels
from autoaug_jax.train import (
  Numbers,
  classification,
  divergence,
  learner,
  optim,
  program,
  supervised,
)
from autoaug_jax.types import Batch
from tests.train import cases

COUNT, RATE, DECAY, EPS = 48, 0.3, 0.9, 1e-8
PIXELS, LABELS = cases.images(COUNT)
TABLES = (True, True)


def problem(axis_name=None, count=COUNT, labels=LABELS, classes=cases.CLASSES):
  task = divergence(classification(cases.Tiny(dtype=jnp.float64)))
  parts = chain(example_weights(count), soft_labels(labels, classes))
  return supervised(task, parts, inner_train=False, outer_train=False, axis_name=axis_name)


def estimator(axis_name=None):
  return restrict(implicit(neumann(0.1, 2), axis_name=axis_name), "head", "kernel")


def batch_of(index):
  index = jnp.asarray(index, jnp.int32)
  images = jnp.asarray(PIXELS, jnp.float64)[index] / 255
  return Batch(images, jnp.asarray(LABELS)[index], jnp.ones(len(index)), index)


def visits(steps):
  """Training and validation batches; some examples are absent for long."""
  rng = np.random.default_rng(0)
  for step in range(steps):
    among = COUNT if step % 5 == 0 else 12
    yield batch_of(rng.permutation(among)[:6]), batch_of(rng.permutation(COUNT)[:8])


def gathered(lazy=False, axis_name=None):
  rows = rows_rmsprop(RATE, tables=TABLES, examples=COUNT, decay=DECAY, eps=EPS, lazy=lazy)
  own = problem(axis_name)
  move = search_rows(own, estimator(axis_name), rows, axis_name=axis_name)
  plain = learner(own, optim.sgd(0.1), axis_name=axis_name)

  def init(key, batch):
    state = plain.init(key, batch)
    return state.replace(phi_opt_state=rows.init(state.phi))

  return plain._replace(init=init, joint=move)


def test_gathering_changes_no_number(x64):
  """Against gradients of the whole tables and optax's RMSprop, which sees zeros for absent rows."""
  rms = optax.chain(optax.scale_by_rms(DECAY, EPS, eps_in_sqrt=False), optax.scale(-RATE))
  dense = learner(problem(), optim.sgd(0.1), phi_optimizer=rms, estimator=estimator())
  ours = gathered()
  first = next(iter(visits(1)))[0]
  a, b = dense.init(jax.random.key(0), first), ours.init(jax.random.key(0), first)
  one, other = jax.jit(dense.search), jax.jit(ours.joint)
  start = a.phi
  for batch, valid in visits(12):
    a, told = one(jax.random.key(1), a, batch, valid)
    b, said = other(jax.random.key(1), b, batch, valid)
    np.testing.assert_allclose(said["outer"], told["outer"], rtol=1e-12)
    np.testing.assert_allclose(said["hypergradient"], told["hypergradient"], rtol=1e-9)
  for x, y, z in zip(a.phi, b.phi, start, strict=True):
    assert float(jnp.abs(x - z).max()) > 0.5
    np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)
  # What the optimizer remembers is the dense one's, too, once the absent rows have caught up.
  behind = np.asarray(b.phi_opt_state.step - b.phi_opt_state.seen)
  for x, y in zip(a.phi_opt_state[0].nu, b.phi_opt_state.square, strict=True):
    late = DECAY ** behind.reshape(-1, *[1] * (y.ndim - 1))
    np.testing.assert_allclose(x, late * y, rtol=1e-8, atol=1e-30)


@pytest.mark.parametrize("lazy", [False, True], ids=["dense", "lazy"])
def test_absent_rows_stay(x64, lazy):
  ours = gathered(lazy)
  batch, valid = next(iter(visits(1)))
  state = ours.init(jax.random.key(0), batch)
  after, _ = jax.jit(ours.joint)(jax.random.key(1), state, batch, valid)
  there = np.isin(np.arange(COUNT), np.asarray(batch.index))
  pairs = [(state.phi, after.phi), (state.phi_opt_state.square, after.phi_opt_state.square)]
  for before, now in pairs:
    for x, y in zip(before, now, strict=True):
      moved = (np.asarray(x) != np.asarray(y)).reshape(COUNT, -1).any(1)
      np.testing.assert_array_equal(moved, there)
  np.testing.assert_array_equal(np.asarray(after.phi_opt_state.seen) == 1, there)


@pytest.mark.parametrize(
  ("lazy", "expected"),
  [
    # A first visit: v = 0.01, one rate over its root. Then 156 steps later, v = 0.01 (1 + 0.99^156)
    # and so on; with a decay a visit, v = 0.01 (1 + 0.99 + ...).
    (False, [10.0, 9.0966, 8.9375, 8.9046]),
    (True, [10.0, 7.0888, 5.8026, 5.0378]),
  ],
  ids=["dense", "lazy"],
)
def test_steps_of_an_example_that_is_there_once_an_epoch(x64, lazy, expected):
  rows = rows_rmsprop(1.0, tables=(True,), examples=3, decay=0.99, lazy=lazy)
  state = rows.init((jnp.zeros(3),))
  update = jax.jit(rows.update)
  index, other = jnp.array([1], jnp.int32), jnp.array([2], jnp.int32)
  steps = []
  for _ in expected:
    moved, state = update((jnp.array([2.0]),), state, index)
    steps.append(-float(moved[0][0]))
    for _ in range(155):
      _, state = update((jnp.array([1.0]),), state, other)
  np.testing.assert_allclose(steps, expected, rtol=1e-3)


def test_what_is_no_table_is_in_every_step(x64):
  rows = rows_rmsprop(1.0, tables=(False, True), examples=3, decay=0.9)
  state = rows.init((jnp.zeros(2), jnp.zeros((3, 2))))
  gradient = (jnp.array([1.0, -2.0]), jnp.ones((1, 2)))
  for step in range(3):
    moved, state = rows.update(gradient, state, jnp.array([step], jnp.int32))
    v = 1 - 0.9 ** (step + 1)
    np.testing.assert_allclose(moved[0], [-1 / np.sqrt(v), 1 / np.sqrt(v)], rtol=1e-6)
    np.testing.assert_allclose(moved[1], -1 / np.sqrt(0.1), rtol=1e-6)


def test_several_devices_make_the_numbers_of_one(x64):
  pixels, labels = jnp.asarray(PIXELS / 255.0), jnp.asarray(LABELS)
  feed = cases.feed(8, held=(pixels, labels))
  states = []
  for count in (1, 4):
    axis = devices.AXIS if count > 1 else None
    made = program(gathered(axis_name=axis), feed, valid=feed, seed=0, device_count=count)
    state = made.init()
    for move in range(4):
      state, metrics = made.moves["joint"](state, Numbers(move, move + 1), 1)
      jax.block_until_ready(metrics)
    states.append(jax.device_get(devices.local(state)))
  for x, y in zip(*map(jax.tree.leaves, states), strict=True):
    np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)
  assert np.abs(states[0].phi[0]).max() > 0.1


def test_a_search_in_a_table_of_imagenets_size_makes_no_other_of_that_size():
  """1,281,167 examples of 1,000 classes, by shapes alone: the only results with a row for each are

  tables with rows written into them, which the compiler does in place of what is given away.
  """
  count, classes = 1_281_167, 1000
  task = divergence(classification(Wide(classes)))
  labels = np.zeros(count, np.int32)
  parts = chain(example_weights(count), soft_labels(labels, classes))
  own = supervised(task, parts, inner_train=False, outer_train=False)
  rows = rows_rmsprop(RATE, tables=TABLES, examples=count)
  move = search_rows(own, estimator(), rows)
  plain = learner(own, optim.sgd(0.1))

  def start(key, batch):
    state = plain.init(key, batch)
    return state.replace(phi_opt_state=rows.init(state.phi))

  zeros = jnp.zeros((4, 8, 8, 3), jnp.uint8)
  index = jnp.arange(4, dtype=jnp.int32)
  batch = Batch(zeros, index, jnp.ones(4), index)
  state = jax.eval_shape(start, jax.random.key(0), batch)
  bytes_of_phi = sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(state.phi))
  assert bytes_of_phi == count * 1001 * 4
  traced = jax.make_jaxpr(move)(jax.random.key(0), state, batch, batch)
  large = [name for name, shape in results(traced.jaxpr) if shape[:1] == (count,)]
  assert sorted(set(large)) == ["scatter", "scatter-add"]
  assert len(large) == 5  # two tables, their squares, and when rows were seen


class Wide(nn.Module):
  """The mean colour, and a head of many classes."""

  classes: int

  @nn.compact
  def __call__(self, x, train):
    return nn.Dense(self.classes, name="head")(jnp.mean(x, axis=(1, 2)))


def results(jaxpr):
  """(primitive, shape) of everything a program makes, inside its parts too."""
  for equation in jaxpr.eqns:
    name = equation.primitive.name
    inner = [p for p in jax.tree.leaves(equation.params, is_leaf=is_jaxpr) if is_jaxpr(p)]
    if name.startswith("scatter"):
      inner = []  # what is done to each number
    for part in inner:
      yield from results(getattr(part, "jaxpr", part))
    if not inner:
      yield from ((name, v.aval.shape) for v in equation.outvars)


def is_jaxpr(x):
  return hasattr(x, "eqns") or hasattr(getattr(x, "jaxpr", None), "eqns")


def test_rows_are_taken_from_tables_alone():
  phi = {"a": jnp.arange(4), "b": jnp.arange(4)}
  got = rows_of(phi, jnp.array([2, 0]), tables={"a": True, "b": False})
  np.testing.assert_array_equal(got["a"], [2, 0])
  np.testing.assert_array_equal(got["b"], phi["b"])


@pytest.mark.parametrize(
  ("options", "message"),
  [({"decay": 1.0}, "not 1.0"), ({"examples": 0}, "not 0")],
  ids=["decay", "examples"],
)
def test_mistakes_are_named(options, message):
  with pytest.raises(ValueError, match=message):
    rows_rmsprop(0.1, **{"tables": (True,), "examples": 3, **options})
