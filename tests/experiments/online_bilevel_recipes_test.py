"""Every recipe of Online bilevel can be built without its data."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.app import network, online_bilevel
from autoaug_jax.app.ground import Ground
from autoaug_jax.train import classification
from autoaug_jax.types import Batch
from experiments.recipes import online_bilevel as recipes

# One recipe for each program that differs in more than numbers.
PROGRAMS = (
  "t1-baseline",
  "t2-badgan-large-translation",
  "t2-resnet-18-medium-affine",
  "t4-full-jitter",
  "t5-full",
  "t6-tiny-full",
  "t6-imagenet-full",
  "t7-wrn-cifar100",
)


def method_of(recipe, **changes):
  data = recipes.DATA[recipe.data]
  model = network(recipe.model, classes=data.classes, image_size=min(data.shape[:2]))
  ground = Ground(
    model=model,
    task=classification(model),
    shape=data.shape,
    classes=tuple(map(str, range(data.classes))),
    mean=(0.5,) * 3,
    std=(0.2,) * 3,
    space=None,
    flip=recipe.flip,
    epoch=int(data.images * 0.8) // data.batch,
    examples=data.images,
    labels=np.zeros(4, np.int32),
    batch=data.batch,
  )
  return online_bilevel.build(recipe.options._replace(**changes), ground)


def test_every_row_has_a_method_of_its_length():
  for recipe in recipes.RECIPES.values():
    (phase,) = method_of(recipe, magnitude=0.1 * (recipe.kind == "magnitude")).phases
    data = recipes.DATA[recipe.data]
    assert len(phase.schedule) == recipe.options.epochs * (int(data.images * 0.8) // data.batch)
    learns = recipe.options.learned != "none" and recipe.kind != "magnitude"
    assert set(phase.schedule) == {"joint" if learns else "train"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_moves_can_be_traced_at_full_size(name):
  recipe = recipes.RECIPES[name]
  learner = method_of(recipe).phases[0].learner
  data = recipes.DATA[recipe.data]
  image = jax.ShapeDtypeStruct((4, *data.shape), jnp.uint8)
  label, weight = (jax.ShapeDtypeStruct((4,), t) for t in (jnp.int32, jnp.float32))
  batch = Batch(image, label, weight, label)
  key = jax.eval_shape(lambda: jax.random.key(0))
  state = jax.eval_shape(learner.init, key, batch)
  # A joint move traces all that training does, and more.
  move = learner.joint or learner.train
  after, metrics = jax.eval_shape(move, key, state, batch, batch)
  chex.assert_trees_all_equal_shapes_and_dtypes(after, state)
  assert metrics["loss"].shape == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["t2-badgan-small-affine", "t4-full", "t5-full", "t6-tiny-full"])
def test_two_moves_at_true_size(name):
  recipe = recipes.RECIPES[name]
  learner = method_of(recipe).phases[0].learner
  data = recipes.DATA[recipe.data]
  rng = np.random.default_rng(0)

  def batch_of():
    image = rng.integers(0, 256, (4, *data.shape), dtype=np.uint8)
    numbers = jnp.arange(4, dtype=jnp.int32)
    return Batch(jnp.asarray(image), numbers % data.classes, jnp.ones(4), numbers)

  batch, valid = batch_of(), batch_of()
  state = jax.jit(learner.init)(jax.random.key(0), batch)
  joint, train = jax.jit(learner.joint), jax.jit(learner.train)
  for step in range(2):
    before = state
    state, metrics = joint(jax.random.key(step), state, batch, valid)
    assert np.isfinite(metrics["outer"])
    assert metrics["hypergradient"] > 0
    moved = [
      np.abs(a - b).max()
      for a, b in zip(*map(jax.tree.leaves, (state.phi, before.phi)), strict=True)
    ]
    assert max(moved) > 0
  for step in range(2):
    state, metrics = train(jax.random.key(step), state, batch, None)
    assert np.isfinite(metrics["loss"])


def test_costs_are_network_steps():
  row = recipes.RECIPES
  baseline = recipes.cost(row["t1-baseline"])
  assert baseline == 201 * 312
  assert recipes.cost(row["t2-resnet-18-small-affine"]) / baseline == pytest.approx(10 / 3)
  assert recipes.cost(row["t1-magnitude-affine"]) / baseline == 11
  assert recipes.cost(row["t1-invariant-affine"]) == baseline


def test_tables_are_complete():
  """Rows that Tables 1 to 7 print for this system and what it is compared with in its own code."""
  accuracies = sorted(r.accuracy for r in recipes.RECIPES.values() if r.data == "bach")
  printed = [43.0, 43.9, 44.9, 46.0, 49.5, 49.7, 50.6, 52.4, 54.6, 56.0, 56.5]  # Tables 3 and 5
  assert accuracies == printed
  cells = [r for name, r in recipes.RECIPES.items() if name.startswith("t2-")]
  assert len(cells) == 12
  assert len(recipes.lines()) == len(recipes.RECIPES) + 2
