"""The published methods, each a composition of a policy, an estimator and a schedule."""

from autoaug_jax.methods.base import Begin, Method, Phase
from autoaug_jax.methods.pairs import ESTIMATORS, Traits, check, traits, why_not

__all__ = [
  "ESTIMATORS",
  "Begin",
  "Method",
  "Phase",
  "Traits",
  "check",
  "traits",
  "why_not",
]
