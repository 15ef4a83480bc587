"""AutoDO (CVPR 2021): augmentation, loss weight and soft label of each training example."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from autoaug_jax.hypergrad import implicit, neumann, restrict
from autoaug_jax.methods.autodo_phi import AutodoPhi, moved, watched
from autoaug_jax.methods.base import Method, Phase
from autoaug_jax.methods.rows import RowsOptimizer, rows_rmsprop, search_rows
from autoaug_jax.ops import spaces
from autoaug_jax.ops.space import Space
from autoaug_jax.policies import (
  Augmenter,
  Fixed,
  Policy,
  augmenter,
  chain,
  erased,
  example_weights,
  gaussian,
  gaussian_as_fixed,
  join,
  per_example,
  per_image,
  soft_labels,
)
from autoaug_jax.train import (
  Learner,
  Move,
  Schedule,
  SearchState,
  Task,
  divergence,
  epochs,
  few_moves,
  learner,
  supervised,
  training,
)
from autoaug_jax.types import Array, Batch, Key, Phi


class AutodoParts(NamedTuple):
  """What is learned: A, W, S of the paper's tables, and A with one row for all examples (SHA)."""

  image: bool = True
  weight: bool = True
  label: bool = True
  shared: bool = False


class AutodoNumbers(NamedTuple):
  """Where the paper and the released code differ.

  Attributes:
    probability: of each op at the start.
    variance: whether magnitudes follow the formula as printed (see `gaussian`).
    alpha: how smooth soft labels start.
    symmetric: whether both KL divergences are in the training loss.
    search_first: whether an epoch's pass of searches comes before its training.
  """

  probability: float = 0.25
  variance: bool = False
  alpha: float = 0.1
  symmetric: bool = True
  search_first: bool = False


AUTODO_PAPER = AutodoNumbers()
# `symmetric` is False in the released code only where neither IR nor NR distorts the data.
AUTODO_RELEASED = AutodoNumbers(0.2, False, 0.05, True, True)


class AutodoTimes(NamedTuple):
  """How long a run takes (Appendix A); the paper's on ImageNet begins after 100 epochs."""

  epoch: int  # steps in a pass over the training images
  epochs: int = 200
  begin: int = 50  # E: as many epochs train alone; each later one has a pass of searches too
  warmup: int = 5  # epochs of searches in which their rate rises


def autodo(
  task: Task,
  optimizer: optax.GradientTransformation,
  labels: np.ndarray,
  times: AutodoTimes,
  *,
  classes: int,
  learn: AutodoParts = AutodoParts(),  # noqa: B008
  numbers: AutodoNumbers = AUTODO_PAPER,
  base: Fixed | None = None,
  erase: float | tuple[float, ...] | None = None,
  space: Space | None = None,
  rate: float = 0.05,
  decay: float = 0.99,
  lazy: bool = False,
  alpha: float = 0.01,
  terms: int = 5,
  axis_name: str | None = None,
) -> Method:
  """AutoDO (Section 4, Algorithm 1, Appendix A); with nothing to learn, its baseline.

  Training minimises mean(w KL(soft label, prediction)) on augmented images; after `times.begin`
  epochs each epoch also has a pass of searches over other batches of the training images, which
  minimise the cross-entropy of validation images as they are. A search goes by the last layer's
  kernel, with `terms` terms of a Neumann series (0.01, not multiplied by it: the released code),
  and through the encoder to the images; running statistics normalise in both of its losses.

  State: N examples have N (14 + 1 + classes) numbers, and as many in RMSprop; N = 1,281,167 of
  ImageNet's 1,000 classes take 5.2 GB each in float32, on each device. A search gathers its batch's
  rows and writes them back (`rows`): nothing else has N rows.

  Args:
    task: the network and its cross-entropy; its head is theta["head"]["kernel"].
    optimizer: of the network. The paper's: optim.sgd(annealed(0.1, times.epochs, times.epoch),
      nesterov=True, weight_decay=1e-4), with 0.005 on SVHN.
    labels: int32 [N], of all examples as training sees them; `Batch.index` is below N.
    times: how long.
    classes: how many.
    learn: which parts learn.
    numbers: the paper's or the released code's.
    base: what is done to training images before, the paper's by `autodo_base`; None is nothing.
    erase: RandomErasing's colour, the mean of the pixels; None leaves it out. A box is no row of a
      table that a policy file knows, hence no part of what `learned` returns.
    space: bilinear warps instead of the paper's seven.
    rate: of RMSprop, 0.01 on ImageNet; annealed like the network's over the epochs that search.
    decay: of RMSprop.
    lazy: whether RMSprop decays an example's row at visits alone (`rows_rmsprop`).
    alpha: of the Neumann series.
    terms: its products.
    axis_name: the axis of devices.
  """
  _check(times)
  table = spaces.autodo() if space is None else space
  policy = gaussian(table, probability=numbers.probability, variance=numbers.variance)
  start = policy.init(jax.random.key(0))
  given = np.asarray(labels)
  before = Fixed((), ()) if base is None else base
  parts = AutodoPhi(
    base=chain(augmenter(before), _nothing() if erase is None else per_image(erased(fill=erase))),
    image=_image_part(policy, len(given), learn),
    weight=example_weights(len(given)) if learn.weight else _nothing(),
    label=soft_labels(given, classes, alpha=numbers.alpha) if learn.label else _nothing(),
  )
  problem = supervised(
    divergence(task, symmetric=numbers.symmetric),
    _named(chain(*parts)),
    inner_train=False,
    outer_train=False,
    axis_name=axis_name,
  )
  moves = learner(problem, optimizer, axis_name=axis_name)
  if learn.image or learn.weight or learn.label:
    rows = rows_rmsprop(
      annealed(rate, times.epochs - times.begin, times.epoch, warmup=times.warmup),
      tables=AutodoPhi(False, not learn.shared, True, True),
      examples=len(given),
      decay=decay,
      lazy=lazy,
    )
    estimator = restrict(
      implicit(neumann(alpha, terms, scale=1.0), axis_name=axis_name), "head", "kernel"
    )
    search = search_rows(problem, estimator, rows, axis_name=axis_name)
    phase = Phase("joint", _with(moves, search, rows), _schedule(times, numbers.search_first))
  else:
    phase = Phase("joint", moves, training(times.epochs * times.epoch))

  def learned(phi: AutodoPhi) -> Fixed:
    if not learn.image:
      return before
    rows = None if learn.shared else np.asarray(moved(phi.image, start))
    own = gaussian_as_fixed(phi.image, table, rows=rows, variance=numbers.variance)
    return join(before, own)

  return Method(
    phases=(phase,),
    watch=lambda phi: watched(phi, given, start, variance=numbers.variance),
    learned=learned,
  )


def annealed(
  rate: float, epochs: int, epoch: int, *, warmup: int = 5, floor: float = 1e-3
) -> optax.Schedule:
  """Half a cosine from `rate` to `floor` times it, epoch by epoch (Appendix A).

  In the first `warmup` of the `epochs` epochs of `epoch` steps it rises step by step, from a tenth
  to where the cosine then is (released code).
  """
  if epochs < 1 or not 0 <= warmup <= epochs:
    raise ValueError(f"warmup lies between 0 and the {epochs} epochs, not {warmup}")
  low = floor * rate

  def cosine(number: Any) -> Any:
    return low + (rate - low) * (1 + jnp.cos(math.pi * number / epochs)) / 2

  def at(step: Array | int) -> Array:
    number = jnp.floor(jnp.asarray(step, jnp.result_type(float)) / epoch)
    if not warmup:
      return cosine(number)
    risen = step / (warmup * epoch)
    rising = rate / 10 + (cosine(jnp.asarray(float(warmup))) - rate / 10) * risen
    return jnp.where(number < warmup, rising, cosine(number))

  return at


def _with(moves: Learner, search: Move, rows: RowsOptimizer) -> Learner:
  """The moves of training, and `search` with its optimizer's state."""

  def init(key: Key, batch: Batch) -> SearchState:
    state = moves.init(key, batch)
    return state.replace(phi_opt_state=rows.init(state.phi))

  # In the place of `joint`, which uses up its training batch: a pass of searches sees them all.
  return moves._replace(init=init, joint=search)


def _image_part(policy: Policy, examples: int, learn: AutodoParts) -> Augmenter:
  if not learn.image:
    return _nothing()
  return per_image(policy) if learn.shared else per_example(policy, examples)


def _nothing() -> Augmenter:
  """Leaves a batch as it is."""

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    return batch

  return Augmenter(lambda key: (), augment)


def _named(parts: Augmenter) -> Augmenter:
  """`chain`'s phi as an AutodoPhi."""
  return parts._replace(init=lambda key: AutodoPhi(*parts.init(key)))


def _schedule(times: AutodoTimes, search_first: bool) -> Schedule:
  steps = times.epoch
  if not search_first:
    whole = epochs(times.epochs, train=steps, search=steps, warmup=times.begin)
    return tuple("joint" if name == "search" else name for name in whole)
  # The released code counts epochs from 0 and searches in those after E.
  alone = min(times.begin + 1, times.epochs)
  few_moves(2 * times.epochs * steps)
  later = (*(("joint",) * steps), *training(steps)) * (times.epochs - alone)
  return (*training(alone * steps), *later)


def _check(times: AutodoTimes) -> None:
  if times.epoch < 1 or times.epochs < 1:
    raise ValueError(f"epoch and epochs must be at least 1, not {times.epoch} and {times.epochs}")
  if not 0 <= times.begin < times.epochs:
    raise ValueError(f"begin lies in 0..{times.epochs - 1}, not {times.begin}")
  if not 0 <= times.warmup <= times.epochs - times.begin:
    left = times.epochs - times.begin
    raise ValueError(f"warmup lies in 0..{left}, the epochs that search, not {times.warmup}")
