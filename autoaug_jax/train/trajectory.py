"""What phi was while it was learned: written with the metrics, read back as arrays."""

import json
import pathlib
from typing import Any

import jax
import numpy as np

PREFIX = "phi/"


def watched(values: dict[str, Any]) -> dict[str, Any]:
  """{"name": array} -> {"phi/name": nested lists} for a line of metrics."""
  return {f"{PREFIX}{name}": x.tolist() for name, x in jax.device_get(values).items()}


def trajectory(folder: str | pathlib.Path) -> dict[str, np.ndarray]:
  """What `fit(..., watch=...)` wrote in a work directory: {"move": [T], "name": [T, ...]}."""
  rows = []
  for line in (pathlib.Path(folder) / "metrics.jsonl").read_text().splitlines():
    values = json.loads(line)
    if any(name.startswith(PREFIX) for name in values):
      rows.append(values)
  names = [name for name in rows[0] if name.startswith(PREFIX)] if rows else []
  arrays = {n.removeprefix(PREFIX): np.asarray([row[n] for row in rows]) for n in names}
  return {"move": np.asarray([row["move"] for row in rows], np.int64), **arrays}
