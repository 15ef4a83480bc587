"""The plan for the digits that come with the package: constant, a few minutes on two cores."""

from autoaug_jax.app.plan import BASELINES, Plan
from autoaug_jax.app.search_setting import SearchSetting
from autoaug_jax.app.slack import Slack

DIGITS = Plan(
  budget=0.0,
  setting=SearchSetting(data="digits", size=16, flip=0.0),
  method="slack",
  options=Slack(
    pretrain_epochs=10, rounds=6, retrain_steps=30, search_steps=60, ops=1, draws="per_image"
  ),
  epochs=20,
  steps=20,
  longer=27,
  seeds=(0, 1, 2),
  longer_rows=BASELINES[:1],
  fold_epochs=10,
  search_cost=20.0,
  reasons=(
    "Data: the built-in handwritten digits, at 16 x 16 pixels and without flips.",
    "Method: SLACK with one op an image; everything is constant here, and nothing is timed.",
    "More time: --data and --budget=20m choose all this for your own images.",
  ),
)
