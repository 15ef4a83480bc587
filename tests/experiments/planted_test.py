"""The planted cases are what they say, and two seeds of SLACK find the right op."""

import numpy as np
import pytest

from autoaug_jax import data
from autoaug_jax.app import Slack
from experiments import planted


@pytest.mark.parametrize("name", planted.CASES)
def test_only_what_is_not_trained_on_is_shifted(name, tmp_path):
  case = planted.CASES[name]
  planted.write(case, tmp_path / "case.npz")
  parts = data.load(str(tmp_path / "case.npz")).parts
  sizes = {part: len(examples.labels) for part, examples in parts.items()}
  assert sizes == {"train": 600, "val": 697, "test": 500}
  digits = data.load("digits", size=planted.SIZE).parts
  known = {image.tobytes() for image in digits["train"].fetch(np.arange(1297))}
  for part, examples in parts.items():
    images = examples.fetch(np.arange(sizes[part]))
    if part == "train":
      assert all(image.tobytes() in known for image in images)
    elif case.shift != "none":
      assert np.mean([image.tobytes() in known for image in images]) < 0.15
  assert len(planted.space(case)) == 10


def test_shifts():
  image = np.zeros((16, 16, 1), np.uint8)
  image[8, 8] = 100
  random = np.random.default_rng(0)
  columns = {planted.shifted("translated", image, random).argmax() - 8 * 16 for _ in range(200)}
  assert columns == set(range(3, 14))
  scaled = [planted.shifted("brightness", image, random).max() for _ in range(200)]
  assert 9 < min(scaled) < 12
  assert 37 < max(scaled) <= 40


def test_what_counts_as_solved():
  rotated, harmful = planted.CASES["rotated"], planted.CASES["harmful"]
  assert planted.right_first(rotated, {"Rotate": 0.6, "Identity": 0.4})
  assert not planted.right_first(rotated, {"Rotate": 0.4, "Identity": 0.6})
  assert planted.right_first(harmful, {"Wipe": 0.2, "Identity": 0.8})
  assert not planted.right_first(harmful, {"Wipe": 0.3, "Identity": 0.7})


def test_when_spreads_count_as_solved():
  rotated = planted.CASES["rotated"]
  solved = planted.METHODS["online-bilevel"].solved
  start = {planted.START: 0.1}
  assert solved(rotated, {"Rotate": 0.3, "TranslateX": 0.15, **start})
  assert not solved(rotated, {"Rotate": 0.3, "TranslateX": 0.2, **start})
  assert not solved(rotated, {"Rotate": 0.1, "TranslateX": 0.3, **start})
  assert not solved(rotated, {"Rotate": 0.15, "TranslateX": 0.01, **start})
  nothing = planted.CASES["nothing"]
  assert solved(nothing, {"Rotate": 0.12, "TranslateX": 0.01, **start})
  assert not solved(nothing, {"Rotate": 0.01, "TranslateX": 0.14, **start})
  assert planted.METHODS["online-bilevel"].shown(nothing, {"Rotate": 0.1, "TranslateX": 0.2}) == 0.2
  shrunk = planted.METHODS["online-bilevel-control"].solved
  assert shrunk(rotated, {"Rotate": 0.03, "TranslateX": 0.01, **start})
  assert not shrunk(rotated, {"Rotate": 0.03, "TranslateX": 0.05, **start})


def test_planted_deviations():
  """Uniform within 40 of Rotate's 90 degrees; a whole number within 5 of TranslateX's 12 pixels."""
  whole = np.std(np.arange(-5, 6)) / 12
  np.testing.assert_allclose([40 / 90 / np.sqrt(3), whole], planted.PLANTED, rtol=0.02)
  strengths = {op.name: op.high for op in planted.directed(planted.CASES["rotated"])}
  assert strengths["Rotate"] == 90
  assert strengths["TranslateX"] * planted.SIZE == 12


@pytest.mark.parametrize("seed", [0, 1])
def test_how_far_images_are_turned_is_found(tmp_path, monkeypatch, seed):
  """With half of the script's epochs."""
  whole = planted.METHODS["online-bilevel"]
  quick = whole._replace(options=lambda *at: whole.options(*at)._replace(epochs=30))
  monkeypatch.setitem(planted.METHODS, "quick", quick)
  row = planted.run("quick", "rotated", ops=1, seed=seed, workdir=tmp_path)
  assert row["solved"], row["numbers"]


def test_rotations_are_found(tmp_path, monkeypatch):
  """In two seeds, with two fifths of the script's rounds."""
  quick = planted.METHODS["slack-per-image"]._replace(
    options=lambda ops, case: Slack(ops=ops, draws="per_image", rounds=4)
  )
  monkeypatch.setitem(planted.METHODS, "quick", quick)
  for seed in range(2):
    row = planted.run("quick", "rotated", ops=1, seed=seed, workdir=tmp_path)
    assert row["solved"], row["numbers"]
    again = planted.run("quick", "rotated", ops=1, seed=seed, workdir=tmp_path)
    assert again == row, "read, not run again"
