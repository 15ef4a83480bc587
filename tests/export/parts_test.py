"""Generated files: all that they need, nothing else, and easy to read."""

import ast
import builtins
import subprocess
import sys

import pytest

from autoaug_jax import export
from autoaug_jax.export import parts
from autoaug_jax.export.generate import GIVEN
from autoaug_jax.ops import Op, spaces
from autoaug_jax.policies import Fixed, Step, Steps, fixed
from tests.export import replay
from tests.export.runtimes_test import AFFINE, COLOR, network, only
from tests.export.spec_test import gaussian

POLICIES = {
  "none": fixed.none,
  "standard": fixed.standard,
  "autoaugment": fixed.autoaugment_cifar,
  "domainbed": lambda: fixed.domainbed(hue=0.1),
  "gaussian": gaussian,
  "network": lambda: network((*AFFINE, *COLOR), sizes=(2, 3), summed=True),
}


def files():
  for policy in POLICIES:
    for runtime in export.runtime_names():
      if runtime != "tf.data" or policy in ("none", "standard", "autoaugment"):
        yield policy, runtime


@pytest.mark.parametrize(("policy", "runtime"), list(files()))
def test_a_file_has_what_it_needs_and_nothing_else(policy, runtime):
  text = export.to_source(export.described(POLICIES[policy](), method="slack"), runtime)
  tree = ast.parse(text)
  assert "by slack" in (ast.get_docstring(tree) or "")
  assert max(map(len, text.splitlines())) <= 100
  defined, read = set(), set()
  for node in ast.walk(tree):
    if isinstance(node, ast.Import | ast.ImportFrom):
      module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
      assert "jax" not in str(module)
      defined |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    elif isinstance(node, ast.FunctionDef | ast.ClassDef):
      defined.add(node.name)
    elif isinstance(node, ast.arg):
      defined.add(node.arg)
    elif isinstance(node, ast.Name):
      (read if isinstance(node.ctx, ast.Load) else defined).add(node.id)
  assert read - defined - set(dir(builtins)) <= {"self"}
  top = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
  roots = {"augment", "Augment", "draw", "apply"}
  attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
  assert top - read - attributes <= roots


def test_all_of_the_runtimes_is_used_by_some_policy():
  everything = [
    replay.spec_of_all(),
    *(export.PolicySpec(make()) for make in POLICIES.values()),
    only(Step("TranslateX"), space=spaces.trivial_augment_wide()),
    only(Step("TranslateY"), space=spaces.trivial_augment_wide()),
    only(Step("ScaleX"), Step("ScaleY"), space=spaces.autodo()),
    only(Step("FlipY"), space=(spaces.FLIP_Y,)),
    only(Step("Solarize"), space=spaces.madao()),
    export.PolicySpec(export.from_timm("rand-m9-inc1")),
    export.PolicySpec(export.from_timm("rand-m9")),
    export.PolicySpec(fixed.crop_flip_jitter()),
  ]
  tf_too = [only(Step(op.name), space=(op,)) for op in replay.all_ops()]
  tf_too += [only(Step(op.name), space=(op,)) for op in (*spaces.autodo(), *spaces.madao())]
  used = set()
  for runtime in export.runtime_names():
    for spec in [*everything, *(tf_too if runtime == "tf.data" else ())]:
      try:
        text = export.to_source(spec, runtime)
      except ValueError:
        continue
      tops = ast.parse(text).body
      used |= {
        (runtime == "tf.data", n.name)
        for n in tops
        if isinstance(n, ast.FunctionDef | ast.ClassDef)
      }
  unused = []
  for path in parts.FOLDER.glob("*.py"):
    for node in ast.parse(path.read_text()).body:
      named = isinstance(node, ast.FunctionDef | ast.ClassDef)
      if named and (path.stem.startswith("tf_"), node.name) not in used:
        unused.append(f"{path.stem}.{node.name}")
  assert not unused


def test_a_file_runs_where_this_library_is_not(tmp_path):
  """In a Python that finds neither JAX nor us."""
  text = export.to_source(export.PolicySpec(fixed.trivial_augment_wide()), "pillow")
  (tmp_path / "policy.py").write_text(text)
  code = (
    "import sys; sys.modules['jax'] = sys.modules['autoaug_jax'] = None\n"
    "import numpy as np; from policy import augment\n"
    "print(augment(np.zeros((8, 9, 3), np.uint8)).shape)"
  )
  run = subprocess.run(
    [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
  )
  assert run.stdout == "(8, 9, 3)\n"


def test_rows_of_tables_are_chosen_and_what_they_need_follows():
  rows = {"TONES": {"color"}, "PLAIN": {"invert"}, "KINDS": {"tone", "plain"}}
  imports, code = parts.taken(("arrays", "array_run"), ("TONES", "PLAIN"), rows=rows, given=GIVEN)
  assert 'TONES = {\n  "color": color,\n}' in code
  assert "def blend(" in code
  assert "def invert(" in code
  assert "def solarize(" not in code
  assert imports == "from typing import Any\n\nimport numpy as np"


REFUSED = {
  "unknown": (only(Step("Invert")), "kornia", "no runtime 'kornia'; known are pillow, "),
  "hue": (only(Step("Hue"), space=spaces.slack_imagenet()), "tf.data", "tf.data .* it has no Hue"),
  "network": (export.PolicySpec(POLICIES["network"]()), "tf.data", "a stage of kind 'network'"),
  "crop": (export.PolicySpec(fixed.domainbed()), "tf.data", "it has no AreaCrop, which"),
  "own": (
    only(Step("Twirl"), space=(Op("Twirl", lambda key, image, strength: image),)),
    "pillow",
    "Twirl is an op of its author's own",
  ),
  "name": (
    export.PolicySpec(
      Fixed((spaces.INVERT._replace(name="Identity"),), (Steps((Step("Identity"),)),))
    ),
    "pillow",
    "calls nothing but the identity 'Identity'",
  ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_expressed_is_said_in_a_sentence(case):
  spec, runtime, message = REFUSED[case]
  with pytest.raises(ValueError, match=message) as caught:
    export.to_source(spec, runtime)
  assert "\n" not in str(caught.value)
