"""Learning data augmentation by bilevel optimisation, in JAX.

  ops        augmentations of one image, tables of them, and the executor for batches
  policies   distributions over augmentations, learned and not
  hypergrad  d outer / d phi, from two functions of (theta, phi)
  models     the papers' networks
  data       images and labels, splits, batches
  train      the engine: moves on one state, compiled, scheduled, kept
  methods    which policy goes with which estimator
  export     policies as files
  app        whole jobs as functions
  report     pictures of searches and of what came of them
  devices    how a computation is spread over devices
  files      files that are there whole, or not at all
  types      the nouns that all share

Each is loaded when it is first asked for.
"""

import importlib
from types import ModuleType

__all__ = [
  "app",
  "data",
  "devices",
  "export",
  "files",
  "hypergrad",
  "methods",
  "models",
  "ops",
  "policies",
  "report",
  "train",
  "types",
]


def __getattr__(name: str) -> ModuleType:
  if name not in __all__:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
  return importlib.import_module(f"{__name__}.{name}")
