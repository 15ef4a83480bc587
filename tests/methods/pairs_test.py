"""Walks policies x estimators: a pair that is allowed is right, one that is not says why."""

import functools
import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

from autoaug_jax.hypergrad import (
  direct,
  estimate,
  finite_difference,
  implicit,
  neumann,
  per_image_score,
  shared_score,
  stepwise,
  unrolled,
)
from autoaug_jax.methods import ESTIMATORS, Traits, check, traits, why_not
from autoaug_jax.ops import apply, select, spaces
from autoaug_jax.policies import (
  Augmenter,
  Policy,
  categorical_uniform,
  per_example,
  per_image,
  shared,
)
from autoaug_jax.types import Batch

COUNT, DRAWS, RATE, ALPHA, TERMS = 6, 3, 0.5, 0.1, 2
SPACE = select(spaces.slack_cifar(), ["Brightness", "Invert", "Identity"])


def brightness():
  """Magnitudes uniform up to a learned bound, differentiated; the strength is 1 + half of it."""
  op = SPACE[0]._replace(signed=False, high=0.5)
  return Policy(
    init=lambda key: jnp.array(0.6),
    sample=lambda key, phi: phi * jax.random.uniform(key),
    apply=lambda key, draw, image: apply(key, op, image, draw),
  )


def categorical():
  """SLACK's policy, without the fused executor: its programs are large for so small a network."""
  return categorical_uniform(SPACE, 2, flip=0.0)._replace(apply_batch=None)


def weights():
  """A weight for each training example, as AutoDO has one."""

  def augment(key, phi, batch, *, first=0):
    return batch._replace(weight=batch.weight * 2 * jax.nn.sigmoid(phi[batch.index]))

  return Augmenter(lambda key: jnp.linspace(-1.0, 1.0, COUNT), augment)


def nothing():
  return brightness()._replace(init=lambda key: (), sample=lambda key, phi: jnp.array(0.5))


# name: (augmenter, traits)
POLICIES = {
  "differentiated, per image": (per_image(brightness()), traits(brightness())),
  "differentiated, shared": (shared(brightness()), traits(brightness(), lift=shared)),
  "differentiated, per example": (per_example(brightness(), COUNT), traits(brightness())),
  "score, per image": (per_image(categorical()), traits(categorical())),
  "score, shared": (shared(categorical()), traits(categorical(), lift=shared)),
  "example weights": (weights(), Traits()),
  "fixed": (per_image(nothing()), traits(nothing())),
}
SGD = optax.sgd(RATE)
BUILD = {
  unrolled: lambda: unrolled(SGD),
  implicit: lambda: implicit(neumann(ALPHA, TERMS)),
  stepwise: lambda: stepwise(neumann(ALPHA, TERMS)),  # a part of the one program
  finite_difference: lambda: finite_difference(SGD, epsilon=1e-4),
  direct: direct,
  shared_score: lambda: estimate(shared_score(SGD, draws=DRAWS)),
  per_image_score: lambda: estimate(per_image_score(SGD)),
}


def batch_of(seed):
  image = jax.random.uniform(jax.random.key(7 + seed), (COUNT, 8, 8, 3), minval=0.2, maxval=0.6)
  index = jnp.arange(COUNT)
  return Batch(image, index % 2, jnp.ones(COUNT), index)


def losses(theta, batch):
  """[COUNT], of a network of 4 hidden units on means over quarters, each with the weight decay."""
  x = jnp.mean(batch.image.reshape(COUNT, 2, 4, 2, 4, 3), (2, 4)).reshape(COUNT, 12)
  logits = jnp.tanh(x @ theta["body"]) @ theta["head"]
  label = jax.nn.one_hot(batch.label, 2, dtype=x.dtype)
  decay = 0.05 * sum(jnp.vdot(leaf, leaf) for leaf in jax.tree.leaves(theta))
  return decay - jnp.sum(label * jax.nn.log_softmax(logits), -1)


def mean_loss(theta, batch):
  return jnp.mean(batch.weight * losses(theta, batch))


def problem(drawn, estimator):
  """(inner, outer on plain images, outer on augmented ones) in the form `estimator` takes.

  drawn(tag, phi) is an augmented batch: of training images, or of validation images at tag -1.
  """

  def inner(theta, phi):
    return mean_loss(theta, drawn(0, phi))

  def composite(theta, phi, d):
    batch = drawn(d, phi)
    return jnp.mean(losses(theta, batch)), jnp.log(batch.weight[0])  # the score, at the value 0

  def images(theta, phi):
    batch = drawn(0, phi)
    return losses(theta, batch), jnp.log(batch.weight)

  inner = {shared_score: composite, per_image_score: images}.get(estimator, inner)
  validation = batch_of(-1)
  return (
    inner,
    lambda theta, phi: mean_loss(theta, validation),
    lambda theta, phi: mean_loss(theta, drawn(-1, phi)),
  )


def drawing(augmenter):
  def drawn(tag, phi):
    return augmenter.augment(jax.random.key(20 + tag), phi, batch_of(min(tag, 0)))

  return drawn


def with_draws_held(drawn, phi):
  """`drawn` with the draws at phi, and weights that depend linearly on what is added to phi.

  Its central differences are what a score is to be held against: scores are derivatives of weights.
  """

  @functools.partial(jax.jit, static_argnums=0)
  def at(tag):
    return drawn(tag, phi), jax.jacrev(lambda p: drawn(tag, p).weight)(phi)

  known = {tag: at(tag) for tag in range(-1, DRAWS)}

  def held(tag, moved):
    batch, slope = known[tag]
    change = jax.tree.map(jnp.subtract, moved, phi)
    both = zip(jax.tree.leaves(slope), jax.tree.leaves(change), strict=True)
    rows = [jnp.sum((s * c[None]).reshape(COUNT, -1), axis=1) for s, c in both]
    return batch._replace(weight=batch.weight + sum(rows))

  return held


def differences(f, at, step=1e-5):
  flat, unravel = ravel_pytree(at)
  values = jax.jit(jax.vmap(lambda x: f(unravel(x))))
  shifts = step * np.eye(flat.size)
  return (values(flat[None] + shifts) - values(flat[None] - shifts)) / (2 * step)


def expected(drawn, phi, theta, in_outer):
  """{estimator: its gradient [numbers in phi]}, without any derivative in phi by JAX."""
  inner, plain, augmented = problem(drawn, unrolled)
  outer = augmented if in_outer else plain

  def by_draws(theta, phi):
    return sum(mean_loss(theta, drawn(d, phi)) for d in range(DRAWS)) / DRAWS

  def ahead(loss):
    def value(phi):
      gradient = jax.grad(loss)(theta, phi)
      return outer(jax.tree.map(lambda t, g: t - RATE * g, theta, gradient), phi)

    return value

  flat, unravel = ravel_pytree(theta)

  def gradient(phi):
    return jax.grad(lambda t: inner(unravel(t), phi))(flat)

  def curvature(t):
    return jax.hessian(lambda s: inner(unravel(s), phi))(t)

  v = jax.grad(lambda t: outer(unravel(t), phi))(flat)
  matrix = np.eye(flat.size) - ALPHA * np.asarray(jax.jit(curvature)(flat))
  q = ALPHA * sum(np.linalg.matrix_power(matrix, j) @ v for j in range(TERMS + 1))
  one_step = differences(ahead(inner), phi)
  solved = differences(lambda p: outer(theta, p) - gradient(p) @ q, phi)
  return {
    unrolled: one_step,
    finite_difference: one_step,
    implicit: solved,
    stepwise: solved,
    direct: differences(lambda p: outer(theta, p), phi),
    shared_score: differences(ahead(by_draws), phi),
    per_image_score: one_step,
  }


def run(augmenter, estimators, phi, theta, in_outer):
  """[its gradient, for each estimator], by one program."""
  drawn = drawing(augmenter)

  @jax.jit
  def all_of_them(theta, phi):
    gradients = []
    for estimator in estimators:
      inner, plain, augmented = problem(drawn, estimator)
      at = (inner, augmented if in_outer else plain, theta, phi, SGD.init(theta))
      gradients.append(ravel_pytree(BUILD[estimator]()(*at)[1])[0])
    return gradients

  return all_of_them(theta, phi)


def start(augmenter):
  phi = augmenter.init(jax.random.key(4))
  shapes = {"body": (12, 4), "head": (4, 2)}
  keys = jax.random.split(jax.random.key(5))
  return phi, {n: jax.random.normal(k, s) for k, (n, s) in zip(keys, shapes.items(), strict=True)}


@pytest.mark.parametrize("in_outer", [False, True], ids=["training only", "in both losses"])
@pytest.mark.parametrize("name", [name for name in POLICIES if name != "fixed"])
def test_an_allowed_pair_is_right(x64, name, in_outer):
  augmenter, kind = POLICIES[name]
  kind = kind._replace(in_outer=in_outer)
  # What an outer loss that contains phi adds is the same in all estimators: two of them will do.
  wanted = (direct, unrolled) if in_outer else ESTIMATORS
  allowed = [e for e in wanted if why_not(e, kind) is None]
  phi, theta = start(augmenter)
  drawn = drawing(augmenter)
  right = expected(with_draws_held(drawn, phi) if kind.score else drawn, phi, theta, in_outer)
  for estimator, got in zip(allowed, run(augmenter, allowed, phi, theta, in_outer), strict=True):
    scale = np.abs(right[estimator]).max()
    assert scale > 1e-4, "nothing was compared"
    tolerance = 1e-4 if estimator is finite_difference else 1e-6
    np.testing.assert_allclose(
      got, right[estimator], atol=tolerance * scale, err_msg=estimator.__name__
    )


@pytest.mark.parametrize("name", POLICIES)
def test_a_pair_that_is_not_allowed_says_why_in_a_sentence(name):
  for estimator, in_outer in itertools.product(ESTIMATORS, (False, True)):
    kind = POLICIES[name][1]._replace(in_outer=in_outer)
    reason = why_not(estimator, kind)
    if reason is None:
      check(estimator, kind)
      continue
    assert reason.startswith(estimator.__name__)
    assert ". " not in reason
    with pytest.raises(ValueError) as raised:
      check(estimator, kind)
    assert str(raised.value) == reason


def test_the_whole_table():
  """A cross where a pair is not allowed, for policies in the training loss alone."""
  got = {
    name: "".join("x" if why_not(e, kind) else "." for e in ESTIMATORS)
    for name, (_, kind) in POLICIES.items()
  }
  # unrolled, implicit, stepwise, finite_difference, direct, shared_score, per_image_score
  assert got == {
    "differentiated, per image": "....xxx",
    "differentiated, shared": "....xxx",
    "differentiated, per example": "....xxx",
    "score, per image": "....xx.",
    "score, shared": "....x.x",
    "example weights": "....xxx",
    "fixed": "xxxxxxx",
  }


def test_what_is_not_allowed_would_be_zero(x64):
  for name, estimators in {
    "differentiated, per image": [direct, per_image_score],
    "differentiated, shared": [shared_score],
    "score, per image": [direct],
  }.items():
    augmenter, kind = POLICIES[name]
    assert all(why_not(e, kind) for e in estimators)
    gradients = run(augmenter, estimators, *start(augmenter), in_outer=False)
    chex.assert_trees_all_equal(gradients, [jnp.zeros_like(g) for g in gradients])


def test_says_which_estimators_there_are():
  with pytest.raises(ValueError, match=r"one of unrolled, implicit, .* not estimate"):
    why_not(estimate, Traits())
