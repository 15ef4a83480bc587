"""What each estimator costs: flops, time and peak memory against a plain training step.

  python -m experiments.benchmarks.hypergradients --network=wrn-28-2 --rounds=7

Flops are XLA's own count of the compiled programs, in forward passes of the same network; time and
memory are ratios to a plain training step compiled and run in the same process on one core, the
time a median over interleaved rounds with its quartiles, each call after an untimed one. On a CPU
it is processor time, so that neighbours on the machine count less. Memory is the temporaries of the
largest program, and what is kept between the programs where there are several. phi is a gain and a
bend of each colour, so that its own cost is nothing beside the network's and its gradient passes
through every image. "papers" is what the published implementations take for the same work on one
core.
"""

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import app, flags, logging
from jax.tree_util import Partial

from autoaug_jax.hypergrad import (
  finite_difference,
  hessian,
  implicit,
  joint,
  neumann,
  per_image_score,
  restrict,
  shared_score,
  stepwise,
  unrolled,
)
from autoaug_jax.models import resnet, wide_resnet
from experiments.benchmarks.timing import one_thread, take_turns

ALWAYS = ("forward", "plain step")
Jit: TypeAlias = Callable[..., Callable[..., Any]]


class Row(NamedTuple):
  """One line of the table: what `build` makes takes (theta, phi, opt_state, batch, p)."""

  name: str
  build: Callable[[Jit], Callable[..., Any]]
  plain_steps: float = 1.0  # what the ratios are divided by: batches seen, or 1
  papers: str = ""
  target: str = ""


class Cost(NamedTuple):
  """What one call costs; the ratios to a plain step are the table's business."""

  flops: float
  memory: int  # bytes
  seconds: list[float]


class Meter(NamedTuple):
  """Compiles ahead of time and notes every program that is run."""

  runs: list[Any]

  def jit(self, f: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    compiled: list[Any] = []

    def run(*args: Any) -> Any:
      if not compiled:
        compiled.append(jax.jit(f, **options).lower(*args).compile())
      self.runs.append(compiled[0])
      return compiled[0](*args)

    return run

  def flops(self) -> float:
    return sum(run.cost_analysis().get("flops", 0.0) for run in self.runs)

  def memory(self) -> int:
    sizes = [run.memory_analysis() for run in self.runs]
    # What is donated is what is kept between programs; arguments and results are not counted.
    kept = max(size.alias_size_in_bytes for size in sizes)
    return max(size.temp_size_in_bytes for size in sizes) + kept


NETWORKS: dict[str, Callable[[], Any]] = {
  "wrn-28-2": lambda: wide_resnet(28, 2),
  "wrn-16-1": lambda: wide_resnet(16, 1),
  "resnet-18": lambda: resnet(18),
}


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

  madao = neumann(1e-3, 5)

  def by_steps(jit: Jit) -> Any:
    estimator = stepwise(madao, jit=jit)

    def step(theta: Any, phi: Any, opt_state: Any, batch: Any, p: Any) -> Any:
      losses = Partial(training, batch), Partial(validation, batch)
      return estimator(*losses, theta, phi, opt_state)

    return step

  def training(batch: Any, theta: Any, phi: Any) -> Any:
    return scalar(batch)(theta, phi)

  def validation(batch: Any, theta: Any, phi: Any) -> Any:
    return outer(batch)(theta, phi)

  def row(name: str, step: Any, plain_steps: float = 1, papers: str = "", target: str = "") -> Row:
    return Row(name, lambda jit: jit(step), plain_steps, papers, target)

  autodo = restrict(implicit(neumann(0.01, 5, scale=1.0)), "head", "kernel")
  yield row("forward", forward)
  yield row("plain step", plain)
  yield row("unroll + step", online(remat=False), 1, "5.2x, 1.8x", "3.5x, memory 3.3x")
  yield row("unroll + step, remat", online(remat=True), target="memory 1.8x")
  yield row("one-step unroll, jax.grad", by(unrolled(sgd, form="grad")))
  yield row("one-step unroll, finite difference", by(finite_difference(sgd)))
  yield row("8 shared draws, per batch", shared, 9, "0.99x, 1.4x", "1.05x, memory 1.4x")
  yield row("per-image draws, per batch", per_image, 2, "-", "1.5x")
  yield row("one HVP", product, 1, "2.9x", "2.4x")
  yield row("Neumann 5", by(implicit(madao)), 1, "19x, 2.3x", "13x")
  yield row("Neumann 5, remat", by(implicit(madao, remat=True)), target="memory 2.3x")
  yield Row("Neumann 5, stepwise", by_steps, target="memory 2.3x")
  yield row("last-layer Neumann 5", by(autodo, train=False), 1, "1.48x, 1.2x", "1.15x")


def state_and_batch(model: Any, sgd: Any, *, batch_size: int, size: int) -> tuple[Any, Any]:
  keys = jax.random.split(jax.random.key(0), 6)
  shape = (batch_size, size, size, 3)
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


def measure(wanted: list[Row], args: Any, rounds: int) -> list[Cost]:
  calls, costs = [], []
  for row in wanted:
    meter = Meter([])
    calls.append(row.build(meter.jit))
    jax.block_until_ready(calls[-1](*args))
    costs.append(Cost(meter.flops(), meter.memory(), []))
    logging.info("compiled %s", row.name)
  # On one thread the processor's own time is the time on a quiet machine.
  clock = time.process_time if jax.default_backend() == "cpu" else time.perf_counter
  turns = {
    row.name: lambda call=call: jax.block_until_ready(call(*args))
    for row, call in zip(wanted, calls, strict=True)
  }
  seconds = take_turns(turns, rounds=rounds, clock=clock)
  return [cost._replace(seconds=seconds[row.name]) for row, cost in zip(wanted, costs, strict=True)]


def table(wanted: list[Row], costs: list[Cost]) -> str:
  """Markdown. The first two rows are the forward pass and the plain step."""
  forward, plain = costs[:2]
  lines = [
    "| estimator | forward passes | / plain | time | quartiles | memory | papers | to reach |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
  ]
  for row, cost in zip(wanted, costs, strict=True):
    ratios = np.array(cost.seconds) / np.array(plain.seconds) / row.plain_steps
    low, middle, high = np.percentile(ratios, [25, 50, 75])
    cells = [
      row.name,
      f"{cost.flops / forward.flops:.2f}",
      f"{cost.flops / plain.flops / row.plain_steps:.2f}x",
      f"{middle:.2f}x",
      f"{low:.2f}-{high:.2f}",
      f"{cost.memory / plain.memory:.2f}x",
      row.papers,
      row.target,
    ]
    lines.append(f"| {' | '.join(cells)} |")
  return "\n".join(lines)


def define_flags() -> None:
  flags.DEFINE_enum("network", "wrn-28-2", list(NETWORKS), "Whose training step is the plain one.")
  flags.DEFINE_integer("batch", 64, "Images in a training and in a validation batch.")
  flags.DEFINE_integer("size", 32, "Pixels on a side.")
  flags.DEFINE_integer("rounds", 7, "Interleaved rounds over all rows.", lower_bound=1)
  flags.DEFINE_list("rows", [], "Only rows whose names contain one of these.")
  flags.DEFINE_integer("core", None, "The core to stay on (else the last); negative: any.")


def main(argv: list[str]) -> None:
  del argv
  given = flags.FLAGS
  one_thread(given.core)
  model, sgd = NETWORKS[given.network](), optax.sgd(0.1, momentum=0.9)
  stats, args = state_and_batch(model, sgd, batch_size=given.batch, size=given.size)
  parts = given.rows or [""]
  wanted = [
    row
    for row in rows(model, stats, sgd)
    if row.name in ALWAYS or any(part in row.name for part in parts)
  ]
  costs = measure(wanted, args, given.rounds)
  seconds, memory = np.median(costs[1].seconds), costs[1].memory / 2**20
  print(f"{given.network}, batch {given.batch}: a plain step takes {seconds:.3f} s", end=", ")
  print(f"{memory:.0f} MiB of temporaries")
  print(table(wanted, costs))


if __name__ == "__main__":
  define_flags()
  app.run(main)
