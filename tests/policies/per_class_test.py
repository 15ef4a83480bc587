"""Policies of classes are each image's own policy, by its label."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.ops import select, spaces
from autoaug_jax.policies import (
  Fixed,
  PerClass,
  Step,
  Steps,
  as_fixed,
  augmenter,
  categorical_uniform,
  class_augmenter,
  fixed,
  per_class,
  per_image,
)
from autoaug_jax.types import Batch

SPACE = select(spaces.slack_cifar(), ["Brightness", "Invert", "Posterize"])
POLICY = categorical_uniform(SPACE, 2, flip=0.0)
LABELS = np.array([0, 2, 1, 1, 0, 2], np.int32)


def batch(labels=LABELS):
  images = np.random.default_rng(0).integers(0, 256, (6, 6, 6, 1), np.uint8)
  return Batch(jnp.asarray(images), jnp.asarray(labels), jnp.ones(6), jnp.arange(6) + 10)


def spread():
  """phi of three classes that differ."""
  phi = per_class(POLICY, 3).init(jax.random.key(0))
  noise = jax.random.normal(jax.random.key(1), phi.logits.shape)
  return phi._replace(logits=phi.logits + noise, bound=phi.bound - jnp.arange(3.0)[:, None] / 10)


def row(phi, number):
  return jax.tree.map(lambda leaf: leaf[number], phi)


def test_an_image_has_the_policy_of_its_class():
  phi, key = spread(), jax.random.key(2)
  assert phi.logits.shape == (3, 2, 3)
  done = per_class(POLICY, 3).augment(key, phi, batch())
  for number in range(3):
    alone = per_image(POLICY).augment(key, row(phi, number), batch())
    mine = number == LABELS
    np.testing.assert_array_equal(done.image[mine], alone.image[mine])
  np.testing.assert_array_equal(done.index, batch().index)
  np.testing.assert_array_equal(done.label, LABELS)


def test_a_soft_label_counts_as_its_likeliest_class():
  soft = np.full((6, 3), 0.2, np.float32) + 0.4 * np.eye(3, dtype=np.float32)[LABELS]
  key = jax.random.key(2)
  hard, done = (
    per_class(POLICY, 3).augment(key, spread(), batch(labels)) for labels in (LABELS, soft)
  )
  np.testing.assert_array_equal(done.image, hard.image)
  np.testing.assert_array_equal(done.label, soft)


def test_the_score_of_an_image_moves_its_class_alone():
  key = jax.random.key(3)
  worth = jnp.arange(1.0, 7.0)

  def total(phi, lift, weight):
    return jnp.sum(weight * lift.augment(key, phi, batch()).weight)

  phi = spread()
  moved = jax.grad(total)(phi, per_class(POLICY, 3), worth)
  for number in range(3):
    weight = jnp.where(jnp.asarray(number == LABELS), worth, 0)
    alone = jax.grad(total)(row(phi, number), per_image(POLICY), weight)
    for a, b in zip(jax.tree.leaves(row(moved, number)), jax.tree.leaves(alone), strict=True):
      np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def learned():
  phi = spread()
  policies = tuple(as_fixed(row(phi, i), SPACE, flip=0.5) for i in range(3))
  return PerClass(("cat", "dog", "eel"), policies)


@pytest.mark.parametrize(
  "names", [("cat", "dog", "eel"), ("eel", "cat", "dog")], ids=["as", "other"]
)
def test_policies_of_a_file_go_by_the_names_of_classes(names):
  each, key = learned(), jax.random.key(4)
  done = class_augmenter(each, classes=names).augment(key, (), batch())
  for number, name in enumerate(names):
    alone = augmenter(each.policies[each.classes.index(name)]).augment(key, (), batch())
    mine = number == LABELS
    np.testing.assert_array_equal(done.image[mine], alone.image[mine])


@pytest.mark.parametrize(
  ("call", "words"),
  [
    (lambda: per_class(POLICY, 0), "at least 1 class, got 0"),
    (
      lambda: per_class(POLICY, 3).augment(
        jax.random.key(0), spread(), batch(LABELS.astype(np.float32))
      ),
      "labels that are classes, got float32",
    ),
    (lambda: class_augmenter(learned(), classes=("ant",)), "'ant'; there are some for cat, dog"),
    (lambda: class_augmenter(PerClass((), ())), "got 0 classes and 0"),
    (lambda: class_augmenter(learned()._replace(classes=("a", "a", "b"))), "must differ, got a, a"),
    (
      lambda: class_augmenter(PerClass(("a", "b"), (fixed.none(), fixed.standard()))),
      "the same ops in the same kinds of stages",
    ),
    (
      lambda: class_augmenter(
        PerClass(
          ("a", "b"),
          tuple(Fixed(SPACE, (Steps((Step(op),)),)) for op in ("Invert", "Rotate")),
        )
      ),
      "unknown op 'Rotate'",
    ),
  ],
  ids=["none", "float", "name", "empty", "twice", "stages", "op"],
)
def test_mistakes_get_one_sentence(call, words):
  with pytest.raises(ValueError, match=words):
    call()
