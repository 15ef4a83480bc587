"""SLACK as a job: its options, what it needs of the data, and the method that comes of them."""

from typing import NamedTuple

from autoaug_jax import methods
from autoaug_jax.app.checks import MOST, at_least, at_most, one_of
from autoaug_jax.app.ground import Ground, Needs
from autoaug_jax.app.own import are_classes
from autoaug_jax.app.spaces import fitted, slack_space

DRAWS = ("shared", "per_image")
LEARN = ("both", "ops", "bounds")
COUNTS = (
  "pretrain_epochs",
  "rounds",
  "retrain_steps",
  "search_steps",
  "ops",
  "composites",
  "models",
)


class Slack(NamedTuple):
  """SLACK's options. Times are sized for small images on a CPU; the paper's stand beside them.

  Attributes:
    val: the share of training images to validate on.
    pretrain_epochs: passes over the training side under the uniform policy (paper: 200).
    rounds: each begins with the pre-trained network (10).
    retrain_steps: training steps of a round before the policy moves (1000).
    search_steps: steps of a round that move the policy (400).
    pretrain_rate: the learning rate of the pre-training.
    rate: that of the rounds, which also scales the policy's gradient (0.4 on CIFAR-10, else 0.1).
    weight_decay: of the network.
    ops: how many an image gets.
    bound: where magnitude bounds start.
    draws: "shared", composites that each augment the whole batch, or "per_image", one an image.
    composites: how many of the former a step takes.
    policy_rate: the learning rate of the logits (1).
    bound_rate: that of the bounds; 0 is a fortieth of the former.
    kl: the weight of the divergence from the policy at the round's start; 0 leaves it out.
    warm_start: whether a round goes on with the last round's network.
    learn: "both", "ops" alone, or "bounds" alone.
    one_sided: the released code's density of magnitudes.
    shared_noise: the released code's noise on magnitudes.
    models: networks that search one policy together, each on its part of the batch (paper: 4, with
      a policy_rate of 4, a kl of 0.005 and a bound_rate of a sixtieth).
    still: the search ends with a round that moves no slot's probabilities, in total variation, and
      no bound by more than this; 0 plays all rounds, as the paper does.
    per_class: a policy for each class, chosen by an image's label, with draws of "per_image".
  """

  val: float = 0.5
  pretrain_epochs: int = 20
  rounds: int = 10
  retrain_steps: int = 40
  search_steps: int = 80
  pretrain_rate: float = 0.1
  rate: float = 0.1
  weight_decay: float = 5e-4
  ops: int = 3
  bound: float = 0.75
  draws: str = "shared"
  composites: int = 8
  policy_rate: float = 1.0
  bound_rate: float = 0.0
  kl: float = 0.02
  warm_start: bool = False
  learn: str = "both"
  one_sided: bool = False
  shared_noise: bool = False
  models: int = 1
  still: float = 0.0
  per_class: bool = False


def needs(options: Slack) -> Needs:
  """Half of the images, fixed for the whole search; ValueError for options that make no sense."""
  _check(options)
  return Needs(options.val, models=options.models)


def build(options: Slack, ground: Ground) -> methods.Method:
  """The method on these data."""
  if options.per_class and not are_classes(ground.labels):
    raise ValueError("per_class goes by the classes of images, and these labels are none")
  space = ground.space
  if space is None:
    space = fitted(slack_space(ground.shape, ground.mean), ground.shape[2], say=ground.say)
  still = options.learn == "bounds"
  bound_rate = options.bound_rate or options.policy_rate / 40
  return methods.slack(
    ground.task,
    space,
    times=methods.Times(
      pretrain=options.pretrain_epochs * ground.epoch,
      rounds=options.rounds,
      retrain=options.retrain_steps,
      search=options.search_steps,
    ),
    inside=methods.Inside(
      pretrain_rate=options.pretrain_rate, rate=options.rate, weight_decay=options.weight_decay
    ),
    k=options.ops,
    bound=options.bound,
    flip=ground.flip,
    draws=options.composites,
    each_image=options.draws == "per_image",
    rate=0.0 if still else options.policy_rate,
    bound_rate=0.0 if options.learn == "ops" else bound_rate,
    kl=options.kl,
    cold=not options.warm_start,
    one_sided=options.one_sided,
    shared_noise=options.shared_noise,
    models=options.models,
    still=options.still,
    classes=ground.classes if options.per_class else (),
    crop=ground.crop,
    axis_name=ground.axis_name,
  )


def lasting(options: Slack, epochs: int, epoch: int) -> Slack:
  """The search that costs about `epochs` passes of `epoch` steps each, the policy's own included.

  A third is pre-training. The rest are up to 10 rounds, a third of whose steps move the network
  alone; a step that moves the policy too counts for two.
  """
  pretrain = max(1, epochs // 3)
  steps = max(12, (epochs - pretrain) * epoch)
  rounds = min(10, max(2, steps // 150))
  return options._replace(
    pretrain_epochs=pretrain,
    rounds=rounds,
    retrain_steps=max(1, steps // (5 * rounds)),
    search_steps=max(1, 2 * steps // (5 * rounds)),
  )


def _check(options: Slack) -> None:
  if options.per_class and options.draws != "per_image":
    raise ValueError(
      f"per_class takes draws of 'per_image', not {options.draws!r}: a draw that a batch shares is "
      "of no class"
    )
  at_least(options, 0, ["still"])
  at_least(options, 1, COUNTS)
  at_most(options, MOST, ["ops", "composites", "models"])
  one_of(options, "draws", DRAWS)
  one_of(options, "learn", LEARN)


SIZES = {
  "1m": Slack(pretrain_epochs=5, rounds=3, retrain_steps=10, search_steps=50, composites=4),
  "5m": Slack(),
  "20m": Slack(pretrain_epochs=40, retrain_steps=150, search_steps=200),
  "paper": Slack(pretrain_epochs=200, retrain_steps=1000, search_steps=400),
}
