"""The planted cases are what they say, and two seeds of each method find the right op."""

import numpy as np
import pytest

from autoaug_jax import data
from autoaug_jax.app import Madao
from experiments import planted, planted_cases, planted_methods

QUICK = {
  "slack-per-image": {"rounds": "4"},
  "madao-by-scores": {
    "epochs": "40",
    "warmup": "8",
    "every": "2",
    "valid_batch": "128",
    "policy_rate": "0.03",
  },
  "online-bilevel": {"epochs": "40", "augmenter_rate": "0.1"},
}


@pytest.mark.parametrize("name", planted_cases.CASES)
def test_only_what_is_not_trained_on_is_shifted(name, tmp_path):
  case = planted_cases.CASES[name]
  planted_cases.write(case, tmp_path / "case.npz")
  parts = data.load(str(tmp_path / "case.npz")).parts
  sizes = {part: len(examples.labels) for part, examples in parts.items()}
  assert sizes == {"train": 600, "val": 697, "test": 500}
  digits = data.load("digits", size=planted_cases.SIZE).parts
  known = {image.tobytes() for image in digits["train"].fetch(np.arange(1297))}
  for part, examples in parts.items():
    images = examples.fetch(np.arange(sizes[part]))
    if part == "train":
      assert all(image.tobytes() in known for image in images)
    elif case.shift != "none":
      assert np.mean([image.tobytes() in known for image in images]) < 0.15
  assert len(planted_cases.space(case)) == 10


def test_shifts():
  image = np.zeros((16, 16, 1), np.uint8)
  image[8, 8] = 100
  random = np.random.default_rng(0)
  columns = {
    planted_cases.shifted("translated", image, random).argmax() - 8 * 16 for _ in range(200)
  }
  assert columns == set(range(3, 14))
  scaled = [planted_cases.shifted("brightness", image, random).max() for _ in range(200)]
  assert 9 < min(scaled) < 12
  assert 37 < max(scaled) <= 40


def test_what_counts_as_solved():
  rotated, harmful = planted_cases.CASES["rotated"], planted_cases.CASES["harmful"]
  assert planted_methods.right_first(rotated, {"Rotate": 0.6, "Identity": 0.4})
  assert not planted_methods.right_first(rotated, {"Rotate": 0.4, "Identity": 0.6})
  assert planted_methods.right_first(harmful, {"Wipe": 0.2, "Identity": 0.8})
  assert not planted_methods.right_first(harmful, {"Wipe": 0.3, "Identity": 0.7})


def test_when_spreads_count_as_solved():
  rotated, nothing = (planted_cases.CASES[name] for name in ("rotated", "nothing"))  # 0.257, 0
  method = planted.METHODS["online-bilevel"]
  start = {planted_methods.START: 0.1}
  assert method.solved(rotated, {"Rotate": 0.2, "TranslateX": 0.1, **start})
  assert not method.solved(rotated, {"Rotate": 0.2, "TranslateX": 0.11, **start})
  assert not method.solved(rotated, {"Rotate": 0.17, "TranslateX": 0.01, **start})
  assert method.solved(nothing, {"Rotate": 0.16, "TranslateX": 0.01, **start})
  assert not method.solved(nothing, {"Rotate": 0.01, "TranslateX": 0.18, **start})
  assert method.shown(nothing, {"Rotate": 0.1, "TranslateX": 0.2, **start}) == 0.2
  shrunk = planted.METHODS["online-bilevel-control"].solved
  assert shrunk(rotated, {"Rotate": 0.03, "TranslateX": 0.01, **start})
  assert not shrunk(rotated, {"Rotate": 0.03, "TranslateX": 0.05, **start})


def test_planted_spreads_are_those_of_the_shifts():
  """Up to 40 degrees, 5 of 16 pixels, and down to a tenth, in shares of each op's range."""
  reach = {"rotated": 40, "translated": 5 / planted_cases.SIZE, "brightness": 0.9}
  for name, most in reach.items():
    case = planted_cases.CASES[name]
    (op,) = (op for op in planted_cases.directed(case) if op.name == case.right)
    magnitudes = np.linspace(-1, 1, 100_001) * most / op.high
    np.testing.assert_allclose(case.spread, magnitudes.std(), rtol=1e-4)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("method", QUICK)
def test_how_far_images_are_turned_is_found(tmp_path, method, seed):
  """In a fraction of the script's time."""
  trial = planted.Trial(method, "rotated", 1, tmp_path, QUICK[method])
  row = planted.run(trial, seed)
  assert row["solved"], row["numbers"]
  assert planted.run(trial, seed) == row, "read, not run again"


def test_options_can_be_changed_and_swept():
  assert planted.sweep([]) == [{}]
  assert planted.sweep(["alpha=0.1/0.2", "terms=5"]) == [
    {"alpha": "0.1", "terms": "5"},
    {"alpha": "0.2", "terms": "5"},
  ]
  options = planted_methods.changed(Madao(), {"alpha": "0.1", "terms": "3", "score": "true"})
  assert options == Madao()._replace(alpha=0.1, terms=3, score=True)
  for wrong in ("alpha", "alpha=", "alpha=1/"):
    with pytest.raises(ValueError, match="change takes option=value"):
      planted.sweep([wrong])
  for name, text, complaint in (
    ("beta", "1", "not beta"),
    ("terms", "0.5", "terms takes one int, not '0.5'"),
    ("score", "1", "score takes one bool, not '1'"),
    ("alpha", "nan", "alpha takes a finite number, not 'nan'"),
  ):
    with pytest.raises(ValueError, match=complaint):
      planted_methods.changed(Madao(), {name: text})
