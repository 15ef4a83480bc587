"""SLACK (CVPR 2023): policies learned without a prior, by scores through one step, in rounds."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from autoaug_jax.hypergrad import leave_one_out, per_image_score, shared_score
from autoaug_jax.methods.base import Method, Phase
from autoaug_jax.methods.ensemble import MODELS, ensemble
from autoaug_jax.ops.space import Space
from autoaug_jax.policies import (
  Augmenter,
  CategoricalPhi,
  Fixed,
  PerClass,
  anchored,
  as_fixed,
  categorical_uniform,
  cropped,
  entropy,
  kept_in_range,
  per_class,
  per_image,
  probabilities,
  shared,
)
from autoaug_jax.train import (
  SearchState,
  Task,
  by_draw,
  by_image,
  half_l2,
  learner,
  optim,
  rounds,
  supervised,
  training,
)
from autoaug_jax.types import Array, Key, Params


class Pinned(NamedTuple):
  """What a round goes back to."""

  theta: Params  # the pre-trained network
  anchor: CategoricalPhi  # the policy at the start of the round


class Times(NamedTuple):
  """How long a search takes, in steps; the paper's on CIFAR but for the pre-training's 200 epochs.

  A round has `retrain` + `search` - 1 training steps, the last `search` of which move the policy
  too. One round with `retrain` = 1 is the paper's single-stage unrolled search.
  """

  pretrain: int
  rounds: int = 10
  retrain: int = 1000
  search: int = 400


class Inside(NamedTuple):
  """How networks are trained (Tables 10 and 11, and the released code where these are silent)."""

  pretrain_rate: float = 0.1
  rate: float = 0.4
  weight_decay: float = 5e-4
  momentum: float = 0.9
  clip: float = 5.0  # of the gradient, or of each draw's
  outer_clip: float = 5.0  # of each array of the validation gradient


def slack(
  task: Task,
  space: Space,
  *,
  times: Times,
  inside: Inside = Inside(),  # noqa: B008
  k: int = 3,
  bound: float = 0.75,
  sigma: float = 0.1,
  flip: float = 0.5,
  draws: int = 8,
  each_image: bool = False,
  rate: float = 1.0,
  bound_rate: float | None = None,
  kl: float = 0.02,
  cold: bool = True,
  momentum: float = 0.9,
  one_sided: bool = False,
  shared_noise: bool = False,
  models: int = 1,
  still: float = 0.0,
  classes: tuple[str, ...] = (),
  crop: int = 0,
  axis_name: str | None = None,
) -> Method:
  """Section 3 and supplement B, with the numbers of Tables 10 and 11 for CIFAR-10.

  Pre-training under the uniform policy, a composite for each image. Then rounds: back to the
  pre-trained network, training under the policy, and policy steps through each further training
  step, which are held near the policy at the round's start by a divergence.

  Args:
    task: the network and its loss.
    space: the ops; SLACK's are `ops.spaces.slack_cifar()` and its siblings.
    times: how long.
    inside: how networks are trained.
    k: ops a composite.
    bound: where the learned magnitude bounds start; they stay in [0.1, 1].
    sigma: the deviation of the noise on magnitudes.
    flip: the probability of a left-right flip after the ops.
    draws: composites a step; each augments the whole batch, and has its own gradient.
    each_image: a composite for each image instead, in one gradient, less the mean alignment of the
      other images: `draws` and clipping of theirs are then out of use. Not in the paper.
    rate: of the logits.
    bound_rate: of the bounds; None is `rate` / 40.
    kl: the weight of the divergence from the anchor (lambda); 0 leaves it out.
    cold: whether a round begins with the pre-trained network; else with the last round's.
    momentum: of the policy's SGD, which begins anew with each round.
    one_sided: the released code's density of magnitudes.
    shared_noise: the released code's noise, the same for the k magnitudes of a composite.
    models: how many networks search the policy together, each on its part of the batch; their
      policy gradients are averaged (supplement C.4).
    still: a round that moves no slot's probabilities further than this, in total variation, and no
      bound, is the last one; 0 plays all of them. Not in the paper.
    classes: the names of classes that each have a policy of their own, by the images' labels; with
      `each_image` only. Rates mean for each what they mean for one policy. Not in the paper.
    crop: the side of the squares that are cut out of images before all else; 0 for none.
    axis_name: the axis of devices over which batches are spread; with several models, each of as
      many devices has one.
  """
  if classes and not each_image:
    raise ValueError(
      "a policy for each class takes a composite for each image (each_image): a shared one is for "
      "images of all classes"
    )
  within = axis_name if models == 1 else None
  policy = categorical_uniform(
    space,
    k,
    bound=bound,
    sigma=sigma,
    flip=flip,
    one_sided=one_sided,
    shared_noise=shared_noise,
  )

  each_own = per_class(policy, len(classes)) if classes else per_image(policy)
  # Each class has its share of the images only, and of the gradient.
  count = max(len(classes), 1)

  def cut(augmenter: Augmenter) -> Augmenter:
    return cropped(augmenter, crop) if crop else augmenter

  pretraining = learner(
    supervised(task, cut(each_own), axis_name=within),
    optim.sgd(
      optim.cosine(inside.pretrain_rate, times.pretrain),
      momentum=inside.momentum,
      weight_decay=inside.weight_decay,
      decayed=optim.without_norm,
      clip=inside.clip,
    ),
    axis_name=within,
  )
  # The optimizer begins anew with each round, and its cosine with it.
  optimizer = optim.sgd(
    optim.cosine(inside.rate, times.retrain + times.search - 1),
    momentum=inside.momentum,
    clip=inside.clip if each_image else None,
  )
  problem = supervised(
    task,
    cut(each_own if each_image else shared(policy)),
    draws=1 if each_image else draws,
    decay=half_l2(inside.weight_decay),
    penalty=(lambda phi, pinned: kl / count * anchored(phi, pinned.anchor)) if kl else None,
    axis_name=within,
  )
  # Scores keep the rate that the round begins with (supplement B.1).
  common: dict[str, Any] = {
    "outer_clip": inside.outer_clip,
    "rate": inside.rate,
    "has_aux": True,
    "axis_name": within,
  }
  bound_rate = rate / 40 if bound_rate is None else bound_rate
  outside = _sgd(count * rate, count * bound_rate, momentum)

  def refresh(key: Key, state: SearchState) -> SearchState:
    theta = state.pinned.theta if cold else state.theta
    return state.replace(
      theta=theta,
      opt_state=optim.begun_anew(optimizer, theta, state.opt_state),
      phi_opt_state=outside.init(state.phi),
      pinned=Pinned(state.pinned.theta, state.phi),
    )

  searching = learner(
    problem,
    optimizer,
    phi_optimizer=outside,
    joint=per_image_score(optimizer, baseline=leave_one_out, **common)
    if each_image
    else shared_score(optimizer, draws=draws, clip=inside.clip, **common),
    seen=by_image if each_image else by_draw,
    draw_clip=None if each_image else inside.clip,
    project=kept_in_range,
    pin=lambda state: Pinned(state.theta, state.phi),
    refresh=refresh,
    axis_name=within,
    phi_axis_name=(axis_name or MODELS) if models > 1 else None,
  )
  if models > 1:
    pretraining = ensemble(pretraining, models, axis_name=axis_name)
    own = Pinned(True, False)  # type: ignore[arg-type]
    searching = ensemble(searching, models, own_pinned=own, axis_name=axis_name)

  def begin(fresh: SearchState, pretrained: SearchState) -> SearchState:
    return fresh.replace(
      theta=pretrained.theta,
      model_state=pretrained.model_state,
      pinned=Pinned(pretrained.theta, fresh.phi),
    )

  def learned(phi: CategoricalPhi) -> Fixed:
    return as_fixed(_mean_of_classes(phi) if classes else phi, space, sigma=sigma, flip=flip)

  def by_class(phi: CategoricalPhi) -> PerClass:
    rows = (jax.tree.map(lambda leaf, i=i: leaf[i], phi) for i in range(count))
    return PerClass(classes, tuple(as_fixed(r, space, sigma=sigma, flip=flip) for r in rows))

  return Method(
    phases=(
      Phase("pretrain", pretraining, training(times.pretrain)),
      Phase(
        "search",
        searching,
        rounds(times.rounds, retrain=times.retrain, search=times.search),
        begin,
        (lambda state: moved(state.phi, state.pinned.anchor) <= still) if still else None,
      ),
    ),
    watch=_watch,
    learned=learned,
    joint=False,
    by_class=by_class if classes else None,
  )


def moved(phi: CategoricalPhi, before: CategoricalPhi) -> float:
  """The largest total variation of a slot between two policies, or change of a bound if larger."""
  slots = jnp.sum(jnp.abs(probabilities(phi) - probabilities(before)), -1) / 2
  return float(jnp.maximum(jnp.max(slots), jnp.max(jnp.abs(phi.bound - before.bound))))


def _watch(phi: CategoricalPhi) -> dict[str, Array]:
  """The entropy is the mean over slots, in nats; all are means over classes that have their own."""
  level = jnp.mean(entropy(phi.logits))
  mean = phi if phi.logits.ndim == 2 else _mean_of_classes(phi)
  told = {"probability": probabilities(mean), "bound": mean.bound, "entropy": level}
  if mean is phi:
    return told
  return told | {"class_probability": probabilities(phi), "class_bound": phi.bound}


def _mean_of_classes(phi: CategoricalPhi) -> CategoricalPhi:
  """The policy with the mean probabilities and bounds of policies with an axis of classes."""
  return CategoricalPhi(jnp.log(jnp.mean(probabilities(phi), 0)), jnp.mean(phi.bound, 0))


def _sgd(rate: float, bound_rate: float, momentum: float) -> optax.GradientTransformation:
  """SGD with a rate for the logits and one for the bounds."""

  def scaled(updates: Any, params: Any) -> CategoricalPhi:
    del params
    return CategoricalPhi(
      jax.tree.map(lambda u: -rate * u, updates.logits),
      jax.tree.map(lambda u: -bound_rate * u, updates.bound),
    )

  return optax.chain(optax.trace(momentum), optax.stateless(scaled))
