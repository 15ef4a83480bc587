"""What each estimator costs: flops, time and peak memory against a plain training step.

  python -m experiments.benchmarks.hypergradients --network=wrn-28-2 --rounds=7

Flops are XLA's own count of the compiled program, in forward passes of the same network; time and
memory are ratios to a plain training step compiled and run in the same process, the time a median
over interleaved rounds with its quartiles. phi is a gain and a bend of each colour, so that its own
cost is nothing beside the network's and its gradient passes through every image.
"""

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import app, flags, logging

from autoaug_jax.hypergrad import (
  finite_difference,
  hessian,
  implicit,
  joint,
  neumann,
  per_image_score,
  restrict,
  shared_score,
  unrolled,
)
from autoaug_jax.models import resnet, wide_resnet

_NETWORK = flags.DEFINE_enum("network", "wrn-28-2", ["wrn-28-2", "wrn-16-1", "resnet-18"], "")
_BATCH = flags.DEFINE_integer("batch", 64, "Images in a training and in a validation batch.")
_SIZE = flags.DEFINE_integer("size", 32, "Pixels on a side.")
_ROUNDS = flags.DEFINE_integer("rounds", 7, "Interleaved rounds over all rows.")
_ROWS = flags.DEFINE_list("rows", [], "Only rows whose names contain one of these.")


class Row(NamedTuple):
  """One line of the table: `step` takes (theta, phi, opt_state, batch, p)."""

  name: str
  step: Callable[..., Any]
  plain_steps: float = 1.0  # what the ratios are divided by: batches seen, or 1
  target: str = ""


def network() -> Any:
  builders = {
    "wrn-28-2": lambda: wide_resnet(28, 2),
    "wrn-16-1": lambda: wide_resnet(16, 1),
    "resnet-18": lambda: resnet(18),
  }
  return builders[_NETWORK.value]()


def problem(model: Any, stats: Any) -> Any:
  """(losses, inner, outer): per-image losses, and the two losses that an estimator takes."""

  def losses(theta: Any, images: Any, label: Any, train: bool = True) -> Any:
    variables = {"params": theta, "batch_stats": stats}
    logits, new = model.apply(variables, images, train=train, mutable=["batch_stats"])
    return optax.softmax_cross_entropy_with_integer_labels(logits, label), new

  def augmented(phi: Any, x: Any) -> Any:
    return x * phi["gain"].reshape(1, 1, 1, 3) + phi["bend"].reshape(1, 1, 1, 3) * x**2

  def inner(batch: Any, train: bool = True) -> Any:
    def loss(theta: Any, phi: Any) -> Any:
      each, new = losses(theta, augmented(phi, batch["x"]), batch["y"], train)
      return jnp.mean(each), jax.lax.stop_gradient(new)

    return loss

  def outer(batch: Any, train: bool = True) -> Any:
    return lambda theta, phi: jnp.mean(losses(theta, batch["x_val"], batch["y_val"], train)[0])

  return losses, inner, outer


def rows(model: Any, stats: Any, sgd: optax.GradientTransformation) -> Iterator[Row]:
  losses, inner, outer = problem(model, stats)

  def scalar(batch: Any, train: bool = True) -> Any:
    return lambda *at: inner(batch, train)(*at)[0]

  def forward(theta: Any, phi: Any, opt_state: Any, batch: Any, p: Any) -> Any:
    return inner(batch)(theta, phi)

  def plain(theta: Any, phi: Any, opt_state: Any, batch: Any, p: Any) -> Any:
    (loss, new), gradient = jax.value_and_grad(inner(batch), has_aux=True)(theta, phi)
    updates, opt_state = sgd.update(gradient, opt_state, theta)
    return optax.apply_updates(theta, updates), opt_state, loss, new

  def by(estimator: Any, train: bool = True) -> Any:
    def step(theta: Any, phi: Any, opt_state: Any, batch: Any, p: Any) -> Any:
      return estimator(scalar(batch, train), outer(batch, train), theta, phi, opt_state)

    return step

  def online(remat: bool) -> Any:
    def step(theta: Any, phi: Any, opt_state: Any, batch: Any, p: Any) -> Any:
      move = joint(sgd, has_aux=True, remat=remat)
      return move(inner(batch), outer(batch), theta, phi, opt_state)

    return step

  def shared(theta: Any, phi: Any, opt_state: Any, batch: Any, p: Any) -> Any:
    def drawn(theta: Any, phi: Any, d: int) -> Any:
      each, new = losses(theta, jnp.roll(batch["x"], d, axis=1), batch["y"])
      return jnp.mean(each), (jax.nn.log_softmax(phi["gain"])[d % 3], new)

    move = shared_score(sgd, draws=8, clip=5.0, outer_clip=5.0, has_aux=True)
    return move(drawn, outer(batch), theta, phi, opt_state)

  def per_image(theta: Any, phi: Any, opt_state: Any, batch: Any, p: Any) -> Any:
    def drawn(theta: Any, phi: Any) -> Any:
      each, new = losses(theta, batch["x"], batch["y"])
      return (each, jax.nn.log_softmax(phi["gain"])[batch["y"] % 3]), new

    return per_image_score(sgd, has_aux=True)(drawn, outer(batch), theta, phi, opt_state)

  def product(theta: Any, phi: Any, opt_state: Any, batch: Any, p: Any) -> Any:
    return hessian(scalar(batch), theta, phi, p)

  yield Row("forward", forward)
  yield Row("plain step", plain)
  yield Row("unroll + step", online(remat=False), 1, "3.5x, memory 3.3x")
  yield Row("unroll + step, remat", online(remat=True), 1, "memory 1.8x")
  yield Row("jax.grad through the step", by(unrolled(sgd, form="grad")))
  yield Row("finite difference", by(finite_difference(sgd)))
  yield Row("8 shared draws, per batch", shared, 9, "1.05x, memory 1.4x")
  yield Row("per-image draws, per batch", per_image, 2, "1.5x")
  yield Row("one HVP", product, 1, "2.4x")
  yield Row("Neumann 5", by(implicit(neumann())), 1, "13x")
  yield Row("Neumann 5, remat", by(implicit(neumann(), remat=True)), 1, "memory 2.3x")
  autodo = restrict(implicit(neumann(0.01, 5, scale=1.0)), "head", "kernel")
  yield Row("last-layer Neumann 5", by(autodo, train=False), 1, "1.15x")


def state_and_batch(model: Any, sgd: Any) -> tuple[Any, Any]:
  keys = jax.random.split(jax.random.key(0), 6)
  shape = (_BATCH.value, _SIZE.value, _SIZE.value, 3)
  batch = {
    "x": jax.random.normal(keys[0], shape),
    "y": jax.random.randint(keys[1], shape[:1], 0, 10),
    "x_val": jax.random.normal(keys[2], shape),
    "y_val": jax.random.randint(keys[3], shape[:1], 0, 10),
  }
  variables = jax.jit(functools.partial(model.init, train=False))(keys[4], batch["x"][:1])
  theta = variables["params"]
  phi = {"gain": jnp.ones(3), "bend": jnp.zeros(3)}
  p = jax.tree.map(lambda t: jax.random.normal(keys[5], t.shape), theta)
  return variables["batch_stats"], (theta, phi, sgd.init(theta), batch, p)


def main(argv: list[str]) -> None:
  del argv
  model, sgd = network(), optax.sgd(0.1, momentum=0.9)
  stats, args = state_and_batch(model, sgd)
  wanted = [
    row
    for row in rows(model, stats, sgd)
    if row.name in ("forward", "plain step")
    or not _ROWS.value
    or any(part in row.name for part in _ROWS.value)
  ]
  compiled: list[Any] = []
  for row in wanted:
    compiled.append(jax.jit(row.step).lower(*args).compile())
    logging.info("compiled %s", row.name)
  flops = [c.cost_analysis()["flops"] for c in compiled]
  memory = [c.memory_analysis().temp_size_in_bytes for c in compiled]
  seconds = np.empty((_ROUNDS.value, len(compiled)))
  for c in compiled:
    jax.block_until_ready(c(*args))
  for i in range(_ROUNDS.value):
    for j, c in enumerate(compiled):
      start = time.perf_counter()
      jax.block_until_ready(c(*args))
      seconds[i, j] = time.perf_counter() - start

  plain = f"{np.median(seconds[:, 1]):.3f} s, {memory[1] / 2**20:.0f} MiB of temporaries"
  print(f"{_NETWORK.value}, batch {_BATCH.value}: a plain step takes {plain}")
  print("| estimator | forward passes | / plain | time | quartiles | memory | to reach |")
  print("| --- | --- | --- | --- | --- | --- | --- |")
  for j, row in enumerate(wanted):
    ratios = seconds[:, j] / seconds[:, 1] / row.plain_steps
    low, middle, high = np.percentile(ratios, [25, 50, 75])
    print(
      f"| {row.name} | {flops[j] / flops[0]:.2f} | {flops[j] / flops[1] / row.plain_steps:.2f}x "
      f"| {middle:.2f}x | {low:.2f}-{high:.2f} | {memory[j] / memory[1]:.2f}x | {row.target} |"
    )


if __name__ == "__main__":
  app.run(main)
