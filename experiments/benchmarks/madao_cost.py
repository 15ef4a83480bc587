"""What MADAO adds to a training: whole runs against the same with the policy frozen.

  python -m experiments.benchmarks.madao_cost --network=wrn-28-2-he --batch=128 --rounds=7

The moves are those of the method: a training move augments uint8 images without gradients, a search
augments the next batch as floats, takes the gradient of a validation batch and solves. Both are
compiled and run in turns in one process on one core, each call after an untimed one; times are
medians with their quartiles. One round of a run is s training moves and a search, so that what a
policy that moves costs, over one that does not, is 1 + search / (s train). Shares are of that
round: `augmentation` is that of the training moves (the same batches augmented and no more), and
the hypergradient is the search. Memory is what XLA's compiler plans for the larger of the two
programs, arguments and results included, over that of the training move. Goals: 1.25x at s = 60,
1.50x at s = 30, memory 2.3x; "paper" is its hours and GB with and without MADAO.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags, logging

from autoaug_jax.app import network
from autoaug_jax.methods import madao
from autoaug_jax.ops import Space, spaces
from autoaug_jax.policies import augmenter, chain, fixed, gumbel, per_image
from autoaug_jax.train import classification, optim
from autoaug_jax.types import Batch
from experiments.benchmarks.timing import one_thread, take_turns

GOALS = {60: "1.25x", 30: "1.50x"}
PAPER = {60: "1.9x", 30: "1.7x"}  # WACV, footnote 1; arXiv, Section 4
MEMORY_GOAL, MEMORY_PAPER = "2.3x", "1.94x"  # WACV, Section 5.4


class Move(NamedTuple):
  """One compiled move: what it takes, and what the compiler planned for it."""

  call: Callable[[], object]
  flops: float
  memory: int  # bytes


class Times(NamedTuple):
  """Medians, in seconds."""

  train: float
  search: float
  augmentation: float  # of a training move's batch


def moves(model: Any, batch: Batch, *, space: Space, remat: bool) -> dict[str, Move]:
  """The moves of MADAO on `model`, and augmentation alone."""
  base = fixed.standard(fill="reflect")
  method = madao(
    classification(model, normalise=((0.5,) * 3, (0.25,) * 3)),
    space,
    optim.sgd(0.1, weight_decay=5e-4),
    steps=60,
    warmup=0,
    base=base,
    remat=remat,
  )
  learner = method.phases[0].learner
  assert learner.search is not None
  key = jax.random.key(0)
  state = jax.jit(learner.init)(key, batch)
  plain = chain(augmenter(base), per_image(gumbel(space, 2)))
  return {
    "train": compiled(learner.train, key, state, batch, None),
    "search": compiled(learner.search, key, state, batch, batch),
    "augmentation": compiled(plain.augment, key, state.phi, batch),
  }


def compiled(function: Callable[..., Any], *args: Any) -> Move:
  """Ahead of time, for these arguments."""
  program = jax.jit(function).lower(*args).compile()
  sizes: Any = program.memory_analysis()
  memory = (
    sizes.temp_size_in_bytes
    + sizes.argument_size_in_bytes
    + sizes.output_size_in_bytes
    - sizes.alias_size_in_bytes
  )
  costs: Any = program.cost_analysis()
  return Move(lambda: jax.block_until_ready(program(*args)), costs.get("flops", 0.0), int(memory))


def overhead(times: Times, every: int) -> float:
  """What a run with searches costs, over one without, after the warm-up."""
  return 1 + times.search / (every * times.train)


def shares(times: Times, every: int) -> tuple[float, float, float]:
  """Of a round: hypergradient, augmentation, and the rest of training."""
  whole = every * times.train + times.search
  augmentation = every * times.augmentation
  return (
    times.search / whole,
    augmentation / whole,
    (every * times.train - augmentation) / whole,
  )


def report(
  made: dict[str, Move], seconds: dict[str, list[float]], every: tuple[int, ...] = (60, 30)
) -> str:
  """Markdown: a row for each interval s, and one for memory."""
  times = Times(*(float(np.median(seconds[name])) for name in Times._fields))
  ratios = np.asarray(seconds["search"]) / np.asarray(seconds["train"])
  low, middle, high = np.percentile(ratios, [25, 50, 75])
  flops = made["search"].flops / made["train"].flops
  lines = [
    f"a search takes {middle:.2f} ({low:.2f}-{high:.2f}) training moves, {flops:.2f} in flops; "
    f"a training move {times.train:.3f} s, its augmentation {1e3 * times.augmentation:.1f} ms",
    "",
    "| | ratio | to reach | paper | hypergradient | augmentation | training |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
  ]
  for s in every:
    cells = [f"{100 * share:.1f}%" for share in shares(times, s)]
    goal, paper = GOALS.get(s, ""), PAPER.get(s, "")
    lines.append(
      f"| s = {s} | {overhead(times, s):.2f}x | {goal} | {paper} | {' | '.join(cells)} |"
    )
  memory = max(made["search"].memory, made["train"].memory) / made["train"].memory
  lines.append(f"| memory | {memory:.2f}x | {MEMORY_GOAL} | {MEMORY_PAPER} | | | |")
  return "\n".join(lines)


def batch_of(count: int, size: int) -> Batch:
  random = np.random.default_rng(0)
  images = random.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
  labels = random.integers(0, 10, count).astype(np.int32)
  return Batch(
    jnp.asarray(images), jnp.asarray(labels), jnp.ones(count), jnp.arange(count, dtype=jnp.int32)
  )


def measure(made: dict[str, Move], rounds: int) -> dict[str, list[float]]:
  # On one thread the processor's own time is the time on a quiet machine.
  clock = time.process_time if jax.default_backend() == "cpu" else time.perf_counter
  return take_turns({name: move.call for name, move in made.items()}, rounds=rounds, clock=clock)


def define_flags() -> None:
  flags.DEFINE_string("network", "wrn-28-2-he", "Whose training it is, by its name.")
  flags.DEFINE_integer("batch", 128, "Images in a training and in a validation batch.")
  flags.DEFINE_integer("size", 32, "Pixels on a side.")
  flags.DEFINE_integer("rounds", 7, "Interleaved rounds.", lower_bound=1)
  flags.DEFINE_list("every", ["60", "30"], "Training steps between two searches.")
  flags.DEFINE_list("remat", ["true", "false"], "With and without recomputed forward passes.")
  flags.DEFINE_integer("core", None, "The core to stay on (else the last); negative: any.")


def main(argv: list[str]) -> None:
  del argv
  given = flags.FLAGS
  one_thread(given.core)
  batch = batch_of(given.batch, given.size)
  for choice in given.remat:
    model = network(given.network, classes=10, image_size=given.size)
    made = moves(model, batch, space=spaces.madao(), remat=choice == "true")
    logging.info("compiled, remat=%s", choice)
    seconds = measure(made, given.rounds)
    print(f"{given.network}, batch {given.batch}, remat={choice}", end=": ")
    print(report(made, seconds, tuple(map(int, given.every))), flush=True)


if __name__ == "__main__":
  define_flags()
  app.run(main)
