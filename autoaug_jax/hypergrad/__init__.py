"""Hypergradients: d outer / d phi where theta has been, or would be, trained on inner.

An estimator takes two scalar functions inner(theta, phi) and outer(theta, phi) and differentiates
them as they are. The mode of BatchNorm is theirs, for each of the two: in the papers' code (inner,
outer) are (train, train) for SLACK and Online bilevel, (train, eval) for MADAO, (eval, eval) for
AutoDO. Running statistics leave inner as its aux (of `joint` and of the scores), stopped by
jax.lax.stop_gradient.
"""

from autoaug_jax.hypergrad.base import Hypergradient, Joint, Moved, estimate
from autoaug_jax.hypergrad.clip import clip_by_norm
from autoaug_jax.hypergrad.direct import direct
from autoaug_jax.hypergrad.direction import by_direction
from autoaug_jax.hypergrad.finite_difference import finite_difference
from autoaug_jax.hypergrad.implicit import Implicit, implicit, implicit_checked
from autoaug_jax.hypergrad.joint import joint
from autoaug_jax.hypergrad.products import gauss_newton, hessian
from autoaug_jax.hypergrad.restrict import restrict
from autoaug_jax.hypergrad.score import (
  Baseline,
  known,
  leave_one_out,
  per_image_score,
  shared_score,
)
from autoaug_jax.hypergrad.solves import (
  Iteration,
  conjugate_gradient,
  dense,
  neumann,
  scaled_identity,
)
from autoaug_jax.hypergrad.stepwise import stepwise
from autoaug_jax.hypergrad.unroll import unrolled

__all__ = [
  "Baseline",
  "Hypergradient",
  "Implicit",
  "Iteration",
  "Joint",
  "Moved",
  "by_direction",
  "clip_by_norm",
  "conjugate_gradient",
  "dense",
  "direct",
  "estimate",
  "finite_difference",
  "gauss_newton",
  "hessian",
  "implicit",
  "implicit_checked",
  "joint",
  "known",
  "leave_one_out",
  "neumann",
  "per_image_score",
  "restrict",
  "scaled_identity",
  "shared_score",
  "stepwise",
  "unrolled",
]
