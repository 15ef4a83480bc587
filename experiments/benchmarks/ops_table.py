"""What the benchmark of ops came to, as GitHub markdown and against its goals."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiments.benchmarks.peers import Peer
from experiments.benchmarks.timing import Spread

OURS, RESIDENT = "ours", "ours, pixels stay on the device"
GOALS = {
  (32, "Pillow"): 20.0,
  (32, "torchvision"): 30.0,
  (32, "kornia"): 8.0,
  (32, "OpenCV"): 3.0,
  (224, "Pillow"): 2.5,
  (224, "torchvision"): 3.0,
  (224, "OpenCV"): 1.0,
}
STEP_SIZE = 32
GOAL_K, GOAL_SECONDS, GOAL_SHARE = 2, 3.0, 0.01


class Cell(NamedTuple):
  """One size and K: microseconds per image and ratios to ours, by name."""

  microseconds: dict[str, float]
  ratios: dict[str, Spread]
  first_seconds: float
  bytes_per_image: float


def table(size: int, cells: Mapping[int, Cell], peers: Sequence[Peer], *, step_ms: float) -> str:
  """GitHub markdown: microseconds per image, its share of a training step, and times ours."""
  heads = [f"K={k}: us/image | share of a step | times ours (from-to)" for k in cells]
  own = {peer.name: "yes" if peer.own else "**no, one a batch**" for peer in peers}
  lines = [
    f"| {size}x{size} | own draw per image | {' | '.join(heads)} |",
    "| --- | --- |" + " ---: | ---: | ---: |" * len(cells),
  ]
  for name in (OURS, RESIDENT, *own):
    row = [name, own.get(name, "yes")]
    for cell in cells.values():
      time_, ratio = cell.microseconds[name], cell.ratios[name]
      spread = f"{_figure(ratio.middle)} ({_figure(ratio.low)}-{_figure(ratio.high)})"
      share = _figure(time_ / (10 * step_of(size, step_ms)))
      row += [_figure(time_), f"{share}%", "1" if name == OURS else spread]
    lines.append(f"| {' | '.join(row)} |")
  return "\n".join(lines)


def step_of(size: int, step_ms: float) -> float:
  """Milliseconds per image of a training step, in proportion to the pixels."""
  return step_ms * (size / STEP_SIZE) ** 2


def _figure(value: float) -> str:
  return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def costs(size: int, cells: Mapping[int, Cell]) -> str:
  """What the first call and the workspace come to."""
  first = ", ".join(f"K={k} {cell.first_seconds:.2f} s" for k, cell in cells.items())
  memory = ", ".join(f"K={k} {cell.bytes_per_image / 1024:.3g} KiB" for k, cell in cells.items())
  return (
    f"First call of ours at {size}x{size} (trace, compile, run): {first}. "
    f"Workspace per image beyond input and result: {memory}."
  )


def missed(size: int, cells: Mapping[int, Cell], *, step_ms: float) -> list[str]:
  """The goals that were not reached, each as a sentence."""
  said = [
    f"{size}x{size}, K={k}: the first call took {cell.first_seconds:.2f} s"
    for k, cell in cells.items()
    if cell.first_seconds > GOAL_SECONDS
  ]
  for cell in (cell for k, cell in cells.items() if k == GOAL_K):
    if cell.microseconds[OURS] > GOAL_SHARE * step_of(size, step_ms) * 1000:
      said.append(f"{size}x{size}: {cell.microseconds[OURS]:.3g} us is over 1% of a training step")
    for (goal_size, start), goal in GOALS.items():
      for name, ratio in cell.ratios.items():
        if goal_size == size and name.startswith(start) and ratio.middle < goal:
          said.append(f"{size}x{size}: {name} takes {ratio.middle:.3g} times ours, goal {goal:g}")
  return said
