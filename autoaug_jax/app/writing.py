"""Results as files."""

import json
import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from autoaug_jax.files import whole, write_whole


def write_json(path: str | os.PathLike[str], value: Any) -> None:
  """Writes plain values, whole or not at all; a number that is not finite becomes null."""
  write_whole(path, json.dumps(_plain(value), indent=1, ensure_ascii=False) + "\n")


def write_npz(path: str | os.PathLike[str], arrays: Mapping[str, Any]) -> None:
  """Writes named arrays, whole or not at all."""
  with whole(path) as file:
    np.savez_compressed(file, **arrays)


def _plain(value: Any) -> Any:
  if isinstance(value, dict):
    return {name: _plain(item) for name, item in value.items()}
  if isinstance(value, list | tuple):
    return [_plain(item) for item in value]
  if isinstance(value, float) and not math.isfinite(value):
    return None
  return value
