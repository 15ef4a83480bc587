"""How fast every image gets a transformation of its own: our fused executor and what people use.

  python -m experiments.benchmarks.ops
  python -m experiments.benchmarks.ops --sizes=32 --ks=2 --rounds=3 --peers=pillow,opencv

The policy has TrivialAugment Wide's 14 ops: K of them in a row for each image, each with one of 31
magnitudes and a sign, drawn within the time that is measured. Pixels come as numpy uint8 [B, H, W,
3] and go as such (where JAX has an accelerator, they go there, for everybody). All have one thread
on one core; the calls take turns, an untimed call goes before each timed one, and a ratio is taken
within a round. Peers that are not installed are named; `pip install '.[bench]'` brings them.
"""

import importlib.metadata
import itertools
import pathlib
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags, logging
from PIL import Image

from autoaug_jax.ops import Draws, augment_uint8, spaces
from autoaug_jax.types import Array
from experiments.benchmarks import timing
from experiments.benchmarks.by_hand import BINS, Call
from experiments.benchmarks.ops_table import OURS, RESIDENT, STEP_SIZE, Cell, costs, missed, table
from experiments.benchmarks.peers import PEERS, Peer

PICTURES = pathlib.Path(__file__).parents[2] / "tests" / "images"
CLOCKS = {"wall": time.perf_counter, "process": time.process_time}


class Ours(NamedTuple):
  calls: dict[str, Callable[[], object]]
  first_seconds: float  # tracing, compiling and the first run
  bytes_per_image: float


def load_images(folder: pathlib.Path, size: int, count: int) -> np.ndarray:
  """uint8 [count, size, size, 3]: crops of a folder's pictures, flipped at random, with noise.

  A crop has two thirds of the shorter side. The noise, N(0, 3), keeps histograms from being sparse
  where a crop is enlarged or was drawn; nothing depends on anything but the arguments.
  """
  paths = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in Image.registered_extensions()]
  if not paths:
    raise ValueError(f"there is no picture in {folder}")
  random = np.random.default_rng(0)
  pictures = [Image.open(path).convert("RGB") for path in paths]
  images = np.empty((count, size, size, 3), np.uint8)
  for i, picture in zip(range(count), itertools.cycle(pictures), strict=False):
    side = max(1, min(picture.size) * 2 // 3)
    left, top = (int(random.integers(0, length - side + 1)) for length in picture.size)
    box = (left, top, left + side, top + side)
    crop = np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC, box), float)
    crop = crop[:, ::-1] if random.random() < 0.5 else crop
    images[i] = np.clip(np.rint(crop + random.normal(0, 3, crop.shape)), 0, 255)
  return images


def build_ours(images: np.ndarray, count: int) -> Ours:
  """Our executor, with and without the way of the pixels to the device and back."""
  space = spaces.trivial_augment_wide()

  def augment(seed: Array, batch: Array) -> Array:
    draws_key, key = jax.random.split(jax.random.key(seed))
    draws = draw(draws_key, (batch.shape[0], count), len(space))
    return augment_uint8(key, batch, draws, space=space)

  start = time.perf_counter()
  compiled = jax.jit(augment).lower(np.uint32(0), images).compile()
  jax.block_until_ready(compiled(np.uint32(0), images))
  first_seconds = time.perf_counter() - start
  resident, seeds = jax.device_put(images), itertools.count(1)
  memory = compiled.memory_analysis()
  workspace = memory.temp_size_in_bytes if memory else float("nan")
  calls: dict[str, Callable[[], object]] = {
    OURS: lambda: arrive(compiled(np.uint32(next(seeds)), images)),
    RESIDENT: lambda: jax.block_until_ready(compiled(np.uint32(next(seeds)), resident)),
  }
  return Ours(calls, first_seconds, workspace / len(images))


def draw(key: Array, shape: tuple[int, int], ops: int) -> Draws:
  """TrivialAugment's law: an op, one of 31 magnitudes and a sign, each uniform."""
  op_key, bin_key, sign_key = jax.random.split(key, 3)
  return Draws(
    jax.random.randint(op_key, shape, 0, ops),
    jax.random.randint(bin_key, shape, 0, BINS).astype(jnp.float32) / (BINS - 1),
    jax.random.rademacher(sign_key, shape, jnp.float32),
  )


def arrive(pixels: Array | np.ndarray) -> object:
  """Waits until pixels are where training wants them: in host memory, or on the accelerator."""
  if jax.default_backend() == "cpu":
    return np.asarray(pixels)
  return jax.block_until_ready(jax.device_put(pixels))


def measure(
  images: np.ndarray,
  count: int,
  peers: Sequence[Peer],
  *,
  rounds: int,
  clock: Callable[[], float] = time.perf_counter,
) -> Cell:
  """Everybody in turn."""
  ours = build_ours(images, count)
  calls = dict(ours.calls)
  for peer in peers:
    calls[peer.name] = _arriving(peer.build(images, count))
  seconds = timing.take_turns(calls, rounds=rounds, clock=clock)
  return Cell(
    {name: timing.spread(s).middle / len(images) * 1e6 for name, s in seconds.items()},
    {name: timing.ratio(s, seconds[OURS]) for name, s in seconds.items()},
    ours.first_seconds,
    ours.bytes_per_image,
  )


def _arriving(call: Call) -> Callable[[], object]:
  return lambda: arrive(call())


def installed(peers: Sequence[Peer]) -> tuple[list[Peer], dict[str, str]]:
  """The peers that work here, and why the others do not."""
  present, absent = [], {}
  probe = np.zeros((1, 16, 16, 3), np.uint8)
  for peer in peers:
    try:
      peer.build(probe, 1)
    except (ImportError, OSError, RuntimeError) as error:  # not there, or builds that do not match
      absent[peer.name] = str(error).split("\n")[0]
    else:
      present.append(peer)
  return present, absent


def describe(absent: Mapping[str, str], *, core: int, step_ms: float) -> str:
  """What was measured with, and what was not there."""
  versions = []
  for name in ("jax", "pillow", "opencv-python-headless", "torch", "torchvision", "kornia",
               "albumentations", "dm-pix"):  # fmt: skip
    try:
      versions.append(f"{name} {importlib.metadata.version(name)}")
    except importlib.metadata.PackageNotFoundError:
      continue
  where = f"core {core}" if core >= 0 else "any core"
  lines = [
    f"{_processor()}, {where}, one thread; JAX on {jax.devices()[0].device_kind}; "
    f"Python {platform.python_version()}, {', '.join(versions)}.",
    f"A training step (WRN-40-2) is taken as {step_ms:g} ms per image of {STEP_SIZE}x{STEP_SIZE}, "
    "in proportion to the pixels.",
  ]
  lines += [f"Absent: {name} ({reason})." for name, reason in absent.items()]
  return "\n".join(lines)


def _processor() -> str:
  info = pathlib.Path("/proc/cpuinfo")
  lines = info.read_text().splitlines() if info.exists() else []
  names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
  return names[0] if names else platform.processor() or platform.machine()


def define_flags() -> None:
  flags.DEFINE_list("sizes", ["32", "224"], "Sides of the square images.")
  flags.DEFINE_integer("batch", 0, "How many images; 0: 1024, or 64 where they are over 64x64.")
  flags.DEFINE_list("ks", ["1", "2", "3"], "How many ops in a row.")
  flags.DEFINE_integer("rounds", 7, "How often everybody takes a turn.", lower_bound=1)
  flags.DEFINE_enum(
    "clock",
    "wall",
    list(CLOCKS),
    "Time on the wall or, on a busy machine without GPU, of our process.",
  )
  flags.DEFINE_integer("core", None, "The core to stay on (else the last); negative: any.")
  flags.DEFINE_string("images", str(PICTURES), "A folder of pictures to cut images out of.")
  flags.DEFINE_list("peers", [], "Only peers whose names begin so; empty: all; none: ours alone.")
  flags.DEFINE_float(
    "train_step_ms_per_image",
    16.0,
    "Milliseconds of a training step per image of 32x32, with which augmentation is compared: "
    "WRN-40-2 in float32 takes 16 on one core; in bfloat16 on a large GPU some 0.01 (an estimate).",
  )
  flags.DEFINE_bool(
    "check", False, "Names the goals that are missed; ends with code 1 if there are."
  )


def main(args: Sequence[str]) -> None:
  given = flags.FLAGS
  if len(args) > 1 or not all(n.isdecimal() and int(n) for n in (*given.sizes, *given.ks)):
    raise app.UsageError("only flags are taken; --sizes and --ks are whole numbers over 0")
  logging.set_verbosity(logging.WARNING)  # JAX reports each backend that it does not find
  core = timing.one_thread(given.core)
  wanted = tuple(name.lower() for name in given.peers)
  peers = [p for p in PEERS if not wanted or p.name.lower().startswith(wanted)]
  present, absent = installed(peers)
  step_ms = given.train_step_ms_per_image
  print(describe(absent, core=core, step_ms=step_ms))
  how: dict[str, Any] = {"rounds": given.rounds, "clock": CLOCKS[given.clock]}
  failures = []
  for size in map(int, given.sizes):
    batch = given.batch or (1024 if size <= 64 else 64)
    images = load_images(pathlib.Path(given.images), size, batch)
    cells = {k: measure(images, k, present, **how) for k in map(int, given.ks)}
    print(f"\n{batch} images, {given.rounds} rounds, {given.clock} time:\n")
    print(table(size, cells, present, step_ms=step_ms))
    print(f"\n{costs(size, cells)}", flush=True)
    failures += missed(size, cells, step_ms=step_ms)
  if given.check:
    print("\n" + ("\n".join(failures) if failures else "All goals are reached."))
    raise SystemExit(bool(failures))


if __name__ == "__main__":
  define_flags()
  app.run(main)
