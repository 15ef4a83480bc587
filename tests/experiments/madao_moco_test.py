"""MADAO without labels: the contrast by hand, the queue and the key network, and a run."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax import data
from autoaug_jax.app import network
from autoaug_jax.models import small_cnn
from autoaug_jax.ops import select, spaces
from autoaug_jax.types import Batch
from experiments.recipes import madao_moco
from experiments.recipes.linear_probe import probe
from experiments.recipes.madao_moco import RECIPES
from experiments.recipes.moco import contrast, pretraining

SPACE = select(spaces.madao(), ["Brightness", "Invert"])
RECIPE = RECIPES["tiny"]._replace(
  size=8, batch=32, epochs=3, warmup=1, every=3, queue=64, dims=8, terms=1, momentum=0.9
)


def normalise(images):
  return images.astype(jnp.float32) / 255 if images.dtype == jnp.uint8 else images


def small(count):
  return small_cnn(widths=(8, 24), classes=count)


def moves(recipe=RECIPE, classes_of=small):
  return pretraining(recipe, SPACE, epoch=4, classes_of=classes_of, normalise=normalise)


def test_the_contrast_is_a_cross_entropy_against_the_queue():
  random = np.random.default_rng(0)
  unit = [random.normal(size=(n, 5)) for n in (4, 4, 7)]
  queries, keys, queue = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in unit)
  found = contrast(*(jnp.asarray(x, jnp.float32) for x in (queries, keys, queue)), 0.2)
  for i in range(4):
    similar = np.exp(np.array([queries[i] @ keys[i], *(queue @ queries[i])]) / 0.2)
    np.testing.assert_allclose(found[i], -np.log(similar[0] / similar.sum()), rtol=1e-5)


@pytest.fixture(scope="module")
def batches():
  images = data.load("digits").parts["train"].fetch(np.arange(64))
  weight, index = jnp.ones(32), jnp.arange(32)
  return tuple(Batch(jnp.asarray(x), index, weight, index) for x in (images[:32], images[32:]))


def test_a_step_moves_the_key_network_slowly_and_fills_the_queue(batches):
  learner, schedule = moves()
  assert schedule == (*["train"] * 7, "search", *["train"] * 3, "search", "train", "train")
  state = jax.jit(learner.init)(jax.random.key(0), batches[0])
  train = jax.jit(learner.train)
  first, _ = train(jax.random.key(1), state, batches[0], None)
  second, _ = train(jax.random.key(2), first, batches[1], None)
  # The key network follows the query network as it was when the keys were made.
  expected = jax.tree.map(lambda k, t: 0.9 * k + 0.1 * t, first.model_state["key"], first.theta)
  for found, wanted in zip(
    jax.tree.leaves(second.model_state["key"]), jax.tree.leaves(expected), strict=True
  ):
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)
  queue = [np.asarray(s.model_state["queue"]) for s in (state, first, second)]
  np.testing.assert_array_equal(queue[1][32:], queue[0][:32])
  np.testing.assert_array_equal(queue[2][32:], queue[1][:32])
  np.testing.assert_allclose(np.linalg.norm(queue[2], axis=1), 1, rtol=1e-4)


def test_searches_move_the_policy_alone(batches):
  learner, _ = moves()
  state = jax.jit(learner.init)(jax.random.key(0), batches[0])
  after, metrics = jax.jit(learner.search)(jax.random.key(1), state, *batches)
  assert np.isfinite(metrics["outer"])
  moved = [
    np.abs(np.asarray(a) - np.asarray(b)).max()
    for a, b in zip(after.phi[-1], state.phi[-1], strict=True)
  ]
  assert min(moved) > 1e-4
  for part in ("theta", "model_state", "opt_state"):
    pairs = zip(
      jax.tree.leaves(getattr(after, part)), jax.tree.leaves(getattr(state, part)), strict=True
    )
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_the_imagenet_recipe_can_be_built():
  recipe = RECIPES["imagenet"]._replace(terms=1)
  learner, schedule = pretraining(
    recipe,
    spaces.madao(),
    epoch=2477,
    classes_of=lambda count: network(recipe.model, classes=count, image_size=224),
    normalise=normalise,
  )
  assert schedule.count("search") == 80 * 2477 // 30
  image = jax.ShapeDtypeStruct((2, 256, 256, 3), jnp.uint8)
  label, weight = (jax.ShapeDtypeStruct((2,), t) for t in (jnp.int32, jnp.float32))
  batch = Batch(image, label, weight, label)
  state = jax.eval_shape(learner.init, jax.random.key(0), batch)
  after, _ = jax.eval_shape(learner.search, jax.random.key(0), state, batch, batch)
  assert after == state
  assert state.model_state["queue"].shape == (65_536, 128)


def test_a_probe_separates_what_is_separable():
  random = np.random.default_rng(0)
  labels = random.integers(0, 3, 300)
  inputs = (random.normal(size=(300, 4)) + 5 * np.eye(4)[labels]).astype(np.float32)
  seen, tested = (inputs[:200], labels[:200]), (inputs[200:], labels[200:])
  accuracy = probe(seen, tested, classes=3, rate=1.0, epochs=20, drops=(12, 16))
  assert accuracy > 0.95


def test_a_run_moves_the_augmenter_and_its_probe_is_above_chance(tmp_path, monkeypatch):
  monkeypatch.setattr(madao_moco, "network", lambda name, *, classes, image_size: small(classes))
  found = madao_moco.run(RECIPE, "digits", workdir=str(tmp_path), space=SPACE)
  assert found.accuracy > 0.3  # chance is 0.1
  assert np.abs(found.policy["probability"] - 0.5).min() > 1e-3
  assert np.abs(found.policy["selection"] - 0.5).min() > 1e-4
  assert found.policy["magnitude"][0, 0] != 0.5
