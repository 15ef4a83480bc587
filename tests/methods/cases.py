"""Small methods that the tests of this package share."""

from typing import Any

from autoaug_jax.methods import Inside, Method, Times, slack
from autoaug_jax.models import small_cnn
from autoaug_jax.ops import Space, select, spaces
from autoaug_jax.train import Task, classification
from tests.train import cases

# Ops of one kind only: the executor's program stays small.
SPACE: Space = select(spaces.slack_cifar(), ["Brightness", "Contrast", "Posterize", "Identity"])


def task() -> Task:
  return classification(small_cnn(widths=(4,), classes=cases.CLASSES))


def small_slack(**options: Any) -> Method:
  options = {"k": 2, "draws": 2, "flip": 0.0, **options}
  times = options.pop("times", Times(pretrain=2, rounds=2, retrain=2, search=2))
  return slack(task(), SPACE, times=times, inside=Inside(rate=0.1), **options)
