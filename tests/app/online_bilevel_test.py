"""Online bilevel as a job: options become the method, on a space of its own or another's."""

import jax
import numpy as np
import pytest

from autoaug_jax.app import (
  How,
  OnlineBilevel,
  SearchSetting,
  bilevel_parts,
  ground,
  online_bilevel,
  search,
)
from autoaug_jax.models import small_cnn
from autoaug_jax.ops import Warp, spaces, strength
from autoaug_jax.train import classification
from autoaug_jax.types import Batch
from tests.app import cases

MODEL = small_cnn(widths=(4,), classes=2)


def ground_of(channels=3, space=None):
  return ground.Ground(
    model=MODEL,
    task=classification(MODEL),
    shape=(8, 8, channels),
    classes=("left", "right"),
    mean=(0.3,) * channels,
    std=(1.0,) * channels,
    space=space,
    flip=0.5,
    epoch=3,
    examples=48,
    labels=np.zeros(48, np.int32),
    batch=8,
  )


NAMES = {
  "translation": ["TranslateX", "TranslateY"],
  "affine": [op.name for op in spaces.bilevel_affine()],
  "color": ["Contrast", "Color", "Brightness", "Hue"],
}
NAMES["affine-color"] = NAMES["affine"] + NAMES["color"]


@pytest.mark.parametrize("falls", [False, True])
def test_the_augmenters_rate_falls_to_0(falls):
  """Four epochs of three moves, the first a warm-up: nine moves, and after them none."""
  options = OnlineBilevel(
    epochs=4, warmup=0.25, learned="translation", augmenter="none", augmenter_cosine=falls
  )
  learner = online_bilevel.build(options, ground_of()).phases[0].learner
  images, labels = cases.squares(8, 0)
  batch = Batch(np.repeat(images, 3, -1) / np.float32(255), labels, np.ones(8), np.arange(8))
  state = jax.jit(learner.init)(jax.random.key(0), batch)

  def moved(uses):
    counted = tuple(x._replace(uses=uses) if hasattr(x, "uses") else x for x in state.phi_opt_state)
    behind, _ = joint(jax.random.key(1), state.replace(phi_opt_state=counted), batch, batch)
    return float(np.abs(behind.phi.weights[0] - state.phi.weights[0]).max())

  joint = jax.jit(learner.joint)
  first, last = moved(np.int32(0)), moved(np.int32(9))
  assert first > 1e-6
  assert last == (0 if falls else first)


@pytest.mark.parametrize("learned", NAMES)
def test_what_is_learned(learned):
  space = bilevel_parts.learned_space(learned, ground_of())
  assert [op.name for op in space] == NAMES[learned]
  assert all(op.fn.fill == (0.3,) * 3 for op in space if isinstance(op.fn, Warp))


def test_grey_images_have_neither_hue_nor_saturation():
  for released, names in ((False, ["Contrast", "Brightness"]), (True, ["AddedContrast"])):
    space = bilevel_parts.learned_space("color", ground_of(channels=1), released=released)
    assert [op.name for op in space][: len(names)] == names


def test_of_another_space_what_has_a_direction_warps_first():
  given = spaces.slack_cifar()
  space = bilevel_parts.learned_space("affine", ground_of(space=given))
  names = [op.name for op in space]
  assert names == [
    *("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate"),
    *("Contrast", "Color", "Brightness", "Sharpness"),
  ]
  assert {(op.fn.interpolation, op.fn.fill) for op in space[:5]} == {("bilinear", (0.3,) * 3)}
  with pytest.raises(ValueError, match="this space has none"):
    bilevel_parts.learned_space("affine", ground_of(space=(spaces.INVERT,)))


def test_what_comes_before():
  made = bilevel_parts.set_beforehand(ground_of(), vertical=True, jitter=0.4, predefined="affine")
  assert [step.op for stage in made.stages for step in stage.steps] == [
    *("PaddedCrop", "SetRotate", "SetScaleX", "SetScaleY", "FlipY"),
    *("JitterBrightness", "JitterContrast", "JitterColor"),
  ]
  rows = {op.name: op for op in made.space}
  ends = [np.float32(strength(rows["SetScaleX"], np.float32(m))) + 1 for m in (0, 1)]
  assert ends == [0.5, 2.0]
  assert (rows["SetRotate"].high, rows["SetRotate"].signed) == (10.0, True)
  still = bilevel_parts.set_beforehand(ground_of()._replace(flip=0.0))
  assert still.stages == ()


COMPARISONS = {
  "nothing": ({"learned": "none"}, 1),
  "crop": ({"learned": "none", "predefined": "crop"}, 2),
  "magnitude": ({"learned": "affine", "magnitude": 0.2}, 2),
}


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons_only_train(name):
  options, stages = COMPARISONS[name]
  method = online_bilevel.build(OnlineBilevel(epochs=2, **options), ground_of())
  assert method.phases[0].schedule == ("train",) * 6
  assert len(method.learned(()).stages) == stages
  if "magnitude" in options:
    assert method.learned(()).stages[-1].weights[0][0][0] == 0.2


def test_times():
  options = OnlineBilevel(epochs=10, every=2, warmup=0.2)
  (phase,) = online_bilevel.build(options, ground_of()).phases
  assert phase.schedule == ("train",) * 6 + ("train", "joint") * 12
  assert online_bilevel.needs(options) == ground.Needs(0.2, resplit=True)


MISTAKES = {
  "epochs": ({"epochs": 0}, "epochs must be at least 1, not 0"),
  "learned": ({"learned": "flips"}, "learned must be one of 'none', .* not 'flips'"),
  "augmenter": ({"augmenter": "huge"}, "augmenter must be one of 'none', 'small', .* not 'huge'"),
  "spread": ({"spread": -1.0}, "spread must be at least 0"),
  "drop": ({"drop": 0.0}, "drop must be above 0 and at most 1, not 0.0"),
  "squash": ({"squash": "sine"}, "squash must be one of 'none', 'tanh', not 'sine'"),
  "warmup": ({"warmup": 1.0}, "warmup must be at least 0 and below 1, not 1.0"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_named(mistake):
  options, message = MISTAKES[mistake]
  with pytest.raises(ValueError, match=message):
    online_bilevel.needs(OnlineBilevel(**options))


def test_a_search_from_data_to_a_policy_file(tmp_path):
  arrays = {}
  for seed, part in enumerate(("train", "test")):
    arrays[f"{part}_images"], arrays[f"{part}_labels"] = cases.squares(48, seed)
  np.savez(tmp_path / "squares.npz", **arrays)
  setting = SearchSetting(data=str(tmp_path / "squares.npz"), model="small-cnn", batch=8, flip=0.0)
  options = OnlineBilevel(learned="translation", epochs=2, warmup=0.0)
  found = search(setting, options, how=How(workdir=tmp_path / "run", log_every=1))
  assert (tmp_path / "run" / "policy.json").exists()
  assert found.policy.stages[-1].ops == ("TranslateX", "TranslateY")
  assert found.trajectory["spread"].shape[1:] == (2,)
  assert (tmp_path / "run" / "through_time.png").exists()
  assert found.accuracy is not None
  assert all(np.isfinite(x).all() for x in jax.tree.leaves(found.state.phi))
