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
  trees      linear algebra on pytrees
  types      the nouns that all share

`search` is the whole job: `search("photos", budget="20m", workdir="runs/photos")`. `load` makes a
function of a policy file: `images = load("policy.json")(key, images)`. Each of these is loaded when
it is first asked for.
"""

import importlib
from typing import Any

__all__ = [
  "app",
  "data",
  "devices",
  "export",
  "files",
  "hypergrad",
  "load",
  "methods",
  "models",
  "ops",
  "policies",
  "report",
  "search",
  "train",
  "trees",
  "types",
]

# name -> the module that has it, and its name there
_FUNCTIONS = {"load": ("export", "load_ready"), "search": ("app", "search_within")}


def __getattr__(name: str) -> Any:
  if name not in __all__:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
  if name in _FUNCTIONS:
    module, function = _FUNCTIONS[name]
    return getattr(importlib.import_module(f"{__name__}.{module}"), function)
  return importlib.import_module(f"{__name__}.{name}")
