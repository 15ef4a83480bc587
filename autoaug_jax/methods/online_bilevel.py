"""Online bilevel (WACV 2021): a network from noise to transformations, learned at every step."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from autoaug_jax.devices import mean_over
from autoaug_jax.hypergrad import Joint, Moved, by_direction, joint, unrolled
from autoaug_jax.methods.base import Method, Phase
from autoaug_jax.ops.space import Space
from autoaug_jax.policies import (
  Fixed,
  Form,
  NetworkPhi,
  augmenter,
  fixed,
  in_floats,
  in_one_order,
  join,
  magnitudes,
  merged_warp,
  network,
  network_as_fixed,
  preceded,
  small_layers,
)
from autoaug_jax.train import (
  Outcome,
  Schedule,
  Task,
  alternating,
  few_moves,
  learner,
  optim,
  supervised,
  training,
)
from autoaug_jax.types import Array, Batch, Key, Loss, Params, Phi

NEAR = 0.05  # magnitudes start with this deviation about 0
DRAWN = 8  # noises whose magnitudes are written down as they change


def online_bilevel(
  task: Task,
  space: Space,
  optimizer: optax.GradientTransformation,
  *,
  steps: int,
  every: int = 1,
  unroll: int = 1,
  warmup: int = 0,
  layers: Callable[[int], tuple[int, ...]] = small_layers,
  spread: float | None = NEAR,
  form: Form = Form(),  # noqa: B008
  before: Fixed | None = None,
  rate: float | optax.Schedule = 0.2,
  momentum: float = 0.9,
  weight_decay: float = 0.01,
  clip: float | None = None,
  same_length: bool = False,
  on_training: bool = False,
  axis_name: str | None = None,
) -> Method:
  """Sections 3 and 4.2 with K = J = 1, and the released code's numbers where the paper is silent.

  Each step moves the network, and the augmentation by the validation loss behind that very step:
  its gradient goes through the optimizer as it is, momentum and weight decay included. (The
  released code looks ahead with a momentum of its own that begins anew with each epoch, and
  without weight decay.) Batch statistics normalise in both.

  Args:
    task: the network and its loss.
    space: the transformations; see `policies.network`.
    optimizer: of the network.
    steps: how many training steps.
    every: J, how many training steps there are for each that moves the augmentation too.
    unroll: K, how many steps the augmentation looks ahead. Above 1 they are steps of their own, on
      the next training batch, augmented anew for each.
    warmup: training steps before the augmentation first moves.
    layers: the augmenter's sizes, `policies.small_layers` and its siblings.
    spread: the deviation of magnitudes at the start; None is the released start.
    form: how outputs become transformations.
    before: a fixed policy that comes first, of flips for one; None is none.
    rate: of the augmenter's SGD; 0.1 on ImageNet. A schedule counts the augmenter's own moves.
    momentum: of it.
    weight_decay: of it, the only force towards the identity; 0.1 on ImageNet.
    clip: the largest norm of its gradient. Rare ones are a hundred times as long as the others, and
      out of magnitudes that leave nothing of an image no gradient leads back; ours.
    same_length: whether the step ahead counts as equally long whatever the augmentation is
      (`hypergrad.by_direction`; ours).
    on_training: whether the augmentation follows the training loss instead, which shrinks it: the
      control that shows what validation is for.
    axis_name: the axis of devices over which batches are spread.
  """
  if every < 1 or unroll < 1:
    raise ValueError(f"every and unroll must be at least 1, not {every} and {unroll}")
  if on_training and unroll > 1:
    raise ValueError(f"on_training looks no steps ahead: unroll must be 1, not {unroll}")
  policy = network(space, layers=layers, spread=spread, form=form)
  first = fixed.none() if before is None else before
  move = _descent if on_training else joint
  ahead = by_direction(optimizer) if same_length else optimizer
  learning = learner(
    supervised(
      task, preceded(augmenter(first), in_floats(in_one_order(policy))), axis_name=axis_name
    ),
    optimizer,
    phi_optimizer=optim.sgd(rate, momentum=momentum, weight_decay=weight_decay, clip=clip),
    estimator=unrolled(ahead, steps=unroll, axis_name=axis_name) if unroll > 1 else None,
    joint=move(ahead, has_aux=True, axis_name=axis_name) if unroll == 1 else None,
    axis_name=axis_name,
  )
  schedule = (
    alternating(steps, every=every, warmup=warmup)
    if unroll > 1
    else _joined(steps, every=every, warmup=warmup)
  )

  def watch(phi: NetworkPhi) -> dict[str, Array]:
    values = magnitudes(phi, form=form)
    spread, mean = jnp.std(values, axis=0), jnp.mean(values, axis=0)
    return {"spread": spread, "mean": mean, "drawn": values[:DRAWN]}

  return Method(
    phases=(Phase("search", learning, schedule),),
    watch=watch,
    learned=lambda phi: join(first, network_as_fixed(phi, space, form=form)),
  )


def set_augmentation(
  task: Task,
  policy: Fixed,
  *,
  steps: int,
  optimizer: optax.GradientTransformation,
  axis_name: str | None = None,
) -> Method:
  """Nothing is learned but the network, under a policy that stays: the paper's comparisons."""
  learning = learner(
    supervised(task, augmenter(policy), axis_name=axis_name), optimizer, axis_name=axis_name
  )
  return Method(
    phases=(Phase("search", learning, training(steps)),),
    watch=lambda phi: {},
    learned=lambda phi: policy,
  )


def spatial_transformer(
  task: Task, localiser: Any, *, space: Space, reach: float = 0.1, summed: bool = True
) -> Task:
  """`task` on images that a network has warped, in training and in testing alike (Table 1).

  Its parameters are the task's and the localiser's, trained together on the training loss: the
  transformation-invariant comparison. As in spatial transformers, and in the released code, the
  warp depends on the image; noise it has none.

  Args:
    task: the classifier.
    localiser: a Flax module, images -> [B, warps], called as `localiser(images, train=...)`.
    space: bilinear warps, `ops.spaces.bilevel_affine()` for one.
    reach: what its outputs are multiplied by: small, so that warps start near the identity.
    summed: whether warps are added to the identity, or multiplied.
  """

  def init(key: Key, batch: Batch) -> tuple[Params, Any]:
    for_task, for_warp = jax.random.split(key)
    theta, state = task.init(for_task, batch)
    variables = localiser.init(for_warp, _floats(batch.image[:1]), train=False)
    own_state = {name: part for name, part in variables.items() if name != "params"}
    return {"task": theta, "warp": variables["params"]}, {"task": state, "warp": own_state}

  def loss(theta: Params, model_state: Any, batch: Batch, *, train: bool) -> Outcome:
    images = _floats(batch.image)
    variables, moved = {"params": theta["warp"], **model_state["warp"]}, model_state["warp"]
    if train and moved:
      values, moved = localiser.apply(variables, images, train=True, mutable=list(moved))
    else:
      values = localiser.apply(variables, images, train=train)

    def warp(image: Array, magnitude: Array) -> Array:
      return merged_warp(jax.random.key(0), image, magnitude, ops=space, summed=summed)

    seen = batch._replace(image=jax.vmap(warp)(images, reach * values))
    outcome = task.loss(theta["task"], model_state["task"], seen, train=train)
    both = {"task": outcome.model_state, "warp": jax.lax.stop_gradient(moved)}
    return outcome._replace(model_state=both)

  return Task(init, loss, task.score)


def _joined(steps: int, *, every: int, warmup: int) -> Schedule:
  """`steps` training moves, after the warm-up each `every`-th a joint one."""
  warm = min(warmup, few_moves(steps))
  rounds, rest = divmod(steps - warm, every)
  return (*training(warm), *((*training(every - 1), "joint") * rounds), *training(rest))


def _descent(
  optimizer: optax.GradientTransformation, *, has_aux: bool, axis_name: str | None
) -> Joint:
  """A training step, and the gradient of the training loss itself in phi."""
  mean = mean_over(axis_name)

  def move(inner: Any, outer: Loss, theta: Params, phi: Phi, opt_state: Any) -> Moved:
    del outer
    descend = jax.value_and_grad(inner, argnums=(0, 1), has_aux=has_aux)
    (loss, aux), (gradient, downhill) = descend(theta, phi)
    loss, gradient, downhill = mean((loss, gradient, downhill))
    updates, state = optimizer.update(gradient, opt_state, theta)
    ahead = optax.apply_updates(theta, updates)
    return Moved(ahead, state, loss, downhill, loss, jnp.zeros_like(loss), aux)

  return move


def _floats(images: Array) -> Array:
  return images.astype(jnp.float32) / 255 if images.dtype == jnp.uint8 else images
