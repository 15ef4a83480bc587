"""The engine: moves on one state, compiled, scheduled, looped over, kept."""

from autoaug_jax.train import optim
from autoaug_jax.train.evaluate import evaluation
from autoaug_jax.train.learner import Learner, Metrics, Move, learner
from autoaug_jax.train.loop import Fitted, fit
from autoaug_jax.train.numbers import multi_label, regression
from autoaug_jax.train.problem import Aux, Problem, by_draw, by_image, half_l2, supervised
from autoaug_jax.train.program import Numbers, Program, program
from autoaug_jax.train.progress import Progress, progress_on, silent
from autoaug_jax.train.rules import Every
from autoaug_jax.train.schedule import (
  Schedule,
  alternating,
  epochs,
  few_moves,
  rounds,
  together,
  training,
)
from autoaug_jax.train.soft import divergence
from autoaug_jax.train.state import SearchState, select
from autoaug_jax.train.task import Outcome, Task, classification, cross_entropy, prepared
from autoaug_jax.train.trajectory import trajectory

__all__ = [
  "Aux",
  "Every",
  "Fitted",
  "Learner",
  "Metrics",
  "Move",
  "Numbers",
  "Outcome",
  "Problem",
  "Program",
  "Progress",
  "Schedule",
  "SearchState",
  "Task",
  "alternating",
  "by_draw",
  "by_image",
  "classification",
  "cross_entropy",
  "divergence",
  "epochs",
  "evaluation",
  "few_moves",
  "fit",
  "half_l2",
  "learner",
  "multi_label",
  "optim",
  "prepared",
  "program",
  "progress_on",
  "regression",
  "rounds",
  "select",
  "silent",
  "supervised",
  "together",
  "training",
  "trajectory",
]
