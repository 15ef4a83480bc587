"""The engine: moves on one state, compiled, scheduled, looped over, kept."""

from autoaug_jax.train.evaluate import evaluation
from autoaug_jax.train.learner import Learner, learner
from autoaug_jax.train.loop import Every, Fitted, fit
from autoaug_jax.train.problem import Problem, by_draw, half_l2, supervised
from autoaug_jax.train.program import Numbers, Program, program
from autoaug_jax.train.schedule import alternating, epochs, rounds, together, training
from autoaug_jax.train.state import SearchState, select
from autoaug_jax.train.task import Outcome, Task, classification, cross_entropy

__all__ = [
  "Every",
  "Fitted",
  "Learner",
  "Numbers",
  "Outcome",
  "Problem",
  "Program",
  "SearchState",
  "Task",
  "alternating",
  "by_draw",
  "classification",
  "cross_entropy",
  "epochs",
  "evaluation",
  "fit",
  "half_l2",
  "learner",
  "program",
  "rounds",
  "select",
  "supervised",
  "together",
  "training",
]
