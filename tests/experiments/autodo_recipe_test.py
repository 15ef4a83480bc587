"""AutoDO's recipes build without data, at their true sizes; one takes two real moves there."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax import data, train
from autoaug_jax.types import Batch
from experiments.recipes.autodo import Sides, cost, method_of, run, steps_of, task_of
from experiments.recipes.autodo_figures import curves as report_curves
from experiments.recipes.autodo_records import RECIPES

# The learners of cells that differ in their data or times alone are one.
KINDS = {}
for _name, _recipe in RECIPES.items():
  KINDS.setdefault((_recipe.model, _recipe.classes, _recipe.row), _name)


def shape_of(recipe, count):
  images = jax.ShapeDtypeStruct((count, recipe.size, recipe.size, recipe.channels), jnp.uint8)
  index = jax.ShapeDtypeStruct((count,), jnp.int32)
  return Batch(images, index, jax.ShapeDtypeStruct((count,), jnp.float32), index)


def method(recipe, labels):
  mean = (0.5,) * recipe.channels
  task = task_of(recipe, mean=mean, std=(0.2,) * recipe.channels)
  return method_of(recipe, task, labels, steps_of(recipe), mean=mean)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_builds(name):
  recipe = RECIPES[name]
  (phase,) = method(recipe, np.zeros(7, np.int32)).phases
  assert len(phase.schedule) == cost(recipe)
  assert set(phase.schedule) <= {"train", "joint"}
  assert phase.schedule.count("train") == recipe.epochs * steps_of(recipe)


MOVES = ["cifar100-1-0.0-aws", "imagenet-10-0.0-aws"]
OTHERS = [n for n in KINDS.values() if n.endswith(("base", "aws")) and n not in MOVES]


@pytest.mark.parametrize(
  "name", [*MOVES, *(pytest.param(n, marks=pytest.mark.slow) for n in OTHERS)]
)
def test_its_moves_fit_its_images(name):
  """By shapes: weights, statistics and tables at the paper's size and number of classes."""
  recipe = RECIPES[name]
  labels = np.zeros(recipe.images, np.int32)
  (phase,) = method(recipe, labels).phases
  batch = shape_of(recipe, 4)
  key = jax.eval_shape(lambda: jax.random.key(0))
  state = jax.eval_shape(phase.learner.init, key, batch)
  for move in set(phase.schedule):
    after, metrics = jax.eval_shape(getattr(phase.learner, move), key, state, batch, batch)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert all(m.shape == () for m in jax.tree.leaves(metrics))
  if recipe.row == "aws":
    assert state.phi.label.shape == (recipe.images, recipe.classes)
    assert state.phi.image.magnitude.shape == (recipe.images, 7)


def test_the_papers_numbers():
  c10, svhn = RECIPES["cifar10-10-0.1-aws"], RECIPES["svhn-100-0.1-aws"]
  assert (c10.imbalance, c10.noise, c10.begin, c10.policy_rate) == (10, 0.1, 50, 0.05)
  assert (svhn.rate, svhn.flip, svhn.subset) == (0.005, 0, (3, 7))
  assert RECIPES["imagenet-10-0.1-aws"].begin == 100
  # 156 steps of 256, and 150 of 200 epochs that search (reference: 31,200 and 23,400).
  assert cost(RECIPES["cifar10-1-0.0-aws"]) == 156 * (200 + 150)
  assert RECIPES["cifar10-all-aws"].trained_on == "all"
  assert RECIPES["cifar100-test-aws"].learned_from == "test"
  begins = {r.begin for n, r in RECIPES.items() if n.startswith("svhn-100-0.1-aws")}
  assert begins == {10, 50, 150, 190}
  begins = {r.begin for n, r in RECIPES.items() if n.startswith("digits-1-0.1-aws")}
  assert begins == {4, 20, 60, 76}


def sides(recipe, count=32):
  """Synthetic images of a recipe's size, some with wrong labels."""
  random = np.random.default_rng(0)
  shape = (count, recipe.size, recipe.size, recipe.channels)
  examples = data.in_memory(
    random.integers(0, 256, shape).astype(np.uint8), np.arange(count) % recipe.classes
  )
  cut = data.split(examples, val=0.25, seed=0, noise=0.3)
  orders = (data.shuffled(x, recipe.batch, seed=0) for x in (cut.train, cut.val))
  feed, valid = data.feeds(examples, *orders, labels=cut.labels)
  test = data.evaluation_feed(examples, cut.val, 8)
  channels = recipe.channels
  return Sides(
    recipe.classes, examples, cut, feed, valid, test, (0.5,) * channels, (0.2,) * channels
  )


def test_a_run_writes_what_it_found(tmp_path):
  tiny = RECIPES["folder-aws"]._replace(
    model="small-cnn-celu", size=8, classes=4, batch=8, epochs=6, begin=1, subset=None
  )
  made = sides(tiny)
  told = run(tiny, made, tmp_path, seed=0)
  assert told["evaluation"]["accuracy"] >= 0
  with np.load(tmp_path / "verdicts.npz") as stored:
    assert set(stored["suspects"]) == set(made.cut.train)
    assert stored["off_label"].shape == (32,)
    wrong = int((stored["given"] != stored["true"]).sum())
  assert told["caught"]["wrong"] == wrong > 0
  assert (tmp_path / "confusion.png").exists()
  assert (tmp_path / "embedding.png").exists()
  assert report_curves(tmp_path)["test loss"].epochs.max() == tiny.epochs
  watched = train.trajectory(tmp_path)
  assert watched["probability"].shape[1:] == (7,)
  again = run(tiny, made, tmp_path, seed=0)  # is there already
  assert again == told


@pytest.mark.slow
def test_two_real_moves_at_true_size(tmp_path):
  """WRN-28-10 with CELU at 32 x 32: batch 4 on synthetic images, a step of each kind, twice."""
  recipe = RECIPES["cifar10-10-0.1-aws"]._replace(batch=4, epochs=2, begin=1)
  made = sides(recipe, 16)
  (phase,) = method(recipe, made.cut.labels).phases
  program = train.program(phase.learner, made.train, valid=made.valid, seed=0)
  state = program.init()
  for number, move in enumerate(("train", "joint", "train", "joint")):
    state, metrics = program.moves[move](state, train.Numbers(number, number), 1)
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(metrics))
  assert float(jnp.abs(state.phi.weight).max()) > 0
