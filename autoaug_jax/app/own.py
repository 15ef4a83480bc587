"""A model and a loss of the user's own in the place of those that a job would take."""

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import flax
import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax import train
from autoaug_jax.app.search_setting import SearchSetting
from autoaug_jax.app.setting import Setting

# (model, normalise=(mean, std), crop=side) -> Task: train.classification and its siblings
TaskOf: TypeAlias = Callable[..., train.Task]
AnySetting = TypeVar("AnySetting", Setting, SearchSetting)


def named_after(setting: AnySetting, model: Any) -> AnySetting:
  """The setting with the name of the user's own model, where there is one."""
  return setting if model is None else setting._replace(model=_name(model))


def own_network(model: Any, *, outputs: int, shape: tuple[int, int, int]) -> Any:
  """The user's module, or what a function makes for so many outputs; looked at, not run.

  ValueError, in one sentence, unless it is called as `model(images, train=...)`, draws nothing, and
  makes `outputs` numbers of an image [H, W, C].
  """
  name = _name(model)
  if isinstance(model, type) or not _is_module(model):
    model = model(outputs) if callable(model) else None
    if not _is_module(model):
      raise ValueError(
        f"model takes a Flax module, or a function of the {outputs} outputs that makes one, "
        f"and {name} is neither"
      )
  if not _takes_train(model):
    raise ValueError(f"a model is called as model(images, train=...), and {name} takes no train")
  images = jax.ShapeDtypeStruct((2, *shape), jnp.float32)
  variables = jax.eval_shape(lambda key, x: model.init(key, x, train=False), _key(), images)
  if "params" not in variables:
    raise ValueError(f"a model has parameters to learn, and {name} has none")
  moved = [part for part in variables if part != "params"]
  try:
    made = jax.eval_shape(
      lambda v, x: model.apply(v, x, train=True, mutable=moved), variables, images
    )
  except flax.errors.InvalidRngError:
    raise ValueError(
      f"a model draws nothing of its own, and {name} does in training: leave its dropout out"
    ) from None
  if getattr(made[0], "shape", None) != (2, outputs):
    got = getattr(made[0], "shape", (2, type(made[0]).__name__))[1:]
    raise ValueError(f"a model makes [{outputs}] of an image here, and {name} makes {list(got)}")
  return model


def task_of(
  task: TaskOf | None,
  model: Any,
  *,
  labels: np.ndarray,
  normalise: tuple[tuple[float, ...], tuple[float, ...]],
  crop: int,
) -> train.Task:
  """The user's task for `model`, or else classification; ValueError if labels are no classes."""
  if task is None and not are_classes(labels):
    raise ValueError(
      f"these labels are {labels.dtype} {list(labels.shape[1:])} an image, no classes: hand over "
      "task=train.multi_label, train.regression, or one of your own"
    )
  return (task or train.classification)(model, normalise=normalise, crop=crop)


def are_classes(labels: np.ndarray) -> bool:
  """Whether labels are numbers of classes, [N] integers."""
  return labels.ndim == 1 and np.issubdtype(labels.dtype, np.integer)


def own_config(task: TaskOf | None) -> dict[str, Any]:
  """What a checkpoint is to know beside the setting: the task's name, and its bound arguments."""
  if task is None:
    return {}
  bound = getattr(task, "keywords", {})  # of a functools.partial
  told = ", ".join(f"{name}={value}" for name, value in sorted(bound.items()))
  return {"task": f"{_name(getattr(task, 'func', task))}({told})"}


def _name(model: Any) -> str:
  return getattr(model, "__name__", type(model).__name__)


def _is_module(model: Any) -> bool:
  return not isinstance(model, type) and hasattr(model, "init") and hasattr(model, "apply")


def _takes_train(model: Any) -> bool:
  parameters = inspect.signature(type(model).__call__).parameters
  return "train" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _key() -> jax.Array:
  return jax.random.key(0)
