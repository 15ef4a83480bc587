"""MoCo whose two views are augmented by a policy, as a bilevel problem.

Where the paper says nothing: keys of both losses are normalised by their own batch's statistics;
the outer loss leaves the queue as it is; gradients of the policy go through both views.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax

from autoaug_jax.hypergrad import implicit, neumann
from autoaug_jax.ops import Space
from autoaug_jax.policies import (
  Augmenter,
  augmenter,
  chain,
  cropped,
  fixed,
  gumbel,
  in_floats,
  per_image,
)
from autoaug_jax.train import (
  Aux,
  Learner,
  Problem,
  Schedule,
  SearchState,
  alternating,
  learner,
  optim,
  training,
)
from autoaug_jax.types import Array, Batch, Key, Loss, Params, Phi

# (images [B, H, W, C] uint8 or float) -> what the network takes
Normalise: TypeAlias = Callable[[Array], Array]


class Moco(NamedTuple):
  """A pre-training, and the probe that follows. MoCo's own numbers where the paper has none.

  Attributes:
    data: its name.
    model: the query network, whose last layer makes the embedding.
    size: images are read at.
    crop: and cut to; 0 for none.
    flip: the probability of a left-right flip before the policy.
    val: the share of images for the outer loss.
    batch: images a step.
    epochs: of the pre-training.
    warmup: epochs before the policy moves.
    every: steps between two moves of the policy; 0 never moves it.
    queue: how many keys wait.
    dims: of an embedding.
    temperature: of the contrast.
    momentum: of the key network.
    rate: the learning rate.
    weight_decay: of the network.
    drops: epochs after which the rate is divided by 10; () is a cosine.
    policy_rate: RMSprop's.
    alpha: of the Neumann series.
    terms: of it.
    probe_rate: the linear classifier's.
    probe_epochs: its passes.
    probe_drops: epochs after which its rate is divided by 10.
    quoted: the paper's top-1 and top-5 errors by augmentation, in percent.
  """

  data: str
  model: str
  size: int
  crop: int = 0
  flip: float = 0.5
  val: float = 0.1
  batch: int = 64
  epochs: int = 10
  warmup: int = 2
  every: int = 5
  queue: int = 512
  dims: int = 32
  temperature: float = 0.07
  momentum: float = 0.99
  rate: float = 0.06
  weight_decay: float = 1e-4
  drops: tuple[int, ...] = ()
  policy_rate: float = 0.02
  alpha: float = 1e-3
  terms: int = 5
  probe_rate: float = 1.0
  probe_epochs: int = 20
  probe_drops: tuple[int, ...] = (12, 16)
  quoted: tuple[tuple[str, str], ...] = ()


def contrast(queries: Array, keys: Array, queue: Array, temperature: float) -> Array:
  """[B]: InfoNCE of unit vectors [B, D] with their own keys [B, D], against a queue [Q, D]."""
  own = jnp.sum(queries * keys, axis=1, keepdims=True)
  logits = jnp.concatenate([own, queries @ queue.T], axis=1) / temperature
  return jax.nn.logsumexp(logits, axis=1) - logits[:, 0]


def problem(
  recipe: Moco, model: Any, space: Space, *, normalise: Normalise
) -> tuple[Problem, Augmenter]:
  """The bilevel problem, and what augments its training views."""
  base = augmenter(fixed.standard(padding=0.0 if recipe.crop else 0.125, flip=recipe.flip))
  policy = per_image(gumbel(space, 2))

  def views_of(*parts: Augmenter) -> Augmenter:
    whole = chain(*parts)
    return cropped(whole, recipe.crop) if recipe.crop else whole

  plain, soft = views_of(base, policy), views_of(base, in_floats(policy))
  bare = views_of(base)

  def embed(params: Params, stats: Any, images: Array) -> tuple[Array, Any]:
    variables = {"params": params, **stats}
    out, moved = model.apply(variables, normalise(images), train=True, mutable=list(stats))
    return out / jnp.sqrt(jnp.sum(out**2, axis=1, keepdims=True) + 1e-12), moved

  def init(key: Key, batch: Batch) -> tuple[Params, Any, Phi]:
    for_model, for_queue, for_phi = jax.random.split(key, 3)
    image = bare.augment(for_phi, ((),), batch).image[:1]
    variables = model.init(for_model, normalise(image), train=False)
    params = variables["params"]
    stats = {name: part for name, part in variables.items() if name != "params"}
    queue = jax.random.normal(for_queue, (recipe.queue, recipe.dims))
    queue = queue / jnp.linalg.norm(queue, axis=1, keepdims=True)
    return params, {"stats": stats, "key": params, "queue": queue}, plain.init(for_phi)

  def pair(views: Augmenter, key: Key, phi: Phi, batch: Batch) -> tuple[Array, Array]:
    one, two = jax.random.split(key)
    return views.augment(one, phi, batch).image, views.augment(two, phi, batch).image

  def bound(views: Augmenter) -> Any:
    def bind(key: Key, state: SearchState, batch: Batch) -> Any:
      def inner(theta: Params, phi: Phi, draw: int | None = None) -> tuple[Array, Aux]:
        del draw
        held = state.model_state
        seen, other = pair(views, key, phi, batch)
        queries, stats = embed(theta, held["stats"], seen)
        keys, _ = embed(held["key"], held["stats"], other)
        losses = contrast(queries, keys, held["queue"], recipe.temperature)
        moved = jax.lax.stop_gradient(
          {
            "stats": stats,
            "key": jax.tree.map(
              lambda k, t: recipe.momentum * k + (1 - recipe.momentum) * t, held["key"], theta
            ),
            "queue": jnp.concatenate([keys, held["queue"][: -len(keys)]]),
          }
        )
        return jnp.mean(losses), Aux({}, moved, losses, jnp.zeros_like(losses))

      return inner

    return bind

  def outer(key: Key, state: SearchState, batch: Batch) -> Loss:
    held = state.model_state
    seen, other = pair(bare, key, ((),), batch)

    def loss(theta: Params, phi: Phi) -> Array:
      del phi
      queries, _ = embed(theta, held["stats"], seen)
      keys, _ = embed(held["key"], held["stats"], other)
      return jnp.mean(contrast(queries, keys, held["queue"], recipe.temperature))

    return loss

  return Problem(init, bound(plain), bound(soft), outer), plain


def pretraining(
  recipe: Moco, space: Space, *, epoch: int, classes_of: Callable[[int], Any], normalise: Normalise
) -> tuple[Learner, Schedule]:
  """The moves and their order; `classes_of` makes the network for so many outputs."""
  steps, warmup = recipe.epochs * epoch, recipe.warmup * epoch
  rate = (
    optim.step_decay(recipe.rate, [drop * epoch for drop in recipe.drops])
    if recipe.drops
    else optim.cosine(recipe.rate, steps)
  )
  bilevel, _ = problem(recipe, classes_of(recipe.dims), space, normalise=normalise)
  moves = learner(
    bilevel,
    optim.sgd(rate, weight_decay=recipe.weight_decay),
    phi_optimizer=optax.rmsprop(recipe.policy_rate, decay=0.99, eps=1e-8, eps_in_sqrt=False),
    estimator=implicit(neumann(recipe.alpha, recipe.terms)),
  )
  if not recipe.every:
    return moves, training(steps)
  return moves, alternating(steps, every=recipe.every, warmup=warmup)
