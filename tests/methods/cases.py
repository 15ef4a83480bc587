"""Small methods that the tests of this package share."""

from typing import Any

from autoaug_jax.methods import Inside, Method, Times, slack
from autoaug_jax.models import small_cnn
from autoaug_jax.ops import Space, select, spaces
from autoaug_jax.train import Task, classification
from tests.train import cases

# Ops of one kind only: the executor's program stays small.
SPACE: Space = select(spaces.slack_cifar(), ["Brightness", "Contrast", "Posterize", "Identity"])


def task(axis_name: str | None = None) -> Task:
  model = small_cnn(widths=(4,), classes=cases.CLASSES, axis_name=axis_name)
  return classification(model)


def small_slack(**options: Any) -> Method:
  options = {"k": 2, "draws": 2, "flip": 0.0, **options}
  times = options.pop("times", Times(pretrain=2, rounds=2, retrain=2, search=2))
  whole = options["axis_name"] if options.get("models", 1) == 1 and "axis_name" in options else None
  return slack(task(whole), SPACE, times=times, inside=Inside(rate=0.1), **options)
