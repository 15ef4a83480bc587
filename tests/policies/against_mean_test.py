"""Weights that keep their mean, held against sums written out in NumPy and against enumeration."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax import devices
from autoaug_jax.policies import Policy, against_mean, per_image, shared
from autoaug_jax.types import Batch

LOGITS = np.array([0.4, -0.3, 0.9])
WORTH = np.array([1.0, 5.0, -2.0])  # what a loss becomes by each draw


POLICY = Policy(
  lambda key: jnp.asarray(LOGITS),
  lambda key, phi: jax.random.categorical(key, phi),
  lambda key, draw, image: image + jnp.asarray(WORTH)[draw],
  lambda phi, draw: jax.nn.log_softmax(phi)[draw],
)


def drawing(draws):
  """One of three numbers an image; `draws` [B], where given, says which, by place."""
  lifted = per_image(POLICY)
  if draws is None:
    return lifted

  def augment(key, phi, batch, *, first=0):
    out = lifted.augment(key, phi, batch, first=first)
    scores = jax.nn.log_softmax(phi)[draws]
    ratio = jnp.exp(scores - jax.lax.stop_gradient(scores))
    image = batch.image + jnp.asarray(WORTH)[draws][:, None, None, None]
    return out._replace(image=image, weight=batch.weight * ratio)

  return lifted._replace(augment=augment)


def batch_of(weight):
  count = len(weight)
  images = np.arange(count, dtype=float).reshape(count, 1, 1, 1)
  return Batch(
    jnp.asarray(images), jnp.zeros(count, jnp.int32), jnp.asarray(weight), np.arange(count)
  )


def slope(augmenter, batch, key=0):
  """Of mean(weight * loss), a loss being an image's one pixel."""

  def loss(phi):
    out = augmenter.augment(jax.random.key(key), phi, batch)
    return jnp.mean(out.weight * out.image[:, 0, 0, 0])

  return jax.grad(loss)(jnp.asarray(LOGITS))


def scores_of(draws):
  """[B, 3]: d log p(draw) / d logits."""
  return np.eye(3)[draws] - np.exp(LOGITS) / np.exp(LOGITS).sum()


@pytest.mark.usefixtures("x64")
def test_each_score_multiplies_a_difference_from_the_mean():
  draws, weight = np.array([0, 2, 1, 1, 0]), np.array([1.0, 0.5, 2.0, 0.0, 1.0])
  losses = np.arange(5) + WORTH[draws]
  mean = np.sum(weight * losses) / weight.sum()
  wanted = (weight * (losses - mean)) @ scores_of(draws) / 5
  got = slope(against_mean(drawing(draws)), batch_of(weight))
  np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.usefixtures("x64")
def test_without_bias_but_for_a_known_factor():
  """All 27 draws of three images, whose losses differ by themselves too."""
  share = np.exp(LOGITS) / np.exp(LOGITS).sum()
  batch, total = batch_of(np.ones(3)), 0.0
  for draws in itertools.product(range(3), repeat=3):
    got = slope(against_mean(drawing(np.array(draws))), batch)
    total = total + share[list(draws)].prod() * np.asarray(got)
  truth = share * (WORTH - share @ WORTH)  # of the mean loss
  np.testing.assert_allclose(total, (1 - 1 / 3) * truth, rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_what_all_images_have_in_common_is_no_noise():
  plain, ours = [], []
  for key in range(50):
    batch = batch_of(np.ones(8))
    high = batch._replace(image=batch.image + 100)
    plain.append(slope(drawing(None), high, key))
    ours.append(slope(against_mean(drawing(None)), high, key))
    np.testing.assert_allclose(ours[-1], slope(against_mean(drawing(None)), batch, key), atol=1e-10)
  # The common part is 100, the deviation of the rest 3.4: 0.0012 of its square.
  assert np.var(ours, axis=0).sum() < 0.01 * np.var(plain, axis=0).sum()


def test_weights_are_the_same_numbers():
  weight = np.array([1.0, 0.3, 0.0, 2.7], np.float32)
  for value in (weight, 0 * weight):
    out = against_mean(drawing(None)).augment(jax.random.key(0), jnp.zeros(3), batch_of(value))
    np.testing.assert_array_equal(out.weight, value)


@pytest.mark.usefixtures("x64")
def test_nothing_is_left_of_a_draw_that_all_share():
  lifted = shared(POLICY)
  np.testing.assert_allclose(slope(against_mean(lifted), batch_of(np.ones(4))), 0, atol=1e-12)


@pytest.mark.usefixtures("x64")
def test_the_mean_is_that_of_all_devices():
  batch = batch_of(np.linspace(0.5, 2.0, 8))

  def gradient(key, phi, batch, axis_name):
    augmenter = against_mean(drawing(None), axis_name=axis_name)
    first = devices.first_place(len(batch.label), axis_name)

    def loss(phi):
      out = augmenter.augment(key, phi, batch, first=first)
      return jnp.mean(out.weight * out.image[:, 0, 0, 0])

    return devices.mean_over(axis_name)(jax.grad(loss)(phi))

  at = (jax.random.key(3), jnp.asarray(LOGITS))
  one = gradient(*at, batch, None)
  many = devices.pmapped(lambda *all_: gradient(*all_, devices.AXIS), split=(2,), count=4)
  found = many(*devices.replicate(at, count=4), devices.shard(batch, count=4))
  np.testing.assert_allclose(found, one, rtol=1e-12, atol=1e-14)
