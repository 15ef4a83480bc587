"""Each convolution of WRN-40-2 by itself, on one core: ours against PyTorch's, where installed.

  python -m experiments.benchmarks.convolutions --batch=32

The sum over the network's 40 convolutions is what no other part of a training step can win back;
`experiments.benchmarks.train_step` measures the whole. Seconds are of processor time; PyTorch runs
in channels-last memory. "forward" is the convolution, "input" and "filter" its two gradients.
"""

import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags, logging

from experiments.benchmarks.timing import one_thread, spread, take_turns

PARTS = ("forward", "input", "filter")


class Shape(NamedTuple):
  """A convolution of square images, and how often WRN-40-2 has it."""

  size: int
  inputs: int
  outputs: int
  stride: int = 1
  kernel: int = 3
  times: int = 1

  def __str__(self) -> str:
    return f"{self.size} {self.inputs}->{self.outputs} s{self.stride} k{self.kernel}"


SHAPES = (
  Shape(32, 3, 16),
  Shape(32, 16, 32),
  Shape(32, 16, 32, kernel=1),
  Shape(32, 32, 32, times=11),
  Shape(32, 32, 64),
  Shape(32, 64, 64, stride=2),
  Shape(32, 32, 64, stride=2, kernel=1),
  Shape(16, 64, 64, times=10),
  Shape(16, 64, 128),
  Shape(16, 128, 128, stride=2),
  Shape(16, 64, 128, stride=2, kernel=1),
  Shape(8, 128, 128, times=10),
)
Calls = dict[tuple[Shape, str, str], Callable[[], Any]]


def arrays(shape: Shape, batch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Images [B, H, W, C], a kernel [k, k, C, D], and a gradient of the output."""
  rng = np.random.default_rng(0)
  out = -(-shape.size // shape.stride)
  sizes = (
    (batch, shape.size, shape.size, shape.inputs),
    (shape.kernel, shape.kernel, shape.inputs, shape.outputs),
    (batch, out, out, shape.outputs),
  )
  images, kernel, gradient = (rng.normal(size=size).astype(np.float32) for size in sizes)
  return images, kernel, gradient


def ours(shape: Shape, batch: int) -> Calls:
  """XLA's."""
  x, w, g = map(jnp.asarray, arrays(shape, batch))

  def forward(x: Any, w: Any) -> Any:
    pads, strides = [(shape.kernel // 2,) * 2] * 2, (shape.stride,) * 2
    names = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, w, strides, pads, dimension_numbers=names)

  def to_input(x: Any, w: Any, g: Any) -> Any:
    return jax.linear_transpose(lambda x: forward(x, w), x)(g)

  def to_filter(x: Any, w: Any, g: Any) -> Any:
    return jax.linear_transpose(lambda w: forward(x, w), w)(g)

  def finished(function: Callable[..., Any], *given: Any) -> Any:
    return jax.block_until_ready(function(*given))

  calls: list[Callable[[], Any]] = [
    functools.partial(finished, jax.jit(forward), x, w),
    functools.partial(finished, jax.jit(to_input), x, w, g),
    functools.partial(finished, jax.jit(to_filter), x, w, g),
  ]
  return {(shape, "ours", part): call for part, call in zip(PARTS, calls, strict=True)}


def theirs(shape: Shape, batch: int) -> Calls:
  """PyTorch's; nothing where it is not installed."""
  try:
    import torch
  except ImportError:
    return {}
  torch.set_num_threads(1)
  # Transposed views of [B, H, W, C] are what channels-last means.
  x, _, g = (torch.from_numpy(a).permute(0, 3, 1, 2) for a in arrays(shape, batch))
  w = torch.from_numpy(arrays(shape, batch)[1].transpose(3, 2, 0, 1).copy())
  w = w.contiguous(memory_format=torch.channels_last)
  how = ([shape.stride] * 2, [shape.kernel // 2] * 2, [1, 1], False, [0, 0], 1)
  backward = torch.ops.aten.convolution_backward
  calls: list[Callable[[], Any]] = [
    lambda: torch.ops.aten.convolution(x, w, None, *how),
    lambda: backward(g, x, w, None, *how, [True, False, False])[0],
    lambda: backward(g, x, w, None, *how, [False, True, False])[1],
  ]
  return {(shape, "torch", part): call for part, call in zip(PARTS, calls, strict=True)}


def define_flags() -> None:
  flags.DEFINE_integer("batch", 32, "Images in a step.")
  flags.DEFINE_integer("rounds", 7, "Rounds, in each of which every program takes a turn.")
  flags.DEFINE_integer("core", None, "The core to stay on (else the last); negative: any.")


def main(_: list[str]) -> None:
  given = flags.FLAGS
  logging.set_verbosity(logging.WARNING)
  one_thread(given.core)
  calls: Calls = {}
  for shape in SHAPES:
    calls |= ours(shape, given.batch) | theirs(shape, given.batch)
  names = {f"{shape} {who} {part}": (shape, who, part) for shape, who, part in calls}
  named = {name: calls[key] for name, key in names.items()}
  seconds = take_turns(named, rounds=given.rounds, clock=time.process_time)
  middle = {names[name]: 1e3 * spread(values).middle for name, values in seconds.items()}
  whose = sorted({who for _, who, _ in middle})
  print(f"batch {given.batch}, medians of {given.rounds} rounds in ms: {', '.join(whose)}")
  totals = dict.fromkeys(((who, part) for who in whose for part in PARTS), 0.0)
  for shape in SHAPES:
    cells = []
    for part in PARTS:
      each = [middle[shape, who, part] for who in whose]
      cells.append(f"{part} " + " ".join(f"{value:6.2f}" for value in each))
      needed = shape.times * (part != "input" or shape.inputs > 3)  # of images, none
      for who, value in zip(whose, each, strict=True):
        totals[who, part] += needed * value
    print(f"{shape!s:18} x{shape.times:<3} {'   '.join(cells)}")
  for who in whose:
    sums = [totals[who, part] for part in PARTS]
    print(f"all 40, {who}: " + ", ".join(f"{p} {s:.0f}" for p, s in zip(PARTS, sums, strict=True)))
    print(f"  together {sum(sums):.0f} ms")


if __name__ == "__main__":
  define_flags()
  app.run(main)
