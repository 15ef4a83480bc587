"""A policy for each class, an image's own label choosing which."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from autoaug_jax.policies.base import Augmenter, Draw, Policy, frozen, per_example
from autoaug_jax.policies.interpret import policy
from autoaug_jax.policies.stages import Fixed, Network
from autoaug_jax.types import Array, Batch, Key, Phi


class PerClass(NamedTuple):
  """Policies that do not learn, one for each class: the same ops, in other shares."""

  classes: tuple[str, ...]
  policies: tuple[Fixed, ...]


def per_class(policy: Policy, classes: int) -> Augmenter:
  """A row of phi for each class, found by an image's label; a draw for each image.

  The leaves of phi are those of the policy's with an axis of `classes` in front. A soft label
  counts as its most likely class.
  """
  if classes < 1:
    raise ValueError(f"per_class takes at least 1 class, got {classes}")
  rows = per_example(policy, classes)

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    label = batch.label if batch.label.ndim == 1 else jnp.argmax(batch.label, -1)
    if not jnp.issubdtype(label.dtype, jnp.integer):
      raise ValueError(f"per_class takes labels that are classes, got {label.dtype}")
    numbered = batch._replace(index=label.astype(jnp.int32))
    return rows.augment(key, phi, numbered, first=first)._replace(index=batch.index)

  return Augmenter(rows.init, augment)


def check_per_class(each: PerClass) -> None:
  """Raises ValueError unless there is a policy a class, over the same ops in the same stages."""
  if not each.classes or len(each.classes) != len(each.policies):
    raise ValueError(
      f"each class takes one policy, got {len(each.classes)} classes and {len(each.policies)}"
    )
  if len(set(each.classes)) < len(each.classes):
    raise ValueError(f"the classes of policies must differ, got {', '.join(each.classes)}")
  if len({_frame(one) for one in each.policies}) > 1:
    raise ValueError("the policies of classes take the same ops in the same kinds of stages")
  if any(isinstance(stage, Network) for stage in each.policies[0].stages):
    raise ValueError("the policies of classes are stages of ops, and no networks")


def class_augmenter(each: PerClass, *, classes: Sequence[str] = ()) -> Augmenter:
  """Each image under the policy of its label's class; phi is ().

  `classes` are the names that labels count, where they are in another order than the policies'.
  """
  check_per_class(each)
  missing = [name for name in classes if name not in each.classes]
  if missing:
    raise ValueError(
      f"there is no policy for the class {missing[0]!r}; there are some for "
      f"{', '.join(each.classes)}"
    )
  order = [each.classes.index(name) for name in classes or each.classes]
  parts = [policy(each.policies[number]) for number in order]
  samples = [part.sample for part in parts]

  def sample(key: Key, number: Array) -> Draw:
    return lax.switch(number, [lambda key, one=one: one(key, ()) for one in samples], key)

  # The number of its class is an image's row of phi. What is drawn is applied alike for all.
  by_number = parts[0]._replace(init=lambda key: jnp.int32(0), sample=sample)
  return frozen(per_class(by_number, len(order)), jnp.arange(len(order), dtype=jnp.int32))


def _frame(one: Fixed) -> tuple:
  """What the policies of classes have in common: all but numbers."""
  stages = tuple(
    (type(stage), jax.tree.structure(stage), getattr(stage, "ops", ())) for stage in one.stages
  )
  return one.space, stages, one.first, one.last
