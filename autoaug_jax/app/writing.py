"""Files that are there whole, or not at all."""

import json
import math
import os
import pathlib
from typing import Any


def write_json(path: str | os.PathLike[str], value: Any) -> None:
  """Writes plain values beside `path` and renames; a number that is not finite becomes null."""
  path = pathlib.Path(path)
  scratch = path.with_name(f".{path.name}.{os.getpid()}")
  scratch.write_text(json.dumps(_plain(value), indent=1, ensure_ascii=False) + "\n")
  os.replace(scratch, path)


def _plain(value: Any) -> Any:
  if isinstance(value, dict):
    return {name: _plain(item) for name, item in value.items()}
  if isinstance(value, list | tuple):
    return [_plain(item) for item in value]
  if isinstance(value, float) and not math.isfinite(value):
    return None
  return value
