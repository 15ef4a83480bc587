"""One training step of WRN-40-2 in float32 on one core: ours against PyTorch's, where installed.

  python -m experiments.benchmarks.train_step --batch=32 --batch=128

Seconds are of processor time: on one thread that is the time on a quiet machine, and what other
programs do does not count. PyTorch runs in channels-last memory, its faster layout here.
"""

import functools
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import app, flags, logging

from autoaug_jax.models import wide_resnet
from experiments.benchmarks.timing import one_thread, ratio, spread, take_turns


def ours(images: np.ndarray, labels: np.ndarray) -> dict[str, Callable[[], Any]]:
  """A step, and apart from it a forward pass, a gradient and a Hessian-vector product."""
  model, optimizer = wide_resnet(40, 2), optax.sgd(0.01, momentum=0.9)
  x, y = jnp.asarray(images), jnp.asarray(labels)

  def loss(params: Any, stats: Any) -> tuple[jax.Array, Any]:
    variables = {"params": params, "batch_stats": stats}
    logits, updated = model.apply(variables, x, train=True, mutable=["batch_stats"])
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, y)
    return jnp.mean(losses), updated["batch_stats"]

  def step(state: Any) -> Any:
    params, stats, opt_state = state
    grads, stats = jax.grad(loss, has_aux=True)(params, stats)
    updates, opt_state = optimizer.update(grads, opt_state, params)
    return optax.apply_updates(params, updates), stats, opt_state

  def gradient(params: Any, stats: Any) -> Any:
    return jax.grad(loss, has_aux=True)(params, stats)[0]

  def product(params: Any, stats: Any) -> Any:
    return jax.jvp(lambda p: gradient(p, stats), (params,), (params,))[1]

  # Unoptimised code for what runs once halves the compilation.
  quick = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
  init = jax.jit(lambda key: model.init(key, x[:1], train=False), compiler_options=quick)
  variables = init(jax.random.key(0))
  fixed = (variables["params"], variables["batch_stats"])
  state = (*jax.tree.map(jnp.copy, fixed), optimizer.init(fixed[0]))
  donating = jax.jit(step, donate_argnums=0)

  def train() -> None:
    nonlocal state
    state = jax.block_until_ready(donating(state))

  def finished(function: Callable[..., Any]) -> Any:
    return jax.block_until_ready(function(*fixed))

  calls: dict[str, Callable[[], Any]] = {"ours: step": train}
  for name, function in (("forward", loss), ("gradient", gradient), ("HVP", product)):
    calls[f"ours: {name}"] = functools.partial(finished, jax.jit(function))
  return calls


def theirs(images: np.ndarray, labels: np.ndarray) -> dict[str, Callable[[], Any]]:
  """The same step in PyTorch; nothing where it is not installed."""
  try:
    import torch
  except ImportError:
    return {}
  from torch import nn

  class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int):
      super().__init__()
      norm0, conv0 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
      norm1, conv1 = nn.BatchNorm2d(outputs), nn.Conv2d(outputs, outputs, 3, stride, padding=1)
      self.main = nn.Sequential(norm0, nn.ReLU(), conv0, norm1, nn.ReLU(), conv1)
      same = inputs == outputs
      self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: Any) -> Any:
      return self.main(x) + self.shortcut(x)

  torch.set_num_threads(1)
  layers: list[Any] = [nn.Conv2d(3, 16, 3, padding=1)]
  channels = 16
  for width in (32, 64, 128):
    for block in range(6):
      layers.append(Block(channels, width, 2 if width > 32 and block == 0 else 1))
      channels = width
  layers += [nn.BatchNorm2d(128), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
  net = nn.Sequential(*layers, nn.Linear(128, 10)).to(memory_format=torch.channels_last)
  optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9)
  # A transposed view of [B, H, W, C] is what channels-last means.
  x, y = torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(labels).long()

  def train() -> None:
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(x), y).backward()
    optimizer.step()

  return {"torch: step": train}


def define_flags() -> None:
  flags.DEFINE_multi_integer("batch", [32, 128], "Images in a step.")
  flags.DEFINE_integer("rounds", 7, "Rounds, in each of which every program takes a turn.")
  flags.DEFINE_integer("core", None, "The core to stay on (else the last); negative: any.")


def main(_: list[str]) -> None:
  given = flags.FLAGS
  logging.set_verbosity(logging.WARNING)
  one_thread(given.core)
  rng = np.random.default_rng(0)
  print(f"{'batch':>5}  {'program':16} {'ms':>7} {'(low - high)':>16}  over our step")
  for batch in given.batch:
    images = rng.normal(size=(batch, 32, 32, 3)).astype(np.float32)
    labels = rng.integers(0, 10, batch).astype(np.int32)
    seconds = take_turns(
      ours(images, labels) | theirs(images, labels), rounds=given.rounds, clock=time.process_time
    )
    for name, values in seconds.items():
      middle, low, high = (1e3 * value for value in spread(values))
      over = ratio(values, seconds["ours: step"]).middle
      print(f"{batch:5}  {name:16} {middle:7.0f} {f'({low:.0f} - {high:.0f})':>16}  {over:.2f}")


if __name__ == "__main__":
  define_flags()
  app.run(main)
