"""How a policy is drawn for one image, in NumPy."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

OPS: dict[str, dict[str, Any]] = {}
STAGES: list[dict[str, Any]] = []
FIRST: tuple[str, ...] = ()
LAST: tuple[str, ...] = ()


class Step(NamedTuple):
  """One op on one image."""

  op: str  # a name in OPS
  strength: Any = np.float32(0.0)  # in the op's own units, with its sign; or the steps of one warp
  noise: tuple[float, ...] = ()  # numbers in [0, 1), by which the op chooses places


NOTHING = Step("Identity")


def draw(generator: np.random.Generator) -> list[Step]:
  """What one image gets, step by step; it says nothing of the image's size."""
  drawn = [step for stage in STAGES for step in DRAWERS[stage["kind"]](generator, stage)]
  return arrange(drawn)


def arrange(steps: list[Step]) -> list[Step]:
  """The first op drawn of FIRST goes to the front, the last one of LAST to the back, alone."""
  if not FIRST + LAST:
    return steps
  first = [step for step in steps if step.op in FIRST]
  last = [step for step in steps if step.op in LAST and step.op not in FIRST]
  rest = [step for step in steps if step.op not in FIRST + LAST]
  return first[:1] + rest + last[-1:]


def strength_of(name: str, magnitude: float, sign: float) -> Any:
  """The strength of an op at a magnitude; 0..1 is its range, and signs are for ops with them."""
  low, high = OPS[name].get("range", (0.0, 0.0))
  value = np.float32(low) + np.float32(magnitude) * np.float32(high - low)
  return value * np.float32(sign) if OPS[name].get("signed") else value


def make_step(generator: np.random.Generator, name: str, magnitude: float) -> Step:
  """A step whose direction is drawn."""
  sign = 1.0 if generator.random() < 0.5 else -1.0
  return Step(name, strength_of(name, magnitude, sign), make_noise(generator, name))


def make_directed_step(generator: np.random.Generator, name: str, magnitude: float) -> Step:
  """A step whose magnitude brings its direction."""
  sign = -1.0 if magnitude < 0 else 1.0
  return Step(name, strength_of(name, abs(magnitude), sign), make_noise(generator, name))


def make_noise(generator: np.random.Generator, name: str) -> tuple[float, ...]:
  """As many numbers in [0, 1) as an op needs."""
  return tuple(generator.random(OPS[name].get("noise", 0)).tolist())


def pick(generator: np.random.Generator, chances: Sequence[float]) -> int:
  """An index, each with its chance."""
  total = np.cumsum(chances)
  return int(np.searchsorted(total / total[-1], generator.random(), side="right"))


def draw_slots(generator: np.random.Generator, stage: dict[str, Any]) -> list[Step]:
  """In each slot one op, which is applied or not."""
  slots = [rows for count, rows in stage["slots"] for _ in range(count)]
  return [draw_slot(generator, rows, stage["levels"], stage["sigma"]) for rows in slots]


def draw_slot(
  generator: np.random.Generator, rows: Sequence[Any], levels: int, sigma: float
) -> Step:
  """One of the rows (op, chance, chance to be applied, lowest and highest magnitude)."""
  name, _, keep, low, high = rows[pick(generator, [row[1] for row in rows])]
  place = generator.random()
  if levels:
    place = int(place * levels) / max(levels - 1, 1)
  magnitude = low + place * (high - low) + sigma * generator.normal()
  step = make_step(generator, name, min(max(magnitude, 0.0), 1.0))
  return step if generator.random() < keep else NOTHING


def draw_steps(generator: np.random.Generator, stage: dict[str, Any]) -> list[Step]:
  """Each step with its chance, one after the other or shuffled."""
  steps = run_through(generator, stage["steps"])
  return shuffle(generator, steps) if stage["shuffled"] else steps


def draw_sub_policies(generator: np.random.Generator, stage: dict[str, Any]) -> list[Step]:
  """The steps of one branch."""
  branch = pick(generator, [chance for chance, _ in stage["branches"]])
  return run_through(generator, stage["branches"][branch][1])


def run_through(generator: np.random.Generator, rows: Sequence[Any]) -> list[Step]:
  """Steps (op, chance, lowest and highest magnitude)."""
  steps = []
  for name, chance, low, high in rows:
    step = make_step(generator, name, low + generator.random() * (high - low))
    steps.append(step if generator.random() < chance else NOTHING)
  return steps


def draw_gaussian(generator: np.random.Generator, stage: dict[str, Any]) -> list[Step]:
  """Ops whose magnitudes are Gaussian and have signs."""
  steps = []
  for name, chance, mean, deviation in stage["ops"]:
    magnitude = mean + deviation * generator.normal()
    if stage["limit"]:
      magnitude = min(max(magnitude, -stage["limit"]), stage["limit"])
    step = make_directed_step(generator, name, magnitude)
    steps.append(step if generator.random() < chance else NOTHING)
  return shuffle(generator, steps) if stage["shuffled"] else steps


def draw_network(generator: np.random.Generator, stage: dict[str, Any]) -> list[Step]:
  """Ops whose magnitudes, with signs, are what a network says to noise; its warps are one."""
  magnitudes = outputs(generator, stage)
  named = zip(stage["ops"], magnitudes.tolist(), strict=True)
  steps = [make_directed_step(generator, name, magnitude) for name, magnitude in named]
  warps, others = steps[: stage["warps"]], steps[stage["warps"] :]
  others = shuffle(generator, others) if stage["shuffled"] else others
  return [*([Step(stage["one_warp"], tuple(warps))] if warps else []), *others]


def outputs(generator: np.random.Generator, stage: dict[str, Any]) -> np.ndarray:
  """ReLU layers on noise in -1..1, hidden units left out by dropout."""
  weights = [np.asarray(matrix, np.float32) for matrix in stage["weights"]]
  x = generator.uniform(-1.0, 1.0, len(weights[0])).astype(np.float32)
  for i, (matrix, bias) in enumerate(zip(weights, stage["biases"], strict=True)):
    x = x @ matrix + np.asarray(bias, np.float32)
    if i < len(weights) - 1:
      kept = generator.random(x.shape) >= stage["dropout"]
      x = np.maximum(x, 0) * kept / np.float32(1 - stage["dropout"])
  return np.tanh(x) if stage["squash"] == "tanh" else x


def shuffle(generator: np.random.Generator, steps: list[Step]) -> list[Step]:
  """The same in a random order."""
  return [steps[i] for i in generator.permutation(len(steps))]


DRAWERS: dict[str, Callable[..., list[Step]]] = {
  "slots": draw_slots,
  "steps": draw_steps,
  "sub_policies": draw_sub_policies,
  "gaussian": draw_gaussian,
  "network": draw_network,
}
