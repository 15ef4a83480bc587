"""Streams: worker processes decode the batches that memory holds, and Grain is named if missing."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import autoaug_jax
from autoaug_jax.data import in_memory, load_folder, shuffled, streamed_feed

EXAMPLES = in_memory(np.zeros((8, 4, 4, 3), np.uint8), np.arange(8) % 2)
ORDER = shuffled(np.arange(8), 4, seed=0)

WORKERS = """
import sys
import jax
import numpy as np
from autoaug_jax.data import load_folder, shuffled, streamed_feed

if __name__ == "__main__":
  examples = load_folder(sys.argv[1], size=8, memory_budget=0).parts["train"]
  order = shuffled(np.arange(len(examples.labels)), 4, seed=5)
  feed = streamed_feed(examples, order, workers=2)
  batches = [feed.batch(feed.held, feed.draw(step)) for step in (0, 1, 2, 7, 8)]
  np.savez(sys.argv[2], images=np.stack([batch.image for batch in batches]))
"""


def test_worker_processes_decode_the_same_batches(tmp_path, write):
  root = write(tmp_path / "pets", [f"{c}/{i}.jpg" for c in "ab" for i in range(6)], 16, 12)
  (tmp_path / "main.py").write_text(WORKERS)
  command = [sys.executable, tmp_path / "main.py", root, tmp_path / "out.npz"]
  root_of_package = pathlib.Path(autoaug_jax.__file__).parents[1]
  env = os.environ | {"PYTHONPATH": str(root_of_package)}
  subprocess.run(command, check=True, timeout=100, env=env)
  examples = load_folder(root, size=8).parts["train"]
  order = shuffled(np.arange(12), 4, seed=5)
  expected = np.stack([examples.images[order(step)] for step in (0, 1, 2, 7, 8)])
  np.testing.assert_array_equal(np.load(tmp_path / "out.npz")["images"], expected)


def test_grain_is_named_where_it_is_missing(monkeypatch):
  monkeypatch.setitem(sys.modules, "grain", None)
  with pytest.raises(ImportError, match=r"needs Grain, .* pip install 'autoaug_jax\[stream\]'"):
    streamed_feed(EXAMPLES, ORDER)


def test_a_file_that_went_bad_is_named(tmp_path, write):
  root = write(tmp_path / "pets", [f"{c}/{i}.png" for c in "ab" for i in range(2)])
  examples = load_folder(root, memory_budget=0).parts["train"]
  (root / "a/1.png").write_bytes(b"")
  feed = streamed_feed(examples, shuffled(np.arange(4), 4, seed=0), workers=0)
  with pytest.raises(ValueError, match=r"a/1.png is empty \(0 bytes\)"):
    feed.draw(0)


def test_a_negative_number_of_workers_is_refused():
  with pytest.raises(ValueError, match="workers must be 0 or more, not -1"):
    streamed_feed(EXAMPLES, ORDER, workers=-1)
