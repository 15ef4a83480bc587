"""The published methods, each a composition of a policy, an estimator and a schedule."""

from autoaug_jax.methods.autodo import (
  AUTODO_PAPER,
  AUTODO_RELEASED,
  AutodoNumbers,
  AutodoParts,
  AutodoTimes,
  annealed,
  autodo,
)
from autoaug_jax.methods.autodo_phi import AutodoPhi, Verdicts, verdicts
from autoaug_jax.methods.base import Begin, Method, Phase
from autoaug_jax.methods.madao import madao
from autoaug_jax.methods.online_bilevel import (
  online_bilevel,
  set_augmentation,
  spatial_transformer,
)
from autoaug_jax.methods.pairs import ESTIMATORS, Traits, check, traits, why_not
from autoaug_jax.methods.rows import RowsOptimizer, RowsState, rows_of, rows_rmsprop, search_rows
from autoaug_jax.methods.slack import Inside, Times, slack

__all__ = [
  "AUTODO_PAPER",
  "AUTODO_RELEASED",
  "ESTIMATORS",
  "AutodoNumbers",
  "AutodoParts",
  "AutodoPhi",
  "AutodoTimes",
  "Begin",
  "Inside",
  "Method",
  "Phase",
  "RowsOptimizer",
  "RowsState",
  "Times",
  "Traits",
  "Verdicts",
  "annealed",
  "autodo",
  "check",
  "madao",
  "online_bilevel",
  "rows_of",
  "rows_rmsprop",
  "search_rows",
  "set_augmentation",
  "slack",
  "spatial_transformer",
  "traits",
  "verdicts",
  "why_not",
]
