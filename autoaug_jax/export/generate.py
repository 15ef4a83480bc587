"""Policies as Python files of their own, which know nothing of JAX, nor of this library."""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from autoaug_jax.export.describe import describe
from autoaug_jax.export.layout import literal
from autoaug_jax.export.parts import taken
from autoaug_jax.export.plain_data import PlainData, plain_data
from autoaug_jax.export.spec import PolicySpec

GIVEN = ("OPS", "STAGES", "FIRST", "LAST")


class Runtime(NamedTuple):
  """A way to run a policy without JAX."""

  modules: tuple[str, ...]  # of `runtimes`, in the order in which they are read
  roots: tuple[str, ...]  # what the file offers; the first is the one to call
  needs: str
  usage: str
  refuses: Callable[[PlainData], str] = lambda data: ""  # why a policy cannot be expressed, or ""


def to_source(spec: PolicySpec, runtime: str, *, module: str = "policy") -> str:
  """One readable Python file that applies the policy; `runtime` is one of `runtime_names()`.

  `module` is what its docstring calls it. ValueError, in one sentence, for a policy that the
  runtime cannot express.
  """
  if runtime not in _RUNTIMES:
    raise ValueError(f"there is no runtime {runtime!r}; known are {', '.join(_RUNTIMES)}")
  made, data = _RUNTIMES[runtime], plain_data(spec.policy)
  reason = made.refuses(data)
  if reason:
    raise ValueError(f"{runtime} cannot express this policy: {reason}")
  imports, code = taken(made.modules, made.roots, rows=_rows(data), given=GIVEN)
  return f"{_header(spec, made, module)}\n\n{imports}\n\n{_data(data)}\n\n\n{code}\n"


def runtime_names() -> tuple[str, ...]:
  """What policies can be exported to."""
  return tuple(_RUNTIMES)


def to_pillow(spec: PolicySpec) -> Callable[..., Any]:
  """`augment(image, generator=None)` for a Pillow image (RGB, L) or uint8 [H, W, C] or [H, W]."""
  return _loaded(spec, "pillow")


def to_torchvision(spec: PolicySpec) -> Any:
  """`Augment`, a `torch.nn.Module` for uint8 tensors [..., C, H, W], each image by itself."""
  return _loaded(spec, "torchvision")()


def to_albumentations(spec: PolicySpec) -> Any:
  """`Augment`, an `ImageOnlyTransform` for uint8 arrays [H, W, C]."""
  return _loaded(spec, "albumentations")()


def to_tf_data(spec: PolicySpec) -> Callable[..., Any]:
  """`augment(image, *others)` for `dataset.map`, of uint8 images [H, W, C]."""
  return _loaded(spec, "tf.data")


def _loaded(spec: PolicySpec, runtime: str) -> Any:
  names: dict[str, Any] = {"__name__": f"autoaug_jax_policy_for_{runtime.replace('.', '_')}"}
  exec(compile(to_source(spec, runtime), f"<policy for {runtime}>", "exec"), names)
  return names[_RUNTIMES[runtime].roots[0]]


def _header(spec: PolicySpec, runtime: Runtime, module: str) -> str:
  text = describe(spec).replace("\\", "\\\\").replace('"""', "'''")
  usage = "\n".join(
    f"  {line}".rstrip() for line in runtime.usage.format(module=module).splitlines()
  )
  return (
    f'"""{text}\n\nUsage, of this file as {module}.py:\n\n{usage}\n\n'
    f'Written by autoaug_jax, which it does not need; it needs {runtime.needs}.\n"""'
  )


def _data(data: PlainData) -> str:
  names = ("OPS", "STAGES", "FIRST", "LAST")
  lines = [f"{n} = {literal(v, taken=len(n) + 3)}" for n, v in zip(names, data, strict=True)]
  return "\n".join(lines)


def _rows(data: PlainData) -> dict[str, Collection[str]]:
  """The rows of the runtimes' tables that a policy needs."""
  ops = data.ops.values()
  by_kind: dict[str, set[str]] = {}
  for op in ops:
    by_kind.setdefault(op["kind"], set()).add(op.get("op", ""))
  return {
    "DRAWERS": {stage["kind"] for stage in data.stages},
    "KINDS": set(by_kind),
    "VALUES": {op.get("value", "strength") for op in ops},
    "INTERPOLATIONS": {op.get("interpolation", "nearest") for op in ops},
    "WARPS": by_kind.get("warp", set()),
    "BOXES": by_kind.get("box", set()),
    "CROPS": by_kind.get("crop", set()),
    "TONES": by_kind.get("tone", set()),
    "PLAIN": by_kind.get("plain", set()),
  }


_ABSENT_IN_TF = ("hue", "scaled_hue", "hsv_saturation", "added_contrast")


def _too_much_for_tf(data: PlainData) -> str:
  """Networks, resized crops and hues would be long programs there, for policies that are rare."""
  for stage in data.stages:
    if stage["kind"] in ("gaussian", "network"):
      return f"it has a stage of kind {stage['kind']!r}, which the other runtimes take"
  for name, op in data.ops.items():
    if op["kind"] == "crop" or op["op"] in _ABSENT_IN_TF or op["op"].startswith("affine_"):
      return f"it has no {name}, which the other runtimes have"
  return ""


_DRAWING = ("drawing", "values", "matrices", "boxes")
_RUNTIMES = {
  "pillow": Runtime(
    (*_DRAWING, "arrays", "hues", "array_run", "pillow"),
    ("augment", "draw", "apply"),
    "NumPy and Pillow",
    "from {module} import augment\n\nimage = augment(image)  # a Pillow image or a uint8 array\n",
  ),
  "tf.data": Runtime(
    ("tf_drawing", "tf_geometry", "tf_colors", "tf_run"),
    ("augment", "draw", "apply"),
    "NumPy and TensorFlow",
    "from {module} import augment\n\n"
    "dataset = dataset.map(augment)  # uint8 images [H, W, C], or (image, label, ...)\n",
    _too_much_for_tf,
  ),
  "torchvision": Runtime(
    (*_DRAWING, "tensors", "tensor_hues", "tensor_run", "torchvision"),
    ("Augment", "draw", "apply"),
    "NumPy and PyTorch",
    "from {module} import Augment\nfrom torchvision.transforms import v2\n\n"
    "transform = v2.Compose([v2.PILToTensor(), Augment()])  # then v2.ToDtype, v2.Normalize, ...\n",
  ),
  "albumentations": Runtime(
    (*_DRAWING, "arrays", "hues", "array_run", "albumentations"),
    ("Augment", "draw", "apply"),
    "NumPy and Albumentations (2.0.8, MIT)",
    "import albumentations as A\nfrom {module} import Augment\n\n"
    "transform = A.Compose([Augment(), A.Normalize()], seed=0)\n"
    'image = transform(image=image)["image"]  # uint8 [H, W, C]\n',
  ),
}
