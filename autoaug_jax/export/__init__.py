"""Policies as files, for this library and for others."""

from autoaug_jax.export.spec import (
  PolicySpec,
  Provenance,
  described,
  from_json,
  load,
  save,
  to_json,
)

__all__ = [
  "PolicySpec",
  "Provenance",
  "described",
  "from_json",
  "load",
  "save",
  "to_json",
]
