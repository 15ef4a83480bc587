"""MADAO without labels: the policy of a contrastive pre-training, and a linear probe (arXiv, 4).

  python -m experiments.recipes.madao_moco --recipe=tiny --workdir=runs/moco     # minutes
  python -m experiments.recipes.madao_moco --recipe=imagenet --data=... --workdir=runs/moco-imagenet

MoCo: two views of each image go through a query network, which is trained, and a key network, its
moving average; a query should be like its own key and unlike the keys of earlier batches, which
wait in a queue. Both views are augmented by the policy. The outer loss is the same contrast on
validation images whose views are crop and flip alone. Afterwards a linear classifier is trained on
frozen features. The frozen policy (--every=0) is the baseline.

Where the paper says nothing: keys of both losses are normalised by their own batch's statistics;
the outer loss leaves the queue as it is; gradients of the policy go through both views; the probe
sees images in their middle, not augmented.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import flags

from autoaug_jax import data
from autoaug_jax.app import moments, network
from autoaug_jax.hypergrad import implicit, neumann
from autoaug_jax.ops import Space, spaces
from autoaug_jax.policies import (
  Augmenter,
  augmenter,
  chain,
  cropped,
  fixed,
  gumbel,
  gumbel_numbers,
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
  fit,
  learner,
  optim,
  program,
  training,
)
from autoaug_jax.types import Array, Batch, Key, Loss, Params, Phi
from experiments import launch


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


RECIPES = {
  "tiny": Moco("digits", "small-cnn", 16, flip=0.0),
  # Appendix B.2: 100 epochs, batch 512, 65,536 keys; s and w are those of all its experiments. The
  # rate is MoCo's 0.03 for 256 images, doubled, its drops those of MoCo's 200 epochs, halved.
  "imagenet": Moco(
    "imagenet",
    "resnet-50",
    256,
    crop=224,
    val=0.01,
    batch=512,
    epochs=100,
    warmup=20,
    every=30,
    queue=65_536,
    dims=128,
    momentum=0.999,
    drops=(60, 80),
    policy_rate=0.01,
    probe_rate=30.0,
    probe_epochs=100,
    probe_drops=(60, 80),
    quoted=(("standard", "42.1/19.4"), ("RandAugment", "39.6/17.6"), ("MADAO", "39.6/17.7")),
  ),
}

# (images [B, H, W, C] uint8 or float) -> what the network takes
Normalise = Callable[[Array], Array]


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


def features(
  model: Any, state: SearchState, images: np.ndarray, normalise: Normalise
) -> np.ndarray:
  """[N, F]: what the last layer of the query network reads, of images [N, H, W, C]."""
  variables = {"params": state.theta, **state.model_state["stats"]}
  run = jax.jit(lambda x: model.apply(variables, normalise(x), train=False, method="features"))
  return np.concatenate([np.asarray(run(part)) for part in _parts(images, 256)])


def probe(
  seen: tuple[np.ndarray, np.ndarray],
  tested: tuple[np.ndarray, np.ndarray],
  *,
  classes: int,
  recipe: Moco,
) -> float:
  """The test accuracy of a linear classifier of (features [N, F], labels [N])."""
  inputs, labels = jnp.asarray(seen[0]), jnp.asarray(seen[1], jnp.int32)
  batch = min(256, len(labels))
  epoch = len(labels) // batch
  rate = optim.step_decay(recipe.probe_rate, [drop * epoch for drop in recipe.probe_drops])
  sgd = optim.sgd(rate, momentum=0.9)
  weights = {"kernel": jnp.zeros((inputs.shape[1], classes)), "bias": jnp.zeros(classes)}

  def logits(weights: Any, x: Array) -> Array:
    return x @ weights["kernel"] + weights["bias"][None, :]

  def step(carry: Any, index: Array) -> tuple[Any, None]:
    weights, state = carry

    def loss(weights: Any) -> Array:
      losses = optax.softmax_cross_entropy_with_integer_labels(
        logits(weights, inputs[index]), labels[index]
      )
      return jnp.mean(losses)

    updates, state = sgd.update(jax.grad(loss)(weights), state, weights)
    return (optax.apply_updates(weights, updates), state), None

  order = data.shuffled(np.arange(len(labels)), batch, seed=0)
  indices = np.stack([order(i) for i in range(recipe.probe_epochs * epoch)])
  (weights, _), _ = jax.jit(lambda c, i: jax.lax.scan(step, c, i))(
    (weights, sgd.init(weights)), indices
  )
  found = np.asarray(jnp.argmax(logits(weights, jnp.asarray(tested[0])), axis=1))
  return float(np.mean(found == tested[1]))


class Outcome(NamedTuple):
  """The probe's accuracy with the pre-trained network, and what the policy became."""

  accuracy: float
  policy: dict[str, np.ndarray]
  state: SearchState


def run(
  recipe: Moco,
  source: str,
  *,
  workdir: str | None = None,
  seed: int = 0,
  space: Space | None = None,
) -> Outcome | None:
  """A pre-training and its probe; None where it was asked to stop."""
  loaded = data.load(source, size=recipe.size)
  examples, tested = loaded.parts["train"], loaded.parts["test"]
  cut = data.split(examples, val=recipe.val, seed=0)
  mean, std = moments(examples, cut.train)
  side = recipe.crop or recipe.size

  def normalise(images: Array) -> Array:
    if images.dtype == jnp.uint8:
      images = images.astype(jnp.float32) / 255
    shape = (1, 1, 1, -1)
    return (images - jnp.asarray(mean).reshape(shape)) / jnp.asarray(std).reshape(shape)

  def classes_of(count: int) -> Any:
    return network(recipe.model, classes=count, image_size=side)

  ops = spaces.madao() if space is None else space
  if examples.shape[-1] == 1 and space is None:
    ops = tuple(op for op in ops if op.name != "Color")
  orders = (
    data.shuffled(cut.train, recipe.batch, seed=seed),
    data.shuffled(cut.val, min(recipe.batch, len(cut.val)), seed=seed, stream=1),
  )
  feed, valid = data.feeds(examples, *orders)
  moves, schedule = pretraining(
    recipe, ops, epoch=feed.steps_per_epoch, classes_of=classes_of, normalise=normalise
  )
  fitted = fit(
    program(moves, feed, valid=valid, seed=seed),
    schedule,
    workdir=workdir,
    config={**recipe._asdict(), "seed": seed},
  )
  if not fitted.finished:
    return None
  state = jax.device_get(fitted.state)
  model = classes_of(recipe.dims)
  sides = []
  for part, numbers in ((examples, cut.train), (tested, np.arange(len(tested.labels)))):
    images = [_middle(part.fetch(each), side) for each in _parts(numbers, 256)]
    made = [features(model, state, each, normalise) for each in images]
    sides.append((np.concatenate(made), part.labels[numbers]))
  accuracy = probe(sides[0], sides[1], classes=len(loaded.classes), recipe=recipe)
  policy = jax.device_get(gumbel_numbers(state.phi[-1], ops))
  return Outcome(accuracy, policy, state)


def _middle(images: np.ndarray, side: int) -> np.ndarray:
  height, width = images.shape[1:3]
  top, left = (height - side) // 2, (width - side) // 2
  return images[:, top : top + side, left : left + side]


def _parts(array: np.ndarray, size: int) -> list[np.ndarray]:
  return [array[start : start + size] for start in range(0, len(array), size)]


def main() -> None:
  given = flags.FLAGS
  recipe = RECIPES[given.recipe]
  if given.every is not None:
    recipe = recipe._replace(every=given.every)
  found = run(recipe, given.data or recipe.data, workdir=given.workdir, seed=given.seed)
  if found is None:
    return  # asked to stop
  print(f"linear probe: {100 * (1 - found.accuracy):.2f}% test error")
  for name, errors in recipe.quoted:
    print(f"{name} (paper), top-1/top-5: {errors}")


def define_flags() -> None:
  flags.DEFINE_enum("recipe", "tiny", sorted(RECIPES), "What is made.")
  flags.DEFINE_string("data", "", "Where the images are; empty: the recipe's, a TFDS name.")
  flags.DEFINE_string("workdir", None, "Where the run is kept.", required=True)
  flags.DEFINE_integer("seed", 0, "Of initialisation, batches and augmentation.")
  flags.DEFINE_integer("every", None, "Steps between two moves of the policy; 0 freezes it.")


if __name__ == "__main__":
  define_flags()
  launch.run("madao_moco", main)
