"""Policies as files, for this library and for others."""

from autoaug_jax.export.describe import describe
from autoaug_jax.export.generate import (
  runtime_names,
  to_albumentations,
  to_pillow,
  to_source,
  to_tf_data,
  to_torchvision,
)
from autoaug_jax.export.importing import (
  from_autoaugment,
  from_randaugment,
  from_timm,
  from_trivial_augment,
)
from autoaug_jax.export.ready import ReadyPolicy, load_ready, ready
from autoaug_jax.export.spec import (
  ClassSpec,
  PolicySpec,
  Provenance,
  described,
  from_json,
  library_version,
  load,
  load_any,
  save,
  to_json,
)

__all__ = [
  "ClassSpec",
  "PolicySpec",
  "Provenance",
  "ReadyPolicy",
  "describe",
  "described",
  "from_autoaugment",
  "from_json",
  "from_randaugment",
  "from_timm",
  "from_trivial_augment",
  "library_version",
  "load",
  "load_any",
  "load_ready",
  "ready",
  "runtime_names",
  "save",
  "to_albumentations",
  "to_json",
  "to_pillow",
  "to_source",
  "to_tf_data",
  "to_torchvision",
]
