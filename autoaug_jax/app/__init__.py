"""The whole job as Python functions: data in, trained networks and reports out."""

from autoaug_jax.app.intervals import Interval, interval, student_quantile
from autoaug_jax.app.networks import network
from autoaug_jax.app.policies import named_policy, policy_names
from autoaug_jax.app.retrain import How, Retrained, as_json, retrain, table_line
from autoaug_jax.app.setting import Setting

__all__ = [
  "How",
  "Interval",
  "Retrained",
  "Setting",
  "as_json",
  "interval",
  "named_policy",
  "network",
  "policy_names",
  "retrain",
  "student_quantile",
  "table_line",
]
