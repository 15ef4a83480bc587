"""AutoDO as a job: its options, what it needs of the data, and the method that comes of them."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax import methods
from autoaug_jax.app.checks import MOST, at_least, at_most, positive
from autoaug_jax.app.ground import Ground, Needs
from autoaug_jax.app.networks import LARGE
from autoaug_jax.app.own import are_classes
from autoaug_jax.app.spaces import tell_left_out
from autoaug_jax.policies import (
  Fixed,
  autodo_base,
  gaussian_chances,
  gaussian_deviations,
  in_channels,
)
from autoaug_jax.train import optim


class Autodo(NamedTuple):
  """AutoDO's options. Times are sized for small images on a CPU; the paper's stand beside them.

  Its networks have CELU: a model's name ends in "-celu", as in wrn-28-10-celu.

  Attributes:
    val: the share of training images to validate on, with labels that can be trusted.
    epochs: passes over the training side (paper: 200).
    begin: after how many of them the search begins, before wrong labels are learned by heart (50;
      100 on ImageNet).
    rate: the learning rate of the network (0.1; 0.005 on SVHN).
    weight_decay: of the network.
    images: whether each example's augmentation is learned.
    weights: whether each example's loss weight is.
    labels: whether each example's label distribution is.
    shared: whether all examples share one augmentation.
    policy_rate: the learning rate of what is learned (0.05; 0.01 on ImageNet).
    warmup: epochs in which learning rates rise.
    smoothing: how smooth label distributions start.
    ops: of RandAugment that an image gets besides (1 on CIFAR, 3 on SVHN, 2 on ImageNet).
    magnitude: the greatest of theirs, of 30 (15; 7; 9).
    erase: whether boxes are erased, as on all but large images.
    lazy: whether an example's running square decays at its own steps alone.
    alpha: the step of the Neumann series.
    terms: how many it has.
    released: the numbers and the order of passes of the released code; smoothing is then 0.05.
  """

  val: float = 0.2
  epochs: int = 40
  begin: int = 10
  rate: float = 0.1
  weight_decay: float = 1e-4
  images: bool = True
  weights: bool = True
  labels: bool = True
  shared: bool = False
  policy_rate: float = 0.05
  warmup: int = 5
  smoothing: float = 0.1
  ops: int = 0
  magnitude: float = 15.0
  erase: bool = False
  lazy: bool = False
  alpha: float = 0.01
  terms: int = 5
  released: bool = False


def needs(options: Autodo) -> Needs:
  """A fifth of the images, fixed for the whole search; ValueError for options without sense."""
  _check(options)
  return Needs(options.val)


def build(options: Autodo, ground: Ground) -> methods.Method:
  """The method on these data."""
  _check_ground(ground)
  warmup = min(options.warmup, options.epochs - options.begin)
  rate = methods.annealed(
    options.rate, options.epochs, ground.epoch, warmup=min(options.warmup, options.epochs)
  )
  numbers = methods.AUTODO_PAPER._replace(alpha=options.smoothing)
  return methods.autodo(
    ground.task,
    optim.sgd(rate, nesterov=True, weight_decay=options.weight_decay),
    ground.labels,
    methods.AutodoTimes(ground.epoch, options.epochs, options.begin, warmup),
    classes=len(ground.classes),
    learn=methods.AutodoParts(options.images, options.weights, options.labels, options.shared),
    numbers=methods.AUTODO_RELEASED if options.released else numbers,
    base=_fitted(_base(options, ground.shape, flip=ground.flip), ground),
    erase=ground.mean if options.erase and not _large(ground.shape) else None,
    space=ground.space,
    rate=options.policy_rate,
    lazy=options.lazy,
    alpha=options.alpha,
    terms=options.terms,
    axis_name=ground.axis_name,
  )


def lasting(options: Autodo, epochs: int, epoch: int) -> Autodo:
  """The training of so many epochs, a quarter of them before the search begins."""
  del epoch
  return options._replace(epochs=epochs, begin=epochs // 4)


def _check_ground(ground: Ground) -> None:
  """ValueError for labels that are no classes, and for a model whose last layer is not known."""
  if not are_classes(ground.labels):
    raise ValueError("autodo learns the labels of classes, and these labels are none")
  images = jax.ShapeDtypeStruct((1, *ground.shape), jnp.float32)
  key = jax.random.key(0)
  theta = jax.eval_shape(lambda x: ground.model.init(key, x, train=False), images)["params"]
  if "kernel" not in theta.get("head", {}):
    raise ValueError(
      "autodo needs a model with a Dense for its last layer called 'head', and "
      f"{type(ground.model).__name__} has {', '.join(theta)}"
    )


def example_table(
  phi: methods.AutodoPhi, labels: np.ndarray, names: Sequence[str]
) -> dict[str, np.ndarray]:
  """What was learned of each example, by the name of its file, or its number: [N] or [N, ops] each.

  The policy file has the averages of its augmentations.
  """
  learned = methods.verdicts(phi, labels)
  table = {
    "name": np.asarray(names or [str(i) for i in range(len(labels))]),
    "given": labels,
    "proposed": learned.label,
    "off_label": learned.off_label,
    "weight": learned.weight,
  }
  if jax.tree.leaves(phi.image) and phi.image.probability.ndim == 2:
    table["probability"] = np.asarray(gaussian_chances(phi.image))
    table["deviation"] = np.asarray(gaussian_deviations(phi.image))
  return table


def _base(options: Autodo, shape: tuple[int, int, int], *, flip: float) -> Fixed:
  """RandAugment's ops as far as asked for, crop and flip; large images have a resized crop."""
  subset = (options.ops, options.magnitude) if options.ops else None
  return autodo_base(subset=subset, flip=flip, area=0.08 if _large(shape) else 0.0)


def _fitted(base: Fixed, ground: Ground) -> Fixed:
  """The base without what is for RGB, where images are not."""
  made, left_out = in_channels(base, ground.shape[2])
  tell_left_out(left_out, ground.shape[2], say=ground.say)
  return made


def _large(shape: tuple[int, int, int]) -> bool:
  return min(shape[:2]) >= LARGE


def _check(options: Autodo) -> None:
  at_least(options, 1, ["epochs", "terms"])
  if not 0 <= options.begin < options.epochs:
    raise ValueError(f"begin must be below the {options.epochs} epochs, not {options.begin}")
  at_least(options, 0, ["warmup", "ops"])
  at_most(options, MOST, ["ops", "terms"])
  positive(options, ["rate", "policy_rate"])
  if not (options.images or options.weights or options.labels):
    raise ValueError("at least one of images, weights and labels must be learned")
  if options.shared and not options.images:
    raise ValueError("shared is about images, which are not learned here")


SIZES = {
  "1m": Autodo(epochs=20, begin=5),
  "5m": Autodo(),
  "20m": Autodo(epochs=120, begin=30),
  "paper": Autodo(epochs=200, begin=50, ops=1, erase=True),
}
