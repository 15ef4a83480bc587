"""A folder of many JPEGs through a network of one convolution: decoding is the limit, memory flat.

  python -m experiments.benchmarks.large_data --images=50000 --workers=2 --workdir=runs/large

Images of 224 x 224 pixels are written first, unless they are there: crops out of fields of noise
whose spectrum falls as that of photographs does, so that a file has a photograph's bytes. They are
then loaded as any folder is, with a memory budget of 0, and stream through Grain's workers, the
compiled training step and `train.fit` for some epochs. The memory of this process and of its
workers is told apart and drawn over time (memory.png). A series is flat where the 95% interval of
its slope, behind the first fifth of the stream, reaches down to 0, or where it grows by less than
2%. Decoding alone and the step alone tell what the limit is. Linux only.
"""

import contextlib
import os
import pathlib
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from autoaug_jax import data, train
from autoaug_jax.app import named_policy, write_json
from autoaug_jax.train import optim
from autoaug_jax.types import Array
from experiments import launch
from experiments.benchmarks import steady

SIDE, CLASSES, QUALITY = 224, 10, 90
FIELD, FIELDS = 512, 16  # pixels on a side of a field of noise, and how many there are
SHARE = 0.02
MEAN, STD = (0.5,) * 3, (0.25,) * 3


class OneConvolution(nn.Module):
  """One convolution of every eighth pixel, its mean, and a head: next to no work."""

  @nn.compact
  def __call__(self, x: Array, train: bool) -> Array:
    x = nn.relu(nn.Conv(8, (3, 3))(x[:, ::8, ::8]))
    return nn.Dense(CLASSES, name="head")(jnp.mean(x, axis=(1, 2)))


class Sample(NamedTuple):
  """What lies in memory, in bytes."""

  seconds: float
  main: int
  workers: int


class Found(NamedTuple):
  """What came of it: images a second in all, by decoding alone and by the step alone."""

  images: int
  streamed: float
  decoding: float
  step: float
  scan_seconds: float
  trends: dict[str, steady.Trend]
  samples: list[Sample]

  @property
  def passed(self) -> bool:
    return all(one.flat(SHARE) for one in self.trends.values())


def fields(random: np.random.Generator) -> np.ndarray:
  """uint8 [FIELDS, FIELD, FIELD, 3] with amplitudes in inverse proportion to the frequency."""
  y, x = np.fft.fftfreq(FIELD)[:, None], np.fft.rfftfreq(FIELD)[None, :]
  fall = 1 / np.maximum(np.hypot(y, x), 1 / FIELD)
  made = []
  for _ in range(FIELDS):
    phases = np.exp(2j * np.pi * random.random((3, *fall.shape)))
    grey, *colours = np.fft.irfft2(fall * phases, s=(FIELD, FIELD))
    planes = [grey + 0.3 * colour for colour in (*colours, colours[0] - colours[1])]
    image = np.stack(planes, -1)
    made.append(np.clip(128 + 55 * image / image.std(), 0, 255).astype(np.uint8))
  return np.stack(made)


def write(folder: pathlib.Path, count: int) -> None:
  """That many JPEGs in folders of classes; those that are there stay."""
  from PIL import Image

  random = np.random.default_rng(0)
  noise = fields(random)
  for label in range(CLASSES):
    (folder / f"class{label}").mkdir(parents=True, exist_ok=True)
  for number in range(count):
    field, top, left, turn = random.integers((FIELDS, FIELD - SIDE, FIELD - SIDE, 8))
    path = folder / f"class{number % CLASSES}" / f"{number:06}.jpg"
    if path.exists():
      continue
    crop = np.rot90(noise[field, top : top + SIDE, left : left + SIDE], turn)
    Image.fromarray(crop[:, ::-1] if turn > 3 else crop).save(path, quality=QUALITY)


def program_of(examples: data.Examples, *, batch: int, workers: int) -> train.Program:
  """Training of the one convolution on the stream."""
  order = data.shuffled(np.arange(len(examples.labels)), batch, seed=0)
  feed = data.streamed_feed(examples, order, workers=workers)
  task = train.classification(OneConvolution(), normalise=(MEAN, STD))
  problem = train.supervised(task, named_policy("none", mean=MEAN))
  return train.program(train.learner(problem, optim.sgd(0.01)), feed)


@contextlib.contextmanager
def watched(every: float, began: float) -> Iterator[list[Sample]]:
  """Samples of memory, taken meanwhile by a thread, with the seconds since `began`."""
  samples: list[Sample] = []
  over = threading.Event()

  def look() -> None:
    while not over.wait(every):
      workers = [steady.memory(one) for one in steady.descendants(os.getpid())]
      now = time.perf_counter() - began
      samples.append(Sample(now, steady.memory(), sum(workers)))

  thread = threading.Thread(target=look, daemon=True)
  thread.start()
  try:
    yield samples
  finally:
    over.set()
    thread.join()


def measure(folder: pathlib.Path, *, epochs: int, batch: int, workers: int, every: float) -> Found:
  """Loads the folder, streams it, and times decoding and the step by themselves."""
  began = time.perf_counter()
  examples = data.load(folder, memory_budget=0).parts["train"]
  scanned = time.perf_counter() - began
  count = len(examples.labels)
  program = program_of(examples, batch=batch, workers=workers)
  steps = epochs * (count // batch)
  speeds: list[tuple[float, int]] = []

  def seen(state: train.SearchState) -> dict[str, Any]:
    speeds.append((time.perf_counter(), int(state.step)))
    return {}

  log = train.Every(log=max(1, min(10, steps // 8)))
  began = time.perf_counter()
  with watched(every, began) as samples:
    train.fit(program, train.training(steps), every=log, watch=seen, progress=train.silent())
  (start, first), (end, last) = speeds[0], speeds[-1]  # what is before compiles and starts workers
  streaming = [one for one in samples if one.seconds > start - began]
  places = [one.seconds for one in streaming]
  series = {name: [getattr(s, name) for s in streaming] for name in ("main", "workers")}
  trends = {n: steady.trend(places, values) for n, values in series.items() if any(values)}
  return Found(
    images=steps * batch,
    streamed=(last - first) * batch / (end - start),
    decoding=_decoding(examples, min(count, 256)),
    step=_step(examples, batch),
    scan_seconds=scanned,
    trends=trends,
    samples=samples,
  )


def _decoding(examples: data.Examples, count: int) -> float:
  began = time.perf_counter()
  examples.fetch(np.arange(count))
  return count / (time.perf_counter() - began)


def _step(examples: data.Examples, batch: int, steps: int = 8) -> float:
  """Images a second of the step on a batch that lies ready."""

  def blank(numbers: np.ndarray) -> np.ndarray:
    return np.zeros((len(numbers), *examples.shape), np.uint8)

  program = program_of(examples._replace(fetch=blank), batch=batch, workers=0)
  state, times = program.init(), []
  for number in range(steps):
    began = time.perf_counter()
    state, metrics = program.moves["train"](state, train.Numbers(number, 0), 1)
    jax.block_until_ready(metrics)
    times.append(time.perf_counter() - began)
  return float(batch / np.median(times[2:]))


def draw(found: Found, path: pathlib.Path) -> None:
  """Memory over time, for this process and its workers."""
  from matplotlib.figure import Figure

  figure = Figure(figsize=(7, 3.2), layout="constrained")
  axes = figure.subplots()
  times = [s.seconds for s in found.samples]
  for name, one in found.trends.items():
    values = [getattr(s, name) / 2**20 for s in found.samples]
    label = f"{name}: {one.growth:+.1%} ({one.low:+.1%} to {one.high:+.1%})"
    axes.plot(times, values, label=label, linewidth=1)
  axes.set(xlabel="seconds", ylabel="RSS, MiB", ylim=(0, None))
  axes.set_title(f"{found.images:,} JPEGs of {SIDE} x {SIDE}: {found.streamed:.0f} images/s")
  axes.legend(frameon=False, loc="lower right")
  figure.savefig(path, dpi=120)


def table(found: Found) -> str:
  rows = [
    steady.row(name, f"{one.mean / 2**20:.0f} MiB", one, flat=one.flat(SHARE), places=2)
    for name, one in found.trends.items()
  ]
  return "\n".join(("| | RSS, mean | growth over the run | 95% | flat |", steady.RULE, *rows))


def main() -> None:
  given = flags.FLAGS
  workdir = pathlib.Path(given.workdir)
  folder = workdir / f"images-{given.images}"
  began = time.perf_counter()
  write(folder, given.images)
  print(f"{given.images} JPEGs are there after {time.perf_counter() - began:.0f} s", flush=True)
  found = measure(
    folder, epochs=given.epochs, batch=given.batch, workers=given.workers, every=given.every
  )
  print(
    f"{found.images} images streamed at {found.streamed:.0f} images/s ({given.workers} workers); "
    f"decoding alone {found.decoding:.0f} images/s in one thread, the step alone {found.step:.0f}; "
    f"the scan took {found.scan_seconds:.0f} s"
  )
  print(table(found))
  draw(found, workdir / "memory.png")
  trends = {name: one._asdict() for name, one in found.trends.items()}
  write_json(workdir / "large_data.json", {**found._asdict(), "trends": trends})
  if not found.passed:
    raise SystemExit(1)


def define_flags() -> None:
  flags.DEFINE_integer("images", 50_000, "How many JPEGs.", lower_bound=200)
  flags.DEFINE_integer("epochs", 1, "How often they stream.", lower_bound=1)
  flags.DEFINE_integer("batch", 64, "Images a step.", lower_bound=2)
  flags.DEFINE_integer("workers", 2, "Processes that decode.", lower_bound=0)
  flags.DEFINE_float("every", 1.0, "Seconds between two looks at the memory.")
  flags.DEFINE_string("workdir", None, "For images, memory.png, large_data.json.", required=True)


if __name__ == "__main__":
  define_flags()
  launch.run("large_data", main)
