"""The policy file: what is read is what was written, to the bit, and mistakes are named."""

import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax import export
from autoaug_jax.ops import Op, kinds, op, solarize, space, spaces
from autoaug_jax.ops.kinds import Plain, Tone
from autoaug_jax.policies import (
  CategoricalPhi,
  Fixed,
  Gaussian,
  Network,
  PerClass,
  Step,
  Steps,
  as_fixed,
  augmenter,
  fixed,
)
from autoaug_jax.types import Batch
from tests.policies.fixed_test import FACTORIES

ROWS = {
  factory.__name__: factory
  for factory in (
    spaces.slack_cifar, spaces.slack_imagenet, spaces.slack_domainnet, spaces.madao, spaces.autodo,
    spaces.bilevel_translation, spaces.bilevel_affine, spaces.bilevel_color, spaces.randaugment,
    spaces.trivial_augment_ra, spaces.trivial_augment_wide, spaces.uniform_augment,
    spaces.autoaugment,
  )
}  # fmt: skip


def learned():
  """A categorical policy somewhere, in single precision as a search leaves it."""
  key = jax.random.key(3)
  table = spaces.slack_cifar()
  phi = CategoricalPhi(jax.random.normal(key, (3, 17)), jnp.linspace(0.1, 1.0, 17))
  return as_fixed(phi, table)


def gaussian():
  stage = Gaussian(("Rotate", "ScaleX"), (1.0, 0.5), (0.1, -0.2), (0.3, 1.7), True, 2.0)
  return Fixed(spaces.autodo(), (stage,))


def network():
  rng = np.random.default_rng(0)
  table = (*spaces.bilevel_affine(), *spaces.bilevel_color())
  weights = tuple(
    tuple(tuple(row) for row in rng.normal(size=shape).tolist()) for shape in ((3, 5), (5, 10))
  )
  biases = tuple(tuple(row) for row in (rng.normal(size=n).tolist() for n in (5, 10)))
  names = tuple(op.name for op in table)
  return Fixed(table, (Network(names, weights, biases, "tanh", 0.25, True, True),))


POLICIES = {**FACTORIES, "learned": learned, "gaussian": gaussian, "network": network}


@pytest.mark.parametrize("name", POLICIES)
def test_what_is_read_equals_what_was_written(name):
  spec = export.described(POLICIES[name](), image_size=(32, 32), method=name, data="digits")
  again = export.from_json(export.to_json(spec))
  assert again == spec
  assert hash(again.policy) == hash(spec.policy)


@pytest.mark.parametrize(
  "name", ["learned", "trivial_augment_wide", "autoaugment_cifar", "gaussian", "network"]
)
def test_a_policy_read_from_a_file_augments_to_the_same_bits(name, tmp_path):
  images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), dtype=np.uint8)
  batch = Batch(images, np.zeros(16, np.int32), np.ones(16, np.float32), np.arange(16))
  made = POLICIES[name]()
  export.save(export.PolicySpec(made), tmp_path / "policy.json")
  read = export.load(tmp_path / "policy.json").policy
  ours, theirs = (
    np.asarray(jax.jit(augmenter(p).augment)(jax.random.key(1), (), batch).image)
    for p in (made, read)
  )
  np.testing.assert_array_equal(ours, theirs)
  assert (ours != images).any()


@pytest.mark.parametrize("name", ROWS)
def test_every_op_of_every_space_can_be_written(name):
  table = ROWS[name]()
  spec = export.PolicySpec(Fixed(table, (Steps(tuple(Step(op.name) for op in table)),)))
  assert export.from_json(export.to_json(spec)).policy.space == table


def test_conventions_of_warps_are_written():
  table = spaces.slack_cifar(interpolation="bilinear", fill="reflect", cutout_fill=0.25)
  spec = export.PolicySpec(Fixed(table, ()))
  rows = {row["name"]: row for row in json.loads(export.to_json(spec))["space"]}
  rotate = rows["Rotate"]
  assert (rotate["interpolation"], rotate["fill"]) == ("bilinear", "reflect")
  assert (rotate["low"], rotate["high"], rotate["signed"]) == (0.0, 90.0, True)
  assert rows["Cutout"]["fill"] == 0.25
  assert export.from_json(export.to_json(spec)) == spec


def test_a_file_reads_as_documented():
  """By hand, field by field: this is what other programs rely on."""
  text = """{"format": "autoaug_jax policy", "version": 1, "kind": "stages", "image_size": null,
    "space": [{"name": "Turn", "op": "rotate_about_middle", "value": "strength", "low": 0,
               "high": 90, "signed": true, "interpolation": "nearest", "fill": [0, 0.5, 1]},
              {"name": "Swap", "op": "invert", "low": 0, "high": 1, "signed": false}],
    "stages": [{"kind": "steps", "shuffled": false,
                "steps": [{"op": "Swap", "probability": 1, "low": 0, "high": 1}]},
               {"kind": "slots", "ops": ["Turn"], "probability": [[1]], "keep": [[0.0]],
                "low": [[0]], "high": [[1]], "levels": 31, "sigma": 0}],
    "first": [], "last": ["Swap"],
    "provenance": {"method": "", "data": "", "date": "", "library": ""}}"""
  spec = export.from_json(text)
  assert spec.policy.space[0].fn.fill == (0.0, 0.5, 1.0)
  assert spec.policy.space[1].fn == spaces.INVERT.fn
  assert spec.policy.last == ("Swap",)
  assert spec.image_size is None
  image = np.full((1, 4, 4, 3), 10, np.uint8)
  batch = Batch(image, np.zeros(1, np.int32), np.ones(1, np.float32), np.arange(1))
  out = jax.jit(augmenter(spec.policy).augment)(jax.random.key(0), (), batch)
  np.testing.assert_array_equal(np.asarray(out.image), 245)


def test_provenance_is_kept(tmp_path):
  spec = export.described(fixed.standard(), method="slack", data="cifar10", image_size=(32, 24))
  export.save(spec, tmp_path / "new" / "policy.json")
  read = export.load(tmp_path / "new" / "policy.json")
  assert read.provenance[:2] == ("slack", "cifar10")
  assert len(read.provenance.date) == 10
  assert read.provenance.library
  assert read.image_size == (32, 24)


def changed(policy=fixed.trivial_augment_wide, /, **fields):
  content = json.loads(export.to_json(export.PolicySpec(policy())))
  for path, value in fields.items():
    *parents, last = (int(p) if p.isdigit() else p for p in path.split("__"))
    at = content
    for parent in parents:
      at = at[parent]
    if value is KeyError:
      del at[last]
    else:
      at[last] = value
  return json.dumps(content)


MISTAKES = {
  "no json": ("{nonsense", "no JSON: line 1"),
  "empty": ("", "no JSON: line 1"),
  "deep": ("[" * 100_000, "is nested deeper than any policy"),
  "a field twice": (changed().replace('"kind"', '"kind": 1, "kind"', 1), "'kind' stands twice"),
  "huge": (changed(space__3__high=10**400), r"high of space\[3\] takes a finite number"),
  "a list": ("[]", "the policy file takes an object"),
  "format": (changed(format="other"), "format of the policy file takes .* got 'other'"),
  "version": (changed(version=2), "has version 2; this library reads version 1"),
  "version type": (changed(version="1"), "version of the policy file takes a whole number"),
  "kind": (changed(kind="network"), "takes one of 'stages', 'per_class', got 'network'"),
  "no space": (changed(space=KeyError), "the policy file has no 'space'"),
  "unknown op": (
    changed(space__3__op="twirl"),
    r"space\[3\] has the unknown op 'twirl'; known",
  ),
  "unknown value": (
    changed(space__3__value="cubed"),
    r"value of space\[3\] takes one of .*cubed",
  ),
  "fill": (changed(space__3__fill="wrap"), r"fill of space\[3\] takes one of 'edge', 'reflect'"),
  "range": (changed(space__3__high=None), r"high of space\[3\] takes a finite number, got None"),
  "signed": (changed(space__3__signed=1), r"signed of space\[3\] takes true or false, got 1"),
  "extra": (changed(space__3__color="red"), r"space\[3\] has the unknown field 'color'"),
  "twice": (changed(space__3__name="Equalize"), "must differ, got 'Equalize' twice"),
  "stage kind": (changed(stages__0__kind="tree"), r"kind of stages\[0\] takes one of 'steps'"),
  "slots": (changed(stages__0__keep=KeyError), r"stages\[0\] has no 'keep'"),
  "sum": (changed(stages__0__probability__0__0=0.9), "slot 0 must sum to 1, got 1.8"),
  "shape": (changed(stages__0__low=[[0.0]]), "low takes 1 rows of 14 numbers"),
  "step": (changed(stages__1__steps__0__op="Gone"), "unknown op 'Gone'"),
  "probability": (changed(stages__1__steps__1__probability=2), "FlipX takes .* got 2"),
  "not a step": (changed(stages__1__steps__1=3), r"stages\[1\].steps\[1\] takes an object"),
  "image size": (changed(image_size=[32]), "image_size takes null or"),
  "first": (changed(first=[1]), "first of the policy file takes strings"),
  "provenance": (changed(provenance__date=7), "date of provenance takes a string, got 7"),
  "gaussian count": (
    changed(gaussian, stages__0__mean=[0.1]),
    "mean of a gaussian takes 2 numbers",
  ),
  "gaussian type": (
    changed(gaussian, stages__0__deviation__1="wide"),
    r"deviation of stages\[0\] takes finite numbers",
  ),
  "direction": (changed(gaussian, space__0__signed=False), "and Rotate has none"),
  "no limit": (changed(gaussian, stages__0__limit=KeyError), r"stages\[0\] has no 'limit'"),
  "table": (
    changed(network, stages__0__weights=[3]),
    r"weights of stages\[0\] takes lists of rows",
  ),
  "layer": (
    changed(network, stages__0__weights__1__0=[3]),
    r"weights\[1\] of a network takes 5 rows",
  ),
  "squash": (changed(network, stages__0__squash="sine"), "squash takes one of none, tanh"),
  "two fills": (changed(network, space__0__fill=0.25), "bilinear all, and with one fill"),
  "leftover": (changed(author="me"), "the policy file has the unknown field 'author'"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_in_a_file_are_named(mistake, tmp_path):
  text, message = MISTAKES[mistake]
  path = tmp_path / "policy.json"
  path.write_text(text)
  with pytest.raises(ValueError, match=message) as caught:
    export.load(path)
  assert str(caught.value).startswith(f"in {str(path)!r}: ")
  assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read_are_named(tmp_path):
  with pytest.raises(ValueError, match="there is no policy file"):
    export.load(tmp_path / "none.json")
  with pytest.raises(ValueError, match="cannot be read"):
    export.load(tmp_path)
  (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
  with pytest.raises(ValueError, match="cannot be read"):
    export.load(tmp_path / "binary.json")


def vignette(image, strength):
  return image * (1 - strength)


OWN = {
  "a row": op("Vignette", high=0.5)(vignette),
  "a function": Op("Vignette", lambda key, image, strength: image, 0.0, 0.5),
  "a tone": Op("Vignette", Tone(vignette, kinds.itself), 0.0, 0.5),
  "a value": Op("Vignette", Tone(solarize, lambda strength: 2 * strength), 0.0, 0.5),
  "a plain one": Op("Vignette", Plain(lambda image: image), 0.0, 0.5),
}


@pytest.mark.parametrize("name", OWN)
def test_ops_of_ones_own_are_named_and_found_again(name, tmp_path):
  own = OWN[name]
  table = space.narrow((*spaces.slack_cifar(), own), {"Vignette": (0.1, 0.2)})
  spec = export.PolicySpec(Fixed(table, (Steps((Step("Vignette"), Step("Rotate"))),)))
  export.save(spec, tmp_path / "p.json")
  row = json.loads((tmp_path / "p.json").read_text())["space"][-1]
  assert row == {"name": "Vignette", "op": "own", "low": 0.1, "high": 0.2, "signed": False}
  assert export.load(tmp_path / "p.json", own=[spaces.INVERT, own]) == spec
  with pytest.raises(
    ValueError, match=r"in '.*p.json': space\[17\] is 'Vignette', an op .* as own=\[...\], .* none"
  ):
    export.load(tmp_path / "p.json")
  with pytest.raises(ValueError, match="which has Invert"):
    export.from_json(export.to_json(spec), own=[spaces.INVERT])


def test_what_is_in_no_space_is_refused():
  with pytest.raises(ValueError, match="unknown op"):
    export.to_json(export.PolicySpec(Fixed((), (Steps((Step("Rotate"),)),))))


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
  path = tmp_path / "policy.json"
  export.save(export.PolicySpec(fixed.standard()), path)
  before = path.read_text()

  def fail(*_):
    raise OSError("disk full")

  monkeypatch.setattr(os, "replace", fail)
  with pytest.raises(OSError, match="disk full"):
    export.save(export.PolicySpec(fixed.cutout()), path)
  assert path.read_text() == before
  assert [p.name for p in tmp_path.iterdir()] == ["policy.json"]


def test_narrowed_and_renamed_rows_are_written():
  table = space.narrow(spaces.slack_cifar(), {"Rotate": (0, 15)})
  table = (table[4]._replace(name="SmallTurn"),)
  spec = export.PolicySpec(Fixed(table, (Steps((Step("SmallTurn"),)),)))
  assert export.from_json(export.to_json(spec)) == spec


def by_class():
  each = (fixed.randaugment(n=2, m=m, then=fixed.none()) for m in (3, 9))
  policies = tuple(
    one._replace(stages=(one.stages[0]._replace(keep=((share,) * 14,) * 2),))
    for one, share in zip(each, (0.5, 1.0), strict=True)
  )
  return export.ClassSpec(PerClass(("cat", "dog"), policies), (8, 8), export.Provenance("slack"))


def test_a_policy_for_each_class(tmp_path):
  path = tmp_path / "p.json"
  export.save(by_class(), path)
  content = json.loads(path.read_text())
  assert (content["kind"], content["classes"]) == ("per_class", ["cat", "dog"])
  assert set(content["policies"][0]) == {"space", "stages", "first", "last"}
  assert export.load_any(path) == by_class()
  with pytest.raises(
    ValueError, match="has a policy for each of 2 classes, and one for all images"
  ):
    export.load(path)
  plain = export.PolicySpec(fixed.standard())
  export.save(plain, path)
  assert export.load_any(path) == plain


@pytest.mark.parametrize(
  ("change", "words"),
  [
    (lambda c: c["classes"].pop(), "got 1 classes and 2"),
    (lambda c: c["policies"][1].pop("last"), r"policies\[1\] has no 'last'"),
    (lambda c: c["policies"][1].update(x=1), r"policies\[1\] has the unknown field 'x'"),
    (
      lambda c: c["policies"][1]["space"][2].pop("low"),
      r"policies\[1\]\.space\[2\] has no 'low'",
    ),
    (lambda c: c["policies"][0]["space"][3].update(high=9.0), "the same ops"),
    (lambda c: c.update(policies={}), "takes a list"),
  ],
  ids=["classes", "missing", "unknown", "row", "ops", "list"],
)
def test_mistakes_in_a_file_of_classes_are_named(change, words, tmp_path):
  content = json.loads(export.to_json(by_class()))
  change(content)
  (tmp_path / "p.json").write_text(json.dumps(content))
  with pytest.raises(ValueError, match=words) as error:
    export.load_any(tmp_path / "p.json")
  assert "p.json" in str(error.value)
