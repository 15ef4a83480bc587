"""What the engine's loop costs beside the training step that it runs, on one core.

  python -m experiments.benchmarks.loop --network=wrn-16-1 --batch=64

"plain step" is a jitted step on one batch that lies ready, normalised, on the device. "move" is the
compiled move of `autoaug_jax.train`: it draws indices, gathers bytes on the device, augments them,
makes them floats, normalises them, folds keys and makes metrics. "loop" is `train.fit` over the
same moves, which also fetches and averages the metrics; it starts from a state at hand and saves
nothing. Each row is the median over interleaved rounds and its share over the plain step of the
same round; seconds are of processor time, so that neighbours on the machine count less.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import app, flags, logging

from autoaug_jax import models, train
from autoaug_jax.app import named_policy, policy_names
from autoaug_jax.train import optim
from autoaug_jax.types import Array, Batch, Feed
from experiments.benchmarks.timing import one_thread, ratio, spread, take_turns

NETWORKS: dict[str, Callable[[], Any]] = {
  "wrn-16-1": lambda: models.wide_resnet(16, 1),
  "wrn-40-2": lambda: models.wide_resnet(40, 2),
  "small-cnn": lambda: models.small_cnn(),
}
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.201)


class Case(NamedTuple):
  """What is trained, on what."""

  network: str
  batch: int
  size: int = 32
  images: int = 20_000
  steps: int = 10
  log_every: int = 5
  policy: str = "trivial-augment-wide"


def resident(case: Case) -> Feed:
  """Random bytes on the device, in a random order."""
  rng = np.random.default_rng(0)
  shape = (case.images, case.size, case.size, 3)
  pixels = jnp.asarray(rng.integers(0, 256, shape, dtype=np.uint8))
  labels = jnp.asarray(rng.integers(0, 10, case.images, dtype=np.int32))
  order = rng.permutation(case.images).astype(np.int32)
  per_epoch = case.images // case.batch

  def draw(number: int) -> np.ndarray:
    place = number % per_epoch * case.batch
    return order[place : place + case.batch]

  def gather(held: tuple[Array, Array], index: Array) -> Batch:
    return Batch(held[0][index], held[1][index], jnp.ones(index.shape), index)

  return Feed((pixels, labels), draw, gather, per_epoch)


def plain_step(case: Case, feed: Feed) -> Callable[[], None]:
  """Written by hand: loss, gradient, Nesterov, with nothing around it."""
  model = NETWORKS[case.network]()
  optimizer = optax.chain(
    optax.add_decayed_weights(5e-4), optax.sgd(0.1, momentum=0.9, nesterov=True)
  )
  pixels, labels, *_ = feed.batch(feed.held, feed.draw(0))
  mean, std = (jnp.asarray(part).reshape(1, 1, 1, 3) for part in (MEAN, STD))
  images = (pixels.astype(jnp.float32) / 255 - mean) / std

  def loss(params: Any, stats: Any, images: Array, labels: Array) -> tuple[Array, Any]:
    variables = {"params": params, "batch_stats": stats}
    logits, updated = model.apply(variables, images, train=True, mutable=["batch_stats"])
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return jnp.mean(losses), updated["batch_stats"]

  def step(state: Any, images: Array, labels: Array) -> Any:
    params, stats, opt_state = state
    gradient, stats = jax.grad(loss, has_aux=True)(params, stats, images, labels)
    updates, opt_state = optimizer.update(gradient, opt_state, params)
    return optax.apply_updates(params, updates), stats, opt_state

  variables = jax.jit(lambda key: model.init(key, images[:1], train=False))(jax.random.key(0))
  state = (variables["params"], variables["batch_stats"], optimizer.init(variables["params"]))
  donating = jax.jit(step, donate_argnums=0)

  def steps() -> None:
    nonlocal state
    for _ in range(case.steps):
      state = jax.block_until_ready(donating(state, images, labels))

  return steps


def engine(case: Case, feed: Feed) -> train.Program:
  """The same training by the engine."""
  task = train.classification(NETWORKS[case.network](), normalise=(MEAN, STD))
  optimizer = optim.sgd(0.1, nesterov=True, weight_decay=5e-4)
  return train.program(
    train.learner(train.supervised(task, named_policy(case.policy, mean=MEAN)), optimizer), feed
  )


def rows(case: Case) -> dict[str, Callable[[], None]]:
  """The programs to time, each `case.steps` steps long."""
  feed = resident(case)
  program = engine(case, feed)
  state = program.init()
  numbers: Iterator[int] = iter(range(10**9))

  def moves() -> None:
    nonlocal state
    for _ in range(case.steps):
      here = train.Numbers(next(numbers), 0)
      state, metrics = program.moves["train"](state, here, 1)
      jax.block_until_ready((state, metrics))

  def loop() -> None:
    every = train.Every(log=case.log_every)
    train.fit(started, train.training(case.steps), every=every, progress=train.silent())

  start = jax.device_get(program.init())
  started = program._replace(init=lambda: program.place(start))
  return {"plain step": plain_step(case, feed), "move": moves, "loop": loop}


def define_flags() -> None:
  flags.DEFINE_enum("network", "wrn-16-1", list(NETWORKS), "Whose step is plain.")
  flags.DEFINE_enum("policy", "trivial-augment-wide", policy_names(), "How images are augmented.")
  flags.DEFINE_integer("batch", 64, "Images in a step.")
  flags.DEFINE_integer("size", 32, "Pixels on a side.")
  flags.DEFINE_integer("images", 20_000, "Images that lie on the device.")
  flags.DEFINE_integer("steps", 10, "Steps that a row makes in a turn.")
  flags.DEFINE_integer("log_every", 5, "Moves between two lines of metrics.")
  flags.DEFINE_integer("rounds", 7, "Rounds, in each of which every row takes a turn.")
  flags.DEFINE_integer("core", None, "The core to stay on (else the last); negative: any.")


def main(args: list[str]) -> None:
  del args
  given = flags.FLAGS
  logging.set_verbosity(logging.WARNING)
  one_thread(given.core)
  chosen: dict[str, Any] = {name: given[name].value for name in Case._fields}
  case = Case(**chosen)
  seconds = take_turns(rows(case), rounds=given.rounds, clock=time.process_time)
  print(f"{case.network}, batch {case.batch}, {case.size} x {case.size}, {case.policy}")
  print(f"{'row':12} {'ms a step':>9} {'(low - high)':>16}  over the plain step")
  for name, values in seconds.items():
    middle, low, high = (1e3 * value / case.steps for value in spread(values))
    share = ratio(values, seconds["plain step"])
    print(
      f"{name:12} {middle:9.1f} {f'({low:.1f} - {high:.1f})':>16}  "
      f"{share.middle - 1:+.1%} ({share.low - 1:+.1%} to {share.high - 1:+.1%})"
    )


if __name__ == "__main__":
  define_flags()
  app.run(main)
