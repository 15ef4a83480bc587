"""MADAO as a job: its options, what it needs of the data, and the method that comes of them."""

import re
from typing import NamedTuple

import optax

from autoaug_jax import hypergrad, methods
from autoaug_jax.app.checks import MOST, at_least, at_most, one_of, positive
from autoaug_jax.app.ground import Ground, Needs
from autoaug_jax.app.spaces import fitted
from autoaug_jax.ops import spaces
from autoaug_jax.policies import STARTS, Fixed, Start, fixed, randaugment_start
from autoaug_jax.train import optim

SOLVES = ("neumann", "conjugate_gradient", "first_order")
WARMUPS = ("policy", "none")


class Madao(NamedTuple):
  """MADAO's options. Times are sized for small images on a CPU; the paper's stand beside them.

  Its wide ResNets are those whose name ends in "-he", as wrn-28-2-he does.

  Attributes:
    val: the share of training images to validate on (paper: 0.1; ImageNet 0.01).
    valid_batch: images a validation batch; 0 is as many as a training batch has.
    epochs: passes over the training side (300 on CIFAR, 160 on SVHN, 180 on ImageNet).
    warmup: how many of them before the policy moves (30; 20 in 2020).
    every: training steps between two moves of the policy (60; 30 in 2020); 0 never moves it.
    rate: the network's highest learning rate.
    drops: after which epochs it is divided by 10, "80,120" for one; "" is a cosine.
    rate_warmup: in how many epochs it rises from 0.
    momentum: of the network's SGD.
    weight_decay: of the network.
    padding: before the policy, how much of its side an image is padded by and cropped back; 0 for
      no crop.
    ops: how many an image gets (2).
    start: where chances and magnitudes begin: "wacv" at 0.5, "arxiv" at 0.62; "randaugment-M" is
      RandAugment of magnitude M/30 as long as the policy does not move.
    centered: whether an op's selection has the gradient of what the op changes, and not the
      paper's, of its whole output.
    score: whether ops and chances are learned by their score, with hard coins in searches too;
      not the paper's, but it sees ops that are no small changes of an image. Not with groups=1.
    temperature: of the selection (0.05).
    coin_temperature: of the chances (0.1).
    groups: how many draws of ops a batch shares (32 in the released code); 0 is one an image.
    warmup_ops: "policy" has the initial policy in the warm-up, "none" no ops (2020).
    solve: "neumann", or Table 5's "conjugate_gradient" and "first_order".
    alpha: of the Neumann series, or the scale of the first-order gradient (0.001).
    terms: how many Hessian products a solve takes (5).
    damping: is added to the Hessian.
    running: whether validation images are normalised by running statistics, as in the released
      code, instead of by their own.
    policy_rate: RMSprop's learning rate (0.01).
    policy_decay: of RMSprop's mean square.
    residual: whether searches measure how well they solved, for one product more.
    remat: less memory for more time.
  """

  val: float = 0.1
  valid_batch: int = 0
  epochs: int = 60
  warmup: int = 10
  every: int = 2
  rate: float = 0.1
  drops: str = ""
  rate_warmup: int = 0
  momentum: float = 0.9
  weight_decay: float = 5e-4
  padding: float = 0.125
  ops: int = 2
  start: str = "wacv"
  centered: bool = False
  score: bool = False
  temperature: float = 0.05
  coin_temperature: float = 0.1
  groups: int = 0
  warmup_ops: str = "policy"
  solve: str = "neumann"
  alpha: float = 1e-3
  terms: int = 5
  damping: float = 0.0
  running: bool = False
  policy_rate: float = 0.02
  policy_decay: float = 0.99
  residual: bool = False
  remat: bool = True


def needs(options: Madao) -> Needs:
  """A tenth of the images, fixed for the whole run; ValueError for options that make no sense."""
  _check(options)
  return Needs(options.val, options.valid_batch)


def build(options: Madao, ground: Ground) -> methods.Method:
  """The method on these data."""
  space = ground.space
  if space is None:
    space = fitted(spaces.madao(), ground.shape[2], say=ground.say)
  return methods.madao(
    ground.task,
    space,
    optim.sgd(
      _rate(options, ground.epoch), momentum=options.momentum, weight_decay=options.weight_decay
    ),
    steps=options.epochs * ground.epoch,
    warmup=options.warmup * ground.epoch,
    every=options.every,
    base=_base(options, ground),
    crop=ground.crop,
    k=options.ops,
    start=_start(options),
    centered=options.centered,
    score=options.score,
    temperature=options.temperature,
    coin_temperature=options.coin_temperature,
    groups=options.groups,
    warmup_policy=options.warmup_ops == "policy",
    solve=_solve(options),
    damping=options.damping,
    running=options.running,
    phi_optimizer=optax.rmsprop(
      options.policy_rate, decay=options.policy_decay, eps=1e-8, eps_in_sqrt=False
    ),
    residual=options.residual,
    remat=options.remat,
    axis_name=ground.axis_name,
  )


def lasting(options: Madao, epochs: int, epoch: int) -> Madao:
  """The training of so many epochs, a sixth of them before the policy moves."""
  del epoch
  return options._replace(epochs=epochs, warmup=epochs // 6)


def _base(options: Madao, ground: Ground) -> Fixed:
  """Crop and flip; images that are cut out of larger ones need no crop."""
  padding = 0.0 if ground.crop else options.padding
  return fixed.standard(padding=padding, flip=ground.flip, fill="reflect")


def _rate(options: Madao, epoch: int) -> optax.Schedule:
  warmup = options.rate_warmup * epoch
  if not options.drops:
    return optim.cosine(options.rate, options.epochs * epoch, warmup=warmup)
  return optim.step_decay(options.rate, [drop * epoch for drop in _drops(options)], warmup=warmup)


def _drops(options: Madao) -> list[int]:
  try:
    return [int(part) for part in options.drops.split(",") if part]
  except ValueError:
    raise ValueError(
      f"drops takes epochs with commas between them, not {options.drops!r}"
    ) from None


def _start(options: Madao) -> Start:
  found = re.fullmatch(r"randaugment-(\d+)", options.start)
  if found:
    return randaugment_start(int(found[1]))
  if options.start not in STARTS:
    known = ", ".join(map(repr, STARTS))
    raise ValueError(f"start must be one of {known}, 'randaugment-M', not {options.start!r}")
  return STARTS[options.start]


def _solve(options: Madao) -> hypergrad.Iteration:
  if options.solve == "neumann":
    return hypergrad.neumann(options.alpha, options.terms)
  if options.solve == "conjugate_gradient":
    return hypergrad.conjugate_gradient(options.terms)
  return hypergrad.scaled_identity(options.alpha)


def _check(options: Madao) -> None:
  at_least(options, 1, ["epochs", "ops", "terms"])
  at_most(options, MOST, ["ops", "terms"])
  if not 0 <= options.warmup <= options.epochs:
    raise ValueError(f"warmup must be at most the {options.epochs} epochs, not {options.warmup}")
  one_of(options, "solve", SOLVES)
  one_of(options, "warmup_ops", WARMUPS)
  positive(options, ["rate", "policy_rate"])
  if options.score and options.groups == 1:
    raise ValueError("score compares a batch's draws: groups must be 0 or at least 2, not 1")
  _start(options)
  _drops(options)


SIZES = {
  "1m": Madao(epochs=20, warmup=4),
  "5m": Madao(),
  "20m": Madao(epochs=240, warmup=40),
  "paper": Madao(epochs=300, warmup=30, every=60, policy_rate=0.01),
}
