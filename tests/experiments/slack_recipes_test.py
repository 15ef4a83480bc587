"""Every recipe of SLACK can be built without its data."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.app import network, slack
from autoaug_jax.app.ground import Ground
from autoaug_jax.train import classification
from autoaug_jax.types import Batch
from experiments.recipes import slack_records as records
from experiments.recipes.data_sets import DATA
from experiments.recipes.slack import steps

SEARCHES = [
  row for recipe in records.RECIPES.values() for row in recipe.rows if row.options is not None
]
# One row for each program that differs in more than numbers.
PROGRAMS = {
  f"{row.searched_with or row.model}, {DATA[row.data].size} pixels, {row.options.draws}, "
  f"{row.options.models}": row
  for row in SEARCHES
}


def method_of(row, **changes):
  data = DATA[row.data]
  side = data.crop or data.size
  channels = 1 if row.data == "digits" else 3
  model = network(row.searched_with or row.model, classes=data.classes, image_size=side)
  ground = Ground(
    model=model,
    task=classification(model, crop=data.crop),
    shape=(side, side, channels),
    classes=tuple(map(str, range(data.classes))),
    mean=(0.5,) * channels,
    std=(0.2,) * channels,
    space=None,
    flip=data.flip,
    epoch=data.images // 2 // row.batch,
    examples=data.images,
    labels=np.zeros(4, np.int32),
    batch=row.batch,
    crop=data.crop,
  )
  return slack.build(row.options._replace(**changes), ground), (data.size, data.size, channels)


def batch_of(shape, count):
  image = jax.ShapeDtypeStruct((count, *shape), jnp.uint8)
  label, weight = (jax.ShapeDtypeStruct((count,), t) for t in (jnp.int32, jnp.float32))
  return Batch(image, label, weight, label)


def test_every_search_has_a_method():
  for row in SEARCHES:
    method, _ = method_of(row)
    assert [phase.name for phase in method.phases] == ["pretrain", "search"]
    rounds = method.phases[1].schedule.count("refresh")
    assert rounds == row.options.rounds


# Of several networks one is traced in tests/methods; here they take a third of the file's time.
TRACED = [
  pytest.param(name, marks=[pytest.mark.slow] * (row.options.models > 1))
  for name, row in PROGRAMS.items()
]


@pytest.mark.parametrize("name", TRACED)
def test_every_program_can_be_traced(name):
  """One composite instead of 8: they are a loop of Python, and only take time."""
  row = PROGRAMS[name]
  method, shape = method_of(row, composites=1)
  batch, key = batch_of(shape, 2 * row.options.models), jax.random.key(0)
  pretrain, search = (phase.learner for phase in method.phases)
  before = jax.eval_shape(pretrain.init, key, batch)
  state = jax.eval_shape(search.init, key, batch)
  begun = jax.eval_shape(method.phases[1].begin, state, before)
  chex.assert_trees_all_equal_shapes_and_dtypes(begun, state)
  after, _ = jax.eval_shape(search.joint, key, state, batch, batch)
  chex.assert_trees_all_equal_shapes_and_dtypes(after, state)


def test_costs_are_counted():
  """CIFAR-10, one search: 200 epochs of 195 steps; 10 rounds of 1,399 x 8, and 400 judgements."""
  recipe = records.Recipe("", (), retrains=False, searches=1)
  row = records.Row("", "cifar10", "wrn-40-2", records.paper("cifar10", "wrn-40-2"))
  assert steps(row, recipe) == 200 * 195 + 10 * (1399 * 8 + 400)
  plain = records.Row("", "cifar10", "wrn-40-2", policy="slack-uniform")
  assert steps(plain, recipe._replace(retrains=True, runs=4)) == 8 * 200 * 390


def test_numbers_of_the_paper():
  """Tables 10 and 11."""
  options = records.paper("cifar10", "wrn-40-2")
  assert (options.rate, options.weight_decay, options.policy_rate, options.kl) == (
    0.4,
    2e-4,
    1.0,
    0.02,
  )
  assert records.paper("cifar100", "wrn-28-10").rate == 0.1
  for data in ("imagenet100", *records.DOMAINS):
    found = records.paper(data, "resnet-18")
    expected = 0.005 if data == "imagenet100" else 0.01
    np.testing.assert_allclose(found.policy_rate * found.kl, expected)


@pytest.mark.slow
def test_a_true_size_takes_two_moves_of_each_kind():
  """ImageNet-100: 256 pixels cut to 224, 100 classes, ResNet-18, batches of 4."""
  row = records.RECIPES["table-2"].rows[0]
  method, shape = method_of(row, composites=2)
  random = np.random.default_rng(0)
  batch = Batch(
    jnp.asarray(random.integers(0, 256, (4, *shape)), jnp.uint8),
    jnp.asarray(random.integers(0, 100, 4), jnp.int32),
    jnp.ones(4),
    jnp.arange(4),
  )
  learner = method.phases[1].learner
  state = learner.init(jax.random.key(0), batch)
  for name in ("refresh", "train", "joint"):
    move = jax.jit(getattr(learner, name))
    for number in range(2):
      state, metrics = move(jax.random.key(number), state, batch, batch)
      assert all(np.isfinite(x) for x in metrics.values())
