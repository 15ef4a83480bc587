"""Shows a policy, or writes it as one small Python file that needs neither JAX nor this library.

  python -m experiments.export --policy=runs/digits/policy.json
  python -m experiments.export --policy=runs/digits/policy.json --to=pillow --out=policy.py
  python -m experiments.export --policy=rand-m9-mstd0.5-inc1 --to=json --out=timm.json

`--policy` is a policy file or one of timm's strings (rand-..., original-...). `--to` is

  table           the policy in words: ops, chances, strengths (the default)
  json            a policy file, which experiments.retrain trains with
  pillow          augment(image), for Pillow images and uint8 arrays
  torchvision     Augment(), a torch.nn.Module for uint8 tensors [..., C, H, W]
  albumentations  Augment(), an ImageOnlyTransform for uint8 arrays [H, W, C]
  tf.data         augment(image, ...), for dataset.map

Without `--out` it is printed. What tf.data cannot express (networks, resized crops, hues) is
refused in a sentence; the others take every policy. The same from Python:
`autoaug_jax.export.to_source`, and `to_pillow` and its like, which return what can be called.
"""

import pathlib
import re

from absl import flags

from autoaug_jax import export
from autoaug_jax.files import write_whole
from experiments import launch

TABLE, JSON = "table", "json"


def define_flags() -> None:
  flags.DEFINE_string("policy", None, "A policy file, or a string of timm's.", required=True)
  kinds = [TABLE, JSON, *export.runtime_names()]
  flags.DEFINE_enum("to", TABLE, kinds, "What becomes of it.")
  flags.DEFINE_string("out", "", "A file to write; what is there is replaced. Else it is printed.")


def find_policy(name: str) -> export.PolicySpec:
  """The policy in the file `name`, or that timm's string `name` stands for."""
  if re.match(r"(rand|original|originalr)(-|$)", name) and not pathlib.Path(name).exists():
    return export.described(export.from_timm(name), data="", method=f"timm's string {name}")
  return export.load(name)


def text_of(spec: export.PolicySpec, to: str, *, out: str = "") -> str:
  """What is printed or written."""
  if to == TABLE:
    return export.describe(spec) + "\n"
  if to == JSON:
    return export.to_json(spec)
  stem = pathlib.Path(out).stem
  return export.to_source(spec, to, module=stem if stem.isidentifier() else "policy")


def main() -> None:
  given = flags.FLAGS
  text = text_of(find_policy(given.policy), given.to, out=given.out)
  if not given.out:
    print(text, end="")
    return
  if pathlib.Path(given.out).is_dir():
    raise ValueError(f"--out takes a file, and {given.out!r} is a folder")
  write_whole(given.out, text)
  print(f"{given.out}: {len(text.splitlines())} lines")


if __name__ == "__main__":
  define_flags()
  launch.run("export", main)
