"""Which policies go with which estimators, and why the others do not."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax

from autoaug_jax.hypergrad import (
  direct,
  finite_difference,
  implicit,
  per_image_score,
  shared_score,
  stepwise,
  unrolled,
)
from autoaug_jax.policies import Augmenter, Policy, per_image, shared

Estimator: TypeAlias = Callable[..., Any]  # a factory of hypergrad: unrolled, not unrolled(sgd)
ESTIMATORS: tuple[Estimator, ...] = (
  unrolled,
  implicit,
  stepwise,
  finite_difference,
  direct,
  shared_score,
  per_image_score,
)


class Traits(NamedTuple):
  """What an estimator needs to know of how phi reaches the losses."""

  learns: bool = True  # phi is not empty
  score: bool = False  # draws have a log-probability instead of a derivative
  one_draw: bool = False  # the whole batch has one draw
  in_outer: bool = False  # the outer loss contains phi itself, not only by way of theta


def traits(
  policy: Policy, *, lift: Callable[..., Augmenter] = per_image, in_outer: bool = False
) -> Traits:
  """Those of `lift(policy)`. For augmenters that are no lifted policy, Traits() says as much."""
  phi = jax.eval_shape(policy.init, jax.random.key(0))
  return Traits(
    learns=bool(jax.tree.leaves(phi)),
    score=policy.log_prob is not None,
    one_draw=lift is shared,
    in_outer=in_outer,
  )


def why_not(estimator: Estimator, policy: Traits) -> str | None:
  """One sentence if the gradient could not be right or would be zero; None where the pair works.

  unrolled, implicit, stepwise and finite_difference take every policy that learns: they see its
  derivative, be it through images, weights or labels, or the score that rides on the weights.
  """
  name = estimator.__name__
  if estimator not in ESTIMATORS:
    known = ", ".join(e.__name__ for e in ESTIMATORS)
    raise ValueError(f"estimator must be one of {known}, not {name}")
  if not policy.learns:
    return f"{name} has nothing to move: this policy has no parameters"
  if estimator is direct and not policy.in_outer:
    return (
      "direct would give zero: it holds theta fixed, and this policy is in the training loss alone"
    )
  if estimator not in (shared_score, per_image_score):
    return None
  if not policy.score:
    return f"{name} needs draws with a log_prob, and this policy is differentiated: take unrolled"
  if estimator is shared_score and not policy.one_draw:
    return (
      "shared_score needs composites that each augment a whole batch, and here each image has its "
      "own: take per_image_score"
    )
  if estimator is per_image_score and policy.one_draw:
    return (
      "per_image_score needs a draw for each image, and here a batch has one: take shared_score"
    )
  return None


def check(estimator: Estimator, policy: Traits) -> None:
  """Raises that sentence as a ValueError."""
  reason = why_not(estimator, policy)
  if reason is not None:
    raise ValueError(reason)
