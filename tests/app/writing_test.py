import json

import numpy as np

from autoaug_jax.app.writing import write_json, write_npz


def test_plain_values(tmp_path):
  value = {"a": (1, 2.5), "names": ["ä", None], "half_width": float("nan"), "in": [float("inf")]}
  write_json(tmp_path / "new" / "result.json", value)
  text = (tmp_path / "new" / "result.json").read_text(encoding="utf-8")
  assert "ä" in text
  assert json.loads(text) == {"a": [1, 2.5], "names": ["ä", None], "half_width": None, "in": [None]}


def test_named_arrays(tmp_path):
  arrays = {"move": np.arange(3), "logits": np.ones((3, 2), np.float32)}
  write_npz(tmp_path / "trajectory.npz", arrays)
  with np.load(tmp_path / "trajectory.npz") as stored:
    assert set(stored) == set(arrays)
    for name, array in arrays.items():
      np.testing.assert_array_equal(stored[name], array)
  assert len(list(tmp_path.iterdir())) == 1
