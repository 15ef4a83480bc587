"""Online bilevel as a job: its options, what it needs of the data, and the method they make."""

from collections.abc import Mapping
from typing import NamedTuple

import optax

from autoaug_jax import methods
from autoaug_jax.app.bilevel_parts import learned_space, set_beforehand
from autoaug_jax.app.checks import MOST, at_least, at_most, one_of, positive
from autoaug_jax.app.ground import Ground, Needs
from autoaug_jax.policies import (
  Form,
  join,
  large_layers,
  medium_layers,
  no_layers,
  small_layers,
  uniform_magnitudes,
)
from autoaug_jax.train import optim

LEARNED = ("none", "translation", "affine", "color", "affine-color")
PREDEFINED = ("", "crop", "affine")
SQUASHES = ("none", "tanh")
LAYERS = {"none": no_layers, "small": small_layers, "medium": medium_layers, "large": large_layers}
DROPS = (0.3, 0.6, 0.8)  # of the 201 epochs on CIFAR: at 60, 120 and 160


class OnlineBilevel(NamedTuple):
  """Online bilevel's options. Times are sized for small images on a CPU, and so are the augmenter's

  rate, decay, warm-up and symmetry: a few hundred steps must do. `SIZES["paper"]` has the paper's.

  Attributes:
    val: the share of training images to validate on.
    valid_batch: images a validation batch; 0 is as many as a training batch has.
    resplit: whether the two sides are drawn anew each epoch (the paper), or stay.
    epochs: passes over the training side (201 on CIFAR, 40 on BACH, 90 on ImageNet).
    rate: the network's learning rate.
    drop: what it is multiplied by at 0.3, 0.6 and 0.8 of the epochs (0.2); 1 keeps it.
    weight_decay: of the network.
    learned: "translation", "affine", "color" or "affine-color"; "none" is a comparison in which
      only the network learns.
    magnitude: nothing is learned, but these transformations drawn uniformly up to this magnitude
      (the validated magnitude of Table 1); 0 is to learn.
    predefined: what else comes before: "crop", by up to 4 of 32 pixels, or "affine", the same with
      rotations of +-10 degrees and scales of 0.5 to 2; "" is nothing.
    augmenter: "small", "medium" or "large", the sizes of Table 2; "none" is no network, but a
      spread for each transformation.
    spread: the deviation of all magnitudes at the start; 0 is the released start.
    squash: "none" or "tanh", of magnitudes.
    symmetric: whether either direction is as likely, which keeps means at 0; not in the paper.
    dropout: of the augmenter's hidden units (released code: 0.2).
    released_color: whether contrast is added and hue multiplied, as in the released code.
    jitter: the reach of a colour jitter that comes before (0.4 in Table 4); 0 is none.
    vertical: whether the flip is upside down (BACH).
    warmup: the share of the epochs before the augmenter first moves (0): one step ahead, a network
      that fits nothing yet does best on images as they are.
    every: training steps for each that moves the augmenter too (J).
    unroll: steps it looks ahead (K).
    augmenter_rate: the learning rate of the augmenter (0.2 on CIFAR and BACH, 0.1 on ImageNet).
    augmenter_cosine: whether that rate falls to 0, so that spreads come to rest.
    augmenter_momentum: of its SGD.
    augmenter_decay: its weight decay (0.01, and 0.1 on ImageNet).
    augmenter_clip: the largest norm of its gradient, against rare steps that leave nothing of an
      image; 0 is any (the paper).
    same_length: whether a step ahead counts as equally long whatever the augmentation; the paper's
      is longer on harder images, which rewards whatever makes them harder.
    on_training: the control: it follows the training loss.
  """

  val: float = 0.2
  valid_batch: int = 0
  resplit: bool = True
  epochs: int = 60
  rate: float = 0.1
  drop: float = 0.2
  weight_decay: float = 5e-4
  learned: str = "affine-color"
  magnitude: float = 0.0
  predefined: str = ""
  augmenter: str = "small"
  spread: float = 0.05
  squash: str = "none"
  symmetric: bool = True
  dropout: float = 0.0
  released_color: bool = False
  jitter: float = 0.0
  vertical: bool = False
  warmup: float = 0.1
  every: int = 1
  unroll: int = 1
  augmenter_rate: float = 0.05
  augmenter_cosine: bool = True
  augmenter_momentum: float = 0.9
  augmenter_decay: float = 0.001
  augmenter_clip: float = 0.0
  same_length: bool = True
  on_training: bool = False


def needs(options: OnlineBilevel) -> Needs:
  """A fifth of the images, another one each epoch; ValueError for options that make no sense."""
  _check(options)
  return Needs(options.val, options.valid_batch, resplit=options.resplit)


def build(options: OnlineBilevel, ground: Ground) -> methods.Method:
  """The method on these data."""
  steps = options.epochs * ground.epoch
  optimizer = classifier_optimizer(options, ground.epoch)
  first = set_beforehand(
    ground, predefined=options.predefined, vertical=options.vertical, jitter=options.jitter
  )
  space = learned_space(options.learned, ground, released=options.released_color)
  summed = ground.space is None and options.learned != "translation"
  if options.learned == "none" or options.magnitude:
    policy = first
    if options.magnitude:
      policy = join(first, uniform_magnitudes(space, options.magnitude, summed=summed))
    return methods.set_augmentation(
      ground.task, policy, steps=steps, optimizer=optimizer, axis_name=ground.axis_name
    )
  return methods.online_bilevel(
    ground.task,
    space,
    optimizer,
    steps=steps,
    warmup=_warmup(options) * ground.epoch,
    every=options.every,
    unroll=options.unroll,
    layers=LAYERS[options.augmenter],
    spread=options.spread or None,
    form=Form(
      squash=options.squash,
      dropout=options.dropout,
      summed=summed,
      symmetric=options.symmetric,
    ),
    before=first,
    rate=_augmenter_rate(options, ground.epoch),
    momentum=options.augmenter_momentum,
    weight_decay=options.augmenter_decay,
    clip=options.augmenter_clip or None,
    same_length=options.same_length,
    on_training=options.on_training,
    axis_name=ground.axis_name,
  )


def classifier_optimizer(options: OnlineBilevel, epoch: int) -> optax.GradientTransformation:
  """SGD whose rate falls three times, for epochs of `epoch` steps."""
  drops = sorted({round(share * options.epochs) * epoch for share in DROPS} - {0})
  rate = optim.step_decay(options.rate, drops, factor=options.drop)
  return optim.sgd(rate, weight_decay=options.weight_decay)


def _augmenter_rate(options: OnlineBilevel, epoch: int) -> float | optax.Schedule:
  if not options.augmenter_cosine:
    return options.augmenter_rate
  moves = (options.epochs - _warmup(options)) * epoch // options.every
  return optim.cosine(options.augmenter_rate, max(moves, 1))


def _warmup(options: OnlineBilevel) -> int:
  return round(options.warmup * options.epochs)


def lasting(options: OnlineBilevel, epochs: int, epoch: int) -> OnlineBilevel:
  """The training of so many epochs."""
  del epoch
  return options._replace(epochs=epochs)


def _check(options: OnlineBilevel) -> None:
  at_least(options, 0, ["magnitude", "spread", "jitter", "augmenter_clip"])
  at_least(options, 1, ["epochs", "every", "unroll"])
  positive(options, ["augmenter_rate"])
  at_most(options, MOST, ["unroll"])
  if not 0 < options.drop <= 1:
    raise ValueError(f"drop must be above 0 and at most 1, not {options.drop}")
  if not 0 <= options.warmup < 1:
    raise ValueError(f"warmup must be at least 0 and below 1, not {options.warmup}")
  one_of(options, "learned", LEARNED)
  one_of(options, "augmenter", tuple(LAYERS))
  if options.augmenter == "none" and not options.spread:
    raise ValueError("augmenter='none' has no released start: spread must be above 0")
  one_of(options, "predefined", PREDEFINED)
  one_of(options, "squash", SQUASHES)


SIZES: Mapping[str, OnlineBilevel] = {
  "1m": OnlineBilevel(epochs=20),
  "5m": OnlineBilevel(),
  "20m": OnlineBilevel(epochs=200),
  "paper": OnlineBilevel(
    epochs=201,
    symmetric=False,
    warmup=0.0,
    augmenter_rate=0.2,
    augmenter_cosine=False,
    augmenter_decay=0.01,
    same_length=False,
  ),
}
