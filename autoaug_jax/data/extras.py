"""Libraries that only some data need."""

import importlib
from typing import Any

EXTRAS = {"PIL": "images", "grain": "stream", "tensorflow": "prepare"}


def need(module: str, purpose: str) -> Any:
  """The module, or one sentence that names the extra which installs its package."""
  try:
    return importlib.import_module(module)
  except ModuleNotFoundError as error:
    extra = EXTRAS[module.partition(".")[0]]
    raise ImportError(
      f"{purpose} needs a package that is not installed: pip install 'autoaug_jax[{extra}]'"
    ) from error
