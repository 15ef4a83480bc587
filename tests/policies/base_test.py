"""Lifts, on a policy small enough to work out by hand: it adds 1 or 2 to an image, by a coin."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.policies import base
from autoaug_jax.types import Batch

COIN = base.Policy(
  init=lambda key: jnp.array([0.3, -0.2]),
  sample=lambda key, phi: jax.random.categorical(key, phi),
  apply=lambda key, draw, image: image + (1.0 + draw.astype(image.dtype)),
  log_prob=lambda phi, draw: jax.nn.log_softmax(phi)[draw],
)
PHI = np.array([0.3, -0.2], np.float32)
PROB = np.exp(PHI) / np.exp(PHI).sum()
LIFTS = {
  "per_image": lambda policy: base.per_image(policy),
  "shared": lambda policy: base.shared(policy),
  "grouped": lambda policy: base.grouped(policy, 3),
  "chain": lambda policy: base.chain(base.shared(policy), base.per_image(policy)),
}
by_lift = pytest.mark.parametrize("lift", LIFTS)


def batch_of(count, dtype=np.float32):
  weight = np.linspace(0.5, 1.5, count).astype(dtype)
  image = np.zeros((count, 2, 2, 1), dtype)
  return Batch(image, np.zeros(count, np.int32), weight, np.arange(count, dtype=np.int32) % 5)


def drawn(out):
  """The draw of each image, and that the image shows it."""
  values = np.asarray(out.image)
  assert (values == values[:, :1, :1, :1]).all()
  return values[:, 0, 0, 0].astype(int) - 1


def test_per_image_draws_by_its_probabilities():
  out = jax.jit(base.per_image(COIN).augment)(jax.random.key(0), PHI, batch_of(4000))
  share = drawn(out).mean()
  assert abs(share - PROB[1]) < 4 * np.sqrt(PROB[0] * PROB[1] / 4000)


def test_shared_is_one_draw_that_varies_with_the_key():
  augment = jax.jit(base.shared(COIN).augment)
  draws = [drawn(augment(jax.random.key(s), PHI, batch_of(6))) for s in range(40)]
  assert all(len(set(d)) == 1 for d in draws)
  assert len({d[0] for d in draws}) == 2


def test_grouped_images_share_by_their_place():
  augment = jax.jit(base.grouped(COIN, 3).augment)
  seen = set()
  for seed in range(40):
    draws = drawn(augment(jax.random.key(seed), PHI, batch_of(9)))
    assert (draws == np.tile(draws[:3], 3)).all()
    seen.add(tuple(draws[:3]))
  assert len(seen) == 8


def test_per_example_reads_the_row_of_its_example():
  augmenter = base.per_example(COIN, 5)
  chex.assert_shape(augmenter.init(jax.random.key(0)), (5, 2))
  phi = np.array([[30, -30], [-30, 30], [30, -30], [30, -30], [-30, 30]], np.float32)
  batch = batch_of(20)._replace(index=np.arange(19, -1, -1, np.int32) % 5)
  out = augmenter.augment(jax.random.key(1), phi, batch)
  np.testing.assert_array_equal(drawn(out), (phi[batch.index, 1] > 0).astype(int))


@pytest.mark.parametrize("lift", ["per_image", "shared", "grouped"])
def test_weights_have_value_one_and_the_score_as_gradient(lift):
  """d (weight * exp(log p - stop(log p))) = weight * (onehot - p) for a softmax."""
  augment, batch = LIFTS[lift](COIN).augment, batch_of(7)
  key = jax.random.key(4)
  out = augment(key, PHI, batch)
  np.testing.assert_array_equal(np.asarray(out.weight), batch.weight)
  jacobian = jax.jacobian(lambda phi: augment(key, phi, batch).weight)(PHI)
  scores = np.eye(2)[drawn(out)] - PROB
  np.testing.assert_allclose(jacobian, batch.weight[:, None] * scores, atol=1e-6)


def test_per_example_scores_only_the_rows_in_the_batch():
  augmenter, batch = base.per_example(COIN, 8), batch_of(5)
  phi = np.tile(PHI, (8, 1))
  out = augmenter.augment(jax.random.key(2), phi, batch)
  gradient = jax.grad(lambda p: augmenter.augment(jax.random.key(2), p, batch).weight.sum())(phi)
  expected = np.zeros((8, 2))
  expected[:5] = batch.weight[:, None] * (np.eye(2)[drawn(out)] - PROB)
  np.testing.assert_allclose(gradient, expected, atol=1e-6)


@pytest.mark.usefixtures("x64")
def test_the_expected_score_is_the_gradient_of_the_expectation():
  """Both draws by their probabilities: sum_d p(d) grad(weight loss(d)) = p (loss - E loss)."""
  loss = np.array([0.7, -1.9])
  phi = np.array([0.3, -0.2])
  prob = np.exp(phi) / np.exp(phi).sum()
  batch = batch_of(3, np.float64)._replace(weight=np.ones(3))
  total = np.zeros(2)
  for d in range(2):
    augment = base.shared(COIN._replace(sample=lambda key, phi, d=d: jnp.int32(d))).augment

    def value(phi, augment=augment, d=d):
      return jnp.mean(augment(jax.random.key(0), phi, batch).weight * loss[d])

    total += prob[d] * np.asarray(jax.grad(value)(phi))
  np.testing.assert_allclose(total, prob * (loss - prob @ loss), atol=1e-12)


@by_lift
def test_shards_draw_what_one_device_draws(lift):
  augmenter, batch = LIFTS[lift](COIN), batch_of(12)
  phi = augmenter.init(jax.random.key(0))
  key = jax.random.key(9)
  whole = augmenter.augment(key, phi, batch)
  shards = jax.tree.map(lambda leaf: leaf.reshape(4, 3, *leaf.shape[1:]), batch)
  each = jax.pmap(
    lambda shard: augmenter.augment(key, phi, shard, first=3 * jax.lax.axis_index("i")),
    axis_name="i",
  )(shards)
  parts = jax.tree.map(lambda leaf: leaf.reshape(12, *leaf.shape[2:]), each)
  chex.assert_trees_all_equal(jax.device_get(parts), jax.device_get(whole))


def test_a_key_for_each_image_is_the_key_folded_with_its_place():
  augment = jax.jit(base.chain(base.per_image(COIN), base.per_image(COIN)).augment)
  keys = base.image_keys(jax.random.key(3), 8)
  one_by_one = base.per_image(COIN).augment
  chex.assert_trees_all_equal(
    one_by_one(keys, PHI, batch_of(8)), one_by_one(jax.random.key(3), PHI, batch_of(8))
  )
  assert drawn(augment(keys, (PHI, PHI), batch_of(8))).shape == (8,)


@pytest.mark.parametrize("lift", ["shared", "grouped"])
def test_a_draw_for_several_images_takes_one_key(lift):
  with pytest.raises(ValueError, match=r"takes one key for the whole batch, .* first= instead"):
    LIFTS[lift](COIN).augment(jax.random.split(jax.random.key(0), 4), PHI, batch_of(4))


def test_other_mistakes_are_named():
  with pytest.raises(ValueError, match=r"one for each of 4 images, got \(3,\)"):
    base.per_image(COIN).augment(jax.random.split(jax.random.key(0), 3), PHI, batch_of(4))
  with pytest.raises(ValueError, match="at least 1 draw, got 0"):
    base.grouped(COIN, 0)
  with pytest.raises(ValueError, match="at least 1 example, got -1"):
    base.per_example(COIN, -1)


def test_a_chain_applies_in_order_and_has_their_parameters():
  double = base.Policy(lambda key: (), lambda key, phi: (), lambda key, draw, image: 2.0 * image)
  one = COIN._replace(sample=lambda key, phi: jnp.int32(0), log_prob=None)
  augmenter = base.chain(base.per_image(one), base.per_image(double))
  phi = augmenter.init(jax.random.key(0))
  chex.assert_trees_all_close(phi, (PHI, ()))
  out = augmenter.augment(jax.random.key(0), phi, batch_of(3))
  np.testing.assert_array_equal(np.asarray(out.image), 2.0)


def test_the_parts_of_a_chain_draw_independently():
  augment = base.chain(base.per_image(COIN), base.per_image(COIN)).augment
  out = jax.jit(augment)(jax.random.key(0), (PHI, PHI), batch_of(2000))
  both = np.bincount(np.asarray(out.image)[:, 0, 0, 0].astype(int) - 2, minlength=3) / 2000
  expected = [PROB[0] ** 2, 2 * PROB[0] * PROB[1], PROB[1] ** 2]
  np.testing.assert_allclose(both, expected, atol=4 * 0.5 / np.sqrt(2000))


def test_frozen_keeps_what_was_learned_and_has_nothing_left_to_learn():
  augmenter = base.per_image(COIN)
  still = base.frozen(augmenter, PHI)
  assert still.init(jax.random.key(0)) == ()
  key, batch = jax.random.key(5), batch_of(6)
  chex.assert_trees_all_equal(still.augment(key, (), batch), augmenter.augment(key, PHI, batch))


def test_a_batched_apply_is_used_where_there_is_one():
  calls = []

  def apply_batch(keys, draws, images):
    calls.append(keys.shape)
    return jax.vmap(COIN.apply)(keys, draws, images)

  key, batch = jax.random.key(6), batch_of(6)
  for lift in (base.per_image, functools.partial(base.grouped, n=3)):
    fast = lift(COIN._replace(apply_batch=apply_batch)).augment(key, PHI, batch)
    chex.assert_trees_all_equal(fast, lift(COIN).augment(key, PHI, batch))
  assert calls == [(6,), (6,)]


@by_lift
def test_the_second_call_does_not_recompile(lift):
  augmenter = LIFTS[lift](COIN)
  phi = augmenter.init(jax.random.key(0))
  chex.clear_trace_counter()
  augment = jax.jit(chex.assert_max_traces(augmenter.augment, n=1))
  for seed in range(2):
    augment(jax.random.key(seed), phi, batch_of(6), first=seed)
