"""The whole job as Python functions: data in, trained networks and reports out."""

from autoaug_jax.app.autodo import Autodo
from autoaug_jax.app.bilevel_rows import (
  MAGNITUDES,
  Validated,
  train_invariant,
  validated_magnitude,
  whole_accuracy,
)
from autoaug_jax.app.caught import Caught, auc, caught, precision_recall
from autoaug_jax.app.intervals import Interval, interval, percent, student_quantile
from autoaug_jax.app.kinds import attributes, option_types, sized
from autoaug_jax.app.madao import Madao
from autoaug_jax.app.networks import network
from autoaug_jax.app.online_bilevel import OnlineBilevel
from autoaug_jax.app.outcome import Outcome, outcome_lines
from autoaug_jax.app.plan import Plan, load_plan, save_plan
from autoaug_jax.app.policies import named_policy, policy_names
from autoaug_jax.app.prediction_pictures import save_predictions
from autoaug_jax.app.predictions import Predictions, predictions
from autoaug_jax.app.prepare import load_images, moments
from autoaug_jax.app.retrain import How, Retrained, as_json, retrain, table_line
from autoaug_jax.app.search import search
from autoaug_jax.app.search_setting import SearchSetting
from autoaug_jax.app.searched import Searched, search_lines
from autoaug_jax.app.setting import Setting
from autoaug_jax.app.site import training_setting
from autoaug_jax.app.slack import Slack
from autoaug_jax.app.within import AUTO, search_within
from autoaug_jax.app.writing import write_json

__all__ = [
  "AUTO",
  "MAGNITUDES",
  "Autodo",
  "Caught",
  "How",
  "Interval",
  "Madao",
  "OnlineBilevel",
  "Outcome",
  "Plan",
  "Predictions",
  "Retrained",
  "SearchSetting",
  "Searched",
  "Setting",
  "Slack",
  "Validated",
  "as_json",
  "attributes",
  "auc",
  "caught",
  "interval",
  "load_images",
  "load_plan",
  "moments",
  "named_policy",
  "network",
  "option_types",
  "outcome_lines",
  "percent",
  "policy_names",
  "precision_recall",
  "predictions",
  "retrain",
  "save_plan",
  "save_predictions",
  "search",
  "search_lines",
  "search_within",
  "sized",
  "student_quantile",
  "table_line",
  "train_invariant",
  "training_setting",
  "validated_magnitude",
  "whole_accuracy",
  "write_json",
]
