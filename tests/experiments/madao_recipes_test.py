"""Every recipe of MADAO can be built without its data, and its costs are counted."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax import data
from autoaug_jax.app import How, Interval, network
from autoaug_jax.app.ground import Ground
from autoaug_jax.app.madao import build
from autoaug_jax.train import classification
from autoaug_jax.types import Batch
from experiments.recipes import madao as recipes
from experiments.recipes import madao_figures, retraining
from experiments.recipes.data_sets import DATA
from experiments.recipes.madao_records import RECIPES, Recipe, Row

ROWS = [row for recipe in RECIPES.values() for row in recipe.rows]
# One row for each network and image size: what else differs are numbers.
TRACED = {f"{row.model} {DATA[row.data].size}": row for row in ROWS if row.options.every}


def method_of(row, **changes):
  known = DATA[row.data]
  side = known.crop or known.size
  channels = 1 if row.data == "digits" else 3
  model = network(row.model, classes=known.classes, image_size=side)
  ground = Ground(
    model=model,
    task=classification(model, crop=known.crop),
    shape=(side, side, channels),
    classes=tuple(map(str, range(known.classes))),
    mean=(0.5,) * channels,
    std=(0.2,) * channels,
    space=None,
    flip=known.flip,
    epoch=int(known.images * (1 - row.options.val)) // row.batch,
    examples=known.images,
    labels=np.zeros(4, np.int32),
    batch=row.batch,
    crop=known.crop,
  )
  return build(row.options._replace(**changes), ground), (known.size, known.size, channels)


@pytest.mark.parametrize("name", TRACED)
def test_every_network_can_train_and_search(name):
  """One product instead of 5: they are a loop of Python, and only take time."""
  method, shape = method_of(TRACED[name], terms=1)
  image = jax.ShapeDtypeStruct((2, *shape), jnp.uint8)
  label, weight = (jax.ShapeDtypeStruct((2,), t) for t in (jnp.int32, jnp.float32))
  batch, key = Batch(image, label, weight, label), jax.random.key(0)
  learner = method.phases[-1].learner
  state = jax.eval_shape(learner.init, key, batch)
  # A search traces all that training does, and more.
  after, _ = jax.eval_shape(learner.search, key, state, batch, batch)
  assert after == state


def test_every_row_can_be_built():
  for row in ROWS:
    method, _ = method_of(row)
    searches = sum(phase.schedule.count("search") for phase in method.phases)
    assert (searches > 0) == (row.options.every > 0 and not row.plain)


def test_the_rows_of_the_papers_tables():
  """Tables 2 to 5: errors in the order in which they are printed."""
  errors = {
    name: [row.error for row in RECIPES[name].rows if row.name != "standard"]
    for name in ("table-2", "table-3", "table-4")
  }
  assert errors["table-2"][:6] == ["4.4", "4.0", "4.1", "3.7", "3.1", "2.7"]
  assert errors["table-3"] == ["22.9", "22.5"]
  assert errors["table-4"] == ["8.8", "8.1", "13.7", "11.9", "10.0", "9.8", "11.6", "11.4"]
  assert [r.options.solve for r in RECIPES["table-5"].rows] == [
    "neumann",
    "conjugate_gradient",
    "first_order",
  ]
  first = RECIPES["cifar10"].rows
  assert [(r.name, r.error) for r in first] == [
    ("standard", ""),
    ("frozen policy", "4.7"),
    ("randaugment", "4.7"),
    ("madao", "4.6"),
  ]
  assert {(r.data, r.model, r.options.epochs) for r in first} == {("cifar10", "wrn-28-2-he", 200)}
  assert [r.options.every for r in RECIPES["figure-2"].rows] == [5, 10, 30, 60, 100, 0, 0]


def test_costs_are_counted():
  """CIFAR-10: 300 epochs of 351 steps, 1,579 searches, three times."""
  recipe = RECIPES["table-2"]
  ours = next(row for row in recipe.rows if row.name == "madao")
  assert recipes.steps(ours, recipe) == pytest.approx(3 * (300 * 351 + 1579 * 49 / 3))
  randaugment = next(row for row in recipe.rows if row.name == "randaugment")
  assert recipes.steps(randaugment, recipe) == 3 * 2 * 300 * 351
  first_order = ours._replace(options=ours.options._replace(solve="first_order"))
  assert recipes.steps(first_order, recipe) == 3 * (300 * 351 + 1579 * 3)


@pytest.mark.parametrize("name", ["small", "small-digits"])
def test_baselines_may_train_as_long_as_a_search_takes(name):
  """To an epoch, and with what they are at equal steps."""
  recipe = RECIPES[name]
  rows = {row.name: row for row in recipe.rows}
  ours = recipes.steps(rows["madao"], recipe)
  for short in ("standard", "frozen policy", "trivial-augment-wide"):
    row, long = rows[short], rows[f"{short} longer"]
    epoch = recipes.steps(row, recipe) / row.options.epochs
    assert abs(recipes.steps(long, recipe) - ours) <= epoch / 2
    assert long._replace(name=row.name, options=row.options) == row


def test_a_mistaken_row_is_named():
  recipe = RECIPES["warmup"]
  assert recipes.chosen(recipe, []) == recipe.rows
  assert [row.name for row in recipes.chosen(recipe, ["w = 30", "w = 0"])] == ["w = 0", "w = 30"]
  with pytest.raises(ValueError, match=r"rows takes w = 0, .*, not 'w=0'"):
    recipes.chosen(recipe, ["w=0"])


def test_errors_and_costs_are_drawn_against_the_number_that_differs():
  recipe = RECIPES["figure-2"]
  errors = [Interval(0.04 + number / 1000, 0.001) for number in range(7)]
  drawn = madao_figures.figure(recipe, errors, [700.0, 600, 500, 400, 300, 200, 200])
  top, bottom = drawn.axes
  counts = [text.get_text() for text in bottom.get_xticklabels()]
  assert counts == ["5", "10", "30", "60", "100", "infinity"]
  np.testing.assert_allclose(top.lines[0].get_ydata(), [4.0, 4.1, 4.2, 4.3, 4.4, 4.5])
  np.testing.assert_allclose(
    [bar.get_height() for bar in bottom.patches], [7e2, 6e2, 5e2, 4e2, 3e2, 2e2]
  )
  assert "no augmentation" in [text.get_text() for text in top.texts]


def test_magnitudes_are_drawn_from_bins():
  row = next(row for row in ROWS if row.draws == 3)
  drawn = [recipes.levels(row, seed) for seed in range(50)]
  assert all(len(set(each)) == 3 and 1 <= min(each) <= max(each) <= 29 for each in drawn)
  assert drawn[0] == recipes.levels(row, 0)
  assert len({tuple(each) for each in drawn}) > 40


def test_a_random_search_keeps_what_validates_best(tmp_path, monkeypatch):
  """The test error of the run with the best validation accuracy, whatever the others' are."""
  row = Row("r", "digits", "small-cnn", RECIPES["smoke"].rows[0].options, draws=2)
  first, second = recipes.levels(row, 0)
  asked = []

  class Found:
    def __init__(self, options):
      self.options, self.accuracy = options, {first: 0.9, second: 0.7}[level(options)]

  def level(options):
    return int(options.start.removeprefix("randaugment-"))

  def search(setting, options, *, how, space):
    asked.append(options.start)
    return Found(options)

  monkeypatch.setattr(recipes, "search", search)
  monkeypatch.setattr(
    recipes, "validation_accuracy", lambda found, how: 0.5 + (level(found.options) == second) / 10
  )
  recipe = Recipe("", (row,))
  assert recipes.run(row, recipe, "digits", seed=0, how=How(workdir=str(tmp_path))) == 0.7
  assert len(asked) == 2


def test_a_learned_policy_is_trained_under_in_as_many_steps(tmp_path, monkeypatch):
  """That of its row and seed where there is one, else one that goes by that name."""
  asked = []

  def retrain(setting, *, how):
    asked.append((setting, how))
    return SimpleNamespace(interval=Interval(0.6, 0.0))

  monkeypatch.setattr(retraining, "retrain", retrain)
  recipe = RECIPES["small"]
  rows = {row.name: row for row in recipe.rows}
  how = How(workdir=str(tmp_path))
  learned = recipes.folder_of(rows["madao"], how, 3)
  learned.mkdir()
  (learned / "policy.json").touch()
  for name in ("madao retrained", "trivial-augment-wide"):
    assert recipes.run(rows[name], recipe, "digits", seed=3, how=how) == 0.6
  (ours, at), (named, _) = asked
  assert ours.policy == str(learned / "policy.json")
  assert at.workdir == tmp_path / "cifar10-wrn-16-1-madao-retrained-3"
  assert named == ours._replace(policy="trivial-augment-wide")
  assert (ours.seed, ours.train_images, ours.model) == (3, 2000, "wrn-16-1")
  steps = recipes.steps(rows["frozen policy"], recipe._replace(runs=1))
  assert abs(ours.epochs * (2000 // 64) - steps) < 2000 // 64


@pytest.mark.slow
def test_the_smallest_recipe_runs(tmp_path):
  recipe = RECIPES["smoke"]
  how = How(workdir=str(tmp_path))
  for row in recipe.rows:
    found = recipes.errors_of(row, recipe, row.data, how=how)
    assert 0 <= found.mean <= 0.95, row.name
  examples = data.load("digits", size=16).parts["train"]
  assert len(examples.labels) == DATA["digits"].images


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wrn-28-2-he 32", "resnet-50 256", "resnet-18 256"])
def test_a_true_size_takes_two_moves_of_each_kind(name):
  """True image sizes and class counts, batches of 4."""
  row = TRACED[name]
  method, shape = method_of(row)
  random = np.random.default_rng(0)
  batch = Batch(
    jnp.asarray(random.integers(0, 256, (4, *shape)), jnp.uint8),
    jnp.asarray(random.integers(0, DATA[row.data].classes, 4), jnp.int32),
    jnp.ones(4),
    jnp.arange(4),
  )
  learner = method.phases[-1].learner
  state = jax.jit(learner.init)(jax.random.key(0), batch)
  for move in (learner.train, learner.search):
    run = jax.jit(move)
    for number in range(2):
      state, metrics = run(jax.random.key(number), state, batch, batch)
      assert all(np.isfinite(x) for x in metrics.values())
