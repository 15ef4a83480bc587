"""Other libraries' settings: what they mean, worked out by hand, and by their own words."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from autoaug_jax import export
from autoaug_jax.export.solarize_add import added_below_middle
from autoaug_jax.ops import find, spaces, strength
from autoaug_jax.policies import Step, augmenter, fixed
from tests.export import replay
from tests.ops import cases

IMPORTED = {
  "list": lambda: export.from_autoaugment([[("Posterize", 0.4, 8), ("Rotate", 0.6, 9)]]),
  "randaugment": export.from_randaugment,
  "trivial": export.from_trivial_augment,
  **{
    text: lambda text=text: export.from_timm(text)
    for text in ("rand-m9-mstd0.5-inc1", "rand-m9-n3-mstd0.5", "original-mstd0.5", "originalr")
  },
}


@pytest.mark.parametrize("name", IMPORTED)
def test_it_is_saved_described_exported_and_runs(name):
  policy = IMPORTED[name]()
  spec = export.described(policy)
  assert export.from_json(export.to_json(spec)) == spec
  assert "Stage 1" in export.describe(spec)
  for runtime in export.runtime_names():
    assert "STAGES = [" in export.to_source(spec, runtime)
  image = cases.images((16, 16))[0]
  assert any((export.to_pillow(spec)(image) != image).any() for _ in range(20))


def test_an_imported_policy_augments_a_batch():
  images = jnp.asarray(cases.images((16, 16)))
  policy = export.ready(export.PolicySpec(export.from_timm("rand-m9-mstd0.5-inc1")))
  assert (np.asarray(policy(jax.random.key(0), images)) != np.asarray(images)).any()


def pillow_value(policy, name, magnitude, sign=1.0):
  """What the op's function is given."""
  made = replay.loaded(export.PolicySpec(policy), "pillow")
  rule = made["VALUES"][made["OPS"][name].get("value", "strength")]
  return float(rule(made["strength_of"](name, magnitude, sign)))


def test_lists_of_autoaugment():
  sub_policies = [[("Posterize", 0.4, 8), ("Rotate", 0.6, 9)], [("Equalize", 1.0, 0)]]
  policy = export.from_autoaugment(sub_policies)
  (stage,) = policy.stages
  assert stage.branches[0] == (Step("Posterize", 0.4, 0.8, 0.8), Step("Rotate", 0.6, 0.9, 0.9))
  assert stage.probability == (0.5, 0.5)
  assert pillow_value(policy, "Posterize", 0.8) == 5  # 8 - int(3.2)
  assert pillow_value(policy, "Rotate", 0.9, -1) == pytest.approx(-27)
  nine = export.from_autoaugment(sub_policies, top=9).stages[0].branches[0][1]
  assert nine == Step("Rotate", 0.6, 1.0, 1.0)
  names = [[(s.op, s.probability, 10 * s.low) for s in b] for b in _published().branches]
  again = export.from_autoaugment(names)
  assert [len(b) for b in again.stages[0].branches] == [2] * 25
  np.testing.assert_allclose(
    [[s[1:] for s in b] for b in again.stages[0].branches],
    [[s[1:] for s in b] for b in _published().branches],
  )


def _published():
  return fixed.autoaugment_imagenet(then=fixed.none()).stages[0]


def values(policy, magnitude):
  names = [op.name for op in policy.space]
  plain = {"Identity", "AutoContrast", "Equalize", "Invert"}
  return {n: pillow_value(policy, n, magnitude) for n in names if n not in plain}


def test_randaugment_is_torchvisions():
  """Its own table at bin 9 of 31: reach 0.3 of each range."""
  policy = export.from_randaugment(n=3, m=9)
  (stage,) = policy.stages
  assert len(stage.probability) == 3
  assert set(stage.low[0]) == set(stage.high[0]) == {0.3}
  expected = {
    "ShearX": 0.09, "ShearY": 0.09, "TranslateX": 0.3 * 150 / 331, "TranslateY": 0.3 * 150 / 331,
    "Rotate": 9.0, "Brightness": 1.27, "Color": 1.27, "Contrast": 1.27, "Sharpness": 1.27,
    "Posterize": 6.8, "Solarize": 0.7 * 255,
  }  # fmt: skip
  assert values(policy, 0.3) == pytest.approx(expected, rel=1e-6)
  assert len(policy.space) == 14


def test_trivial_augment_is_torchvisions():
  policy = export.from_trivial_augment()
  (stage,) = policy.stages
  assert (stage.levels, len(stage.ops)) == (31, 14)
  expected = {
    "ShearX": 0.99, "ShearY": 0.99, "TranslateX": 32.0, "TranslateY": 32.0, "Rotate": 135.0,
    "Brightness": 1.99, "Color": 1.99, "Contrast": 1.99, "Sharpness": 1.99, "Posterize": 2.0,
    "Solarize": 0.0,
  }  # fmt: skip
  assert values(policy, 1.0) == pytest.approx(expected, rel=1e-6)
  assert pillow_value(policy, "TranslateX", 1 / 30) == 1  # int(1.07)
  assert pillow_value(policy, "Rotate", 1 / 30) == pytest.approx(4.5)  # no whole degrees


TIMM = {  # level 9 of 10, as timm's documentation of each op has it
  "rand-m9": {
    "Rotate": 27.0, "Posterize": 3.0, "Solarize": 230.0, "SolarizeAdd": 99.0, "Color": 1.72,
    "Contrast": 1.72, "Brightness": 1.72, "Sharpness": 1.72, "ShearX": 0.27, "ShearY": 0.27,
    "TranslateX": 0.405, "TranslateY": 0.405,
  },
  "rand-m9-inc1": {
    "Rotate": 27.0, "Posterize": 1.0, "Solarize": 26.0, "SolarizeAdd": 99.0, "Color": 1.81,
    "Contrast": 1.81, "Brightness": 1.81, "Sharpness": 1.81, "ShearX": 0.27, "ShearY": 0.27,
    "TranslateX": 0.405, "TranslateY": 0.405,
  },
}  # fmt: skip


@pytest.mark.parametrize("text", TIMM)
def test_ops_of_timm(text):
  policy = export.from_timm(text)
  assert values(policy, 0.9) == pytest.approx(TIMM[text], rel=1e-6)
  assert len(policy.space) == 15
  rotate = policy.space[find(policy.space, "Rotate")]
  assert (rotate.fn.interpolation, rotate.fn.fill) == ("bilinear", 128 / 255)


def test_sections_of_timms_strings():
  (stage,) = export.from_timm("rand-m9-n3-mstd0.5-p0.7").stages
  assert len(stage.probability) == 3
  assert {*stage.keep[0]} == {0.7}
  assert {*stage.low[0]} == {*stage.high[0]} == {0.9}
  assert stage.sigma == pytest.approx(0.05)
  (plain,) = export.from_timm("rand").stages
  assert (len(plain.probability), plain.keep[0][0], plain.high[0][0], plain.sigma) == (2, 0.5, 1, 0)
  (uniform,) = export.from_timm("rand-m7-mstd101").stages
  assert (uniform.low[0][0], uniform.high[0][0], uniform.sigma) == (0.0, pytest.approx(0.7), 0.0)
  more = export.from_timm("rand-m15-mmax20")
  assert pillow_value(more, "Rotate", more.stages[0].high[0][0]) == pytest.approx(45)
  cut = export.from_timm("rand-m15")  # timm stops at 10
  assert pillow_value(cut, "Rotate", cut.stages[0].high[0][0]) == pytest.approx(30)


def test_levels_of_timm_are_gaussian():
  """Against the law that its documentation gives, clipped at 10."""
  policy = export.from_timm("rand-m9-mstd0.5-p1.0-n1")
  drawn = [abs(s) / 3 for row in replay.drawn(policy, 6000) for name, s in row if name == "Rotate"]
  inside = [level for level in drawn if level < 10 - 1e-4]
  law = scipy.stats.truncnorm(-18, 2, 9, 0.5)
  assert scipy.stats.kstest(inside, law.cdf).pvalue > 1e-3
  ends = len(drawn) - len(inside)
  assert scipy.stats.binomtest(ends, len(drawn), scipy.stats.norm.sf(2)).pvalue > 1e-3


def test_original_policies_of_timm():
  policy = export.from_timm("original-mstd0.5")
  first = policy.stages[0].branches[0]
  assert [step.op for step in first] == ["PosterizeOriginal", "Rotate"]
  low, high = first[0].low, first[0].high
  assert (low + high) / 2 == pytest.approx(0.8)
  assert (high - low) / np.sqrt(12) == pytest.approx(0.05)  # the deviation of a uniform law
  assert first[1].high == pytest.approx(0.9 + np.sqrt(3) * 0.05)
  assert export.from_timm("original-mstd1").stages[0].branches[0][1].high == 1.0  # cut off at 10
  assert pillow_value(policy, "PosterizeOriginal", 0.8) == 7  # 4 + int(3.2)
  other = export.from_timm("originalr")
  assert pillow_value(other, "PosterizeIncreasing", 0.8) == 1  # 4 - int(3.2)
  assert other.stages[0].branches[0][0] == Step("PosterizeIncreasing", 0.4, 0.8, 0.8)


def test_levels_are_added_below_the_middle():
  image = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
  added = np.asarray(added_below_middle(jnp.asarray(image), jnp.float32(110.0)))
  wanted = [min(255, level + 110) if level < 128 else level for level in range(256)]
  np.testing.assert_array_equal(added.ravel(), wanted)
  floats = added_below_middle(jnp.asarray(image, jnp.float32) / 255, jnp.float32(110.0))
  np.testing.assert_allclose(np.asarray(floats).ravel() * 255, wanted, atol=1e-3)


MISTAKES = {
  "no sub-policy": (lambda: export.from_autoaugment([]), "at least one sub-policy"),
  "empty": (lambda: export.from_autoaugment([[]]), "sub-policy 0 takes one entry or more"),
  "entry": (lambda: export.from_autoaugment([[("Rotate", 0.5)]]), "op, probability, level"),
  "op": (lambda: export.from_autoaugment([[("Twirl", 0.5, 3)]]), "unknown op 'Twirl'; known"),
  "level": (lambda: export.from_autoaugment([[("Rotate", 0.5, 11)]]), r"a level in 0..10, got"),
  "chance": (lambda: export.from_autoaugment([[("Rotate", 5, 3)]]), "a probability in 0..1"),
  "m": (lambda: export.from_randaugment(m=31), "m in 0..30, got 2 and 31"),
  "bins": (lambda: export.from_trivial_augment(bins=1), "at least 2 magnitudes, got 1"),
  "policy": (lambda: export.from_timm("v0-mstd0.5"), "begins with 'v0'; .* from_autoaugment"),
  "augmix": (lambda: export.from_timm("augmix-m5"), "begins with 'augmix'"),
  "section": (lambda: export.from_timm("rand-m9-w0"), "has 'w'; known sections are m, n, p"),
  "no number": (lambda: export.from_timm("rand-m"), "the section 'm', which is no name"),
  "twice": (lambda: export.from_timm("rand-m9-m8"), "the section 'm8'"),
  "inc0": (lambda: export.from_timm("rand-inc0"), "an inc that is not inc1"),
  "n": (lambda: export.from_timm("rand-n0"), "a whole n over 0"),
  "cut": (lambda: export.from_timm("rand-mmax20-inc1"), "mmax over 10, where inc1"),
  "out of reach": (lambda: export.from_timm("rand-m12-mstd1"), "m over 10"),
  "magnitude": (lambda: export.from_timm("original-m9"), "has 'm'; known sections are mstd"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_not_known_is_refused_in_a_sentence(mistake):
  make, message = MISTAKES[mistake]
  with pytest.raises(ValueError, match=message) as caught:
    make()
  assert "\n" not in str(caught.value)


def test_strengths_are_those_of_the_rows():
  """The files' strengths are the library's."""
  for op in spaces.trivial_augment_wide():
    policy = export.from_autoaugment([[(op.name, 1.0, 3)]], space=spaces.trivial_augment_wide())
    made = replay.loaded(export.PolicySpec(policy), "pillow")
    ours = (
      0.0 if not made["OPS"][op.name].get("range") else strength(op, jnp.float32(0.3), sign=-1.0)
    )
    assert float(made["strength_of"](op.name, 0.3, -1.0)) == pytest.approx(float(ours), rel=1e-6)


def test_augmenters_take_them():
  assert augmenter(export.from_trivial_augment()).augment
