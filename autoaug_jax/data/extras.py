"""What only some data need: optional libraries, and every core."""

import importlib
import os
from typing import Any

PACKAGES = {
  "PIL": ("Pillow", "images"),
  "grain": ("Grain", "stream"),
  "tensorflow": ("TensorFlow", "prepare"),
}


def need(module: str, purpose: str) -> Any:
  """The module, or one sentence that names the extra which installs its package."""
  try:
    return importlib.import_module(module)
  except ModuleNotFoundError as error:
    package, extra = PACKAGES[module.partition(".")[0]]
    raise ImportError(
      f"{purpose} needs {package}, which is not installed: pip install 'autoaug_jax[{extra}]'"
    ) from error


def cores() -> int:
  """The number of cores that this process may use."""
  if hasattr(os, "sched_getaffinity"):
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1
