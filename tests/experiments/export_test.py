"""The launcher of exports, tried as a user would."""

import subprocess
import sys

import numpy as np
import pytest

from autoaug_jax import export
from autoaug_jax.policies import fixed
from experiments.export import find_policy, text_of
from tests.experiments.retrain_test import launch


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
  path = tmp_path_factory.mktemp("policy") / "policy.json"
  export.save(export.described(fixed.domainbed(), method="slack", data="photos"), path)
  return path


def test_a_file_to_take_away(policy, tmp_path):
  out = tmp_path / "away" / "photos_policy.py"
  run = launch(f"--policy={policy}", "--to=pillow", f"--out={out}", module="experiments.export")
  assert run.returncode == 0, run.stderr
  assert run.stdout == f"{out}: {len(out.read_text().splitlines())} lines\n"
  assert [p.name for p in out.parent.iterdir()] == [out.name]
  code = (
    "import numpy as np; from photos_policy import augment\n"
    "print(augment(np.full((9, 8, 3), 7, np.uint8)).shape)"
  )
  used = subprocess.run(
    [sys.executable, "-c", code], cwd=out.parent, capture_output=True, text=True, check=True
  )
  assert used.stdout == "(9, 8, 3)\n"


def test_a_table_is_printed(policy):
  run = launch(f"--policy={policy}", module="experiments.export")
  assert run.returncode == 0, run.stderr
  assert run.stdout.startswith("A policy by slack on photos (20")
  assert run.stdout == export.describe(export.load(policy)) + "\n"


def test_timms_strings_are_policies():
  spec = find_policy("rand-m9-mstd0.5-inc1")
  assert spec.policy == export.from_timm("rand-m9-mstd0.5-inc1")
  assert export.from_json(text_of(spec, "json")) == spec
  assert "by timm's string rand-m9-mstd0.5-inc1" in text_of(spec, "table")
  assert "from aug import Augment" in text_of(spec, "albumentations", out="some/aug.py")
  assert "from policy import Augment" in text_of(spec, "torchvision", out="my-policy.py")
  image = np.zeros((4, 4, 3), np.uint8)
  assert export.to_pillow(spec)(image).shape == (4, 4, 3)


MISTAKES = {
  "no file": (("--policy=none.json",), "export: there is no policy file 'none.json'"),
  "timm": (("--policy=rand-q3",), "export: 'rand-q3' has 'q'; known sections are"),
  "to": (("--policy={policy}", "--to=kornia"), "export: flag --to=kornia: value should be one of"),
  "crop": (
    ("--policy={policy}", "--to=tf.data", "--out={out}/a.py"),
    "export: tf.data cannot express this policy: it has no AreaCrop",
  ),
  "folder": (
    ("--policy={policy}", "--to=pillow", "--out={out}"),
    "export: --out takes a file, and ",
  ),
  "argument": (("--policy={policy}", "more"), "export: only flags are taken, not 'more'"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_code_2(mistake, policy, tmp_path):
  flags, sentence = MISTAKES[mistake]
  given = [flag.format(policy=policy, out=tmp_path) for flag in flags]
  run = launch(*given, module="experiments.export")
  assert run.returncode == 2
  assert run.stderr.startswith(sentence)
  assert len(run.stderr.strip().splitlines()) == 1
  assert run.stdout == ""
  assert not list(tmp_path.iterdir())
