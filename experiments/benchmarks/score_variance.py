"""How noisy score estimates of an outer gradient are: shared against per-image draws.

  python -m experiments.benchmarks.score_variance --data=cifar10.npz

SLACK's policy (3 slots over its CIFAR space, as it starts) and a small network that was trained
under that policy for a few epochs and then stands still. An estimate sees fresh images, draws and
validation images every time: `images` augmented training images, which are 8 composites of an
eighth of them each, or as many composites as images. What is printed is the trace of the estimates'
covariance, relative to shared draws without a baseline, with a bootstrap interval of 95%; for the
whole of phi and for its parts, because scores of magnitudes are larger than those of choices. The
baseline `known` is the mean alignment of some estimates before. Nothing is clipped. Directions of
shifts and places of boxes are drawn for each image in both, unless --same_places is given.

Without --data it takes scikit-learn's digits at 32 x 32 pixels. An .npz holds `images`, uint8
[N, 32, 32, 3], and `labels` [N].
"""

import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import app, flags, logging
from jax.flatten_util import ravel_pytree

from autoaug_jax.hypergrad import (
  Baseline,
  Moved,
  known,
  leave_one_out,
  per_image_score,
  shared_score,
)
from autoaug_jax.models import small_cnn
from autoaug_jax.ops import spaces
from autoaug_jax.policies import Policy, categorical_uniform, image_keys
from autoaug_jax.types import Array, Key
from experiments.benchmarks.timing import Spread, one_thread

Moves: TypeAlias = Callable[[Baseline | None], Moved]
PILOT = 20  # estimates, apart from those measured, that tell the baseline known beforehand
RATE = 0.1


class Images(NamedTuple):
  """uint8 [N, 32, 32, 3] and int32 [N]."""

  image: Array
  label: Array

  def some(self, key: Key, count: int) -> "Images":
    """Drawn with replacement, so that estimates are independent."""
    index = jax.random.randint(key, (count,), 0, self.label.size)
    return Images(self.image[index], self.label[index])


class Counts(NamedTuple):
  """What an estimate is made of."""

  images: int
  draws: int
  validation: int
  same_places: bool = False  # shared draws are shared altogether


class Problem(NamedTuple):
  policy: Policy
  model: Any
  phi: Any
  train: Images
  validation: Images


class Trained(NamedTuple):
  theta: Any
  stats: Any
  opt_state: Any


def load(path: str, training: int) -> tuple[Images, Images]:
  """(at most `training` images to train on, as many others to validate)."""
  if path:
    with np.load(path) as stored:
      image, label = stored["images"], stored["labels"]
  else:
    from sklearn.datasets import load_digits

    digits = load_digits()
    small = np.round(digits.images * (255 / 16)).astype(np.uint8)
    image = np.repeat(small.repeat(4, axis=1).repeat(4, axis=2)[..., None], 3, axis=-1)
    label = digits.target
  order = np.random.default_rng(0).permutation(len(label))
  half = min(training, len(label) // 2)
  first, second = order[:half], order[half : 2 * half]

  def some(index: np.ndarray) -> Images:
    return Images(jnp.asarray(image[index]), jnp.asarray(label[index].astype(np.int32)))

  return some(first), some(second)


def losses(problem: Problem, theta: Any, stats: Any, images: Images) -> tuple[Array, Any]:
  """Cross-entropies [B] with the statistics of the batch, and the running ones after it."""
  variables = {"params": theta, "batch_stats": stats}
  pixels = images.image.astype(jnp.float32) / 255
  logits, new = problem.model.apply(variables, pixels, train=True, mutable=["batch_stats"])
  each = optax.softmax_cross_entropy_with_integer_labels(logits, images.label)
  return each, new["batch_stats"]


def optimizer() -> optax.GradientTransformation:
  return optax.chain(optax.add_decayed_weights(5e-4), optax.sgd(RATE, momentum=0.9))


def start(problem: Problem, key: Key) -> Trained:
  pixels = jnp.zeros((1, *problem.train.image.shape[1:]))
  variables = problem.model.init(key, pixels, train=False)
  theta = variables["params"]
  return Trained(theta, variables["batch_stats"], optimizer().init(theta))


def train_step(problem: Problem, batch: int) -> Callable[[Key, Trained], Trained]:
  """One step on images that the policy has augmented, each with a draw of its own."""

  @jax.jit
  def step(key: Key, state: Trained) -> Trained:
    choose, *halves = jax.random.split(key, 3)
    images, _ = augmented(problem, halves, problem.train.some(choose, batch), batch)

    def loss(theta: Any) -> tuple[Array, Any]:
      each, stats = losses(problem, theta, state.stats, images)
      return jnp.mean(each), stats

    gradient, stats = jax.grad(loss, has_aux=True)(state.theta)
    updates, opt_state = optimizer().update(gradient, state.opt_state, state.theta)
    return Trained(optax.apply_updates(state.theta, updates), stats, opt_state)

  return step


def augmented(
  problem: Problem, keys: Any, images: Images, draws: int, *, same_places: bool = False
) -> tuple[Images, Any]:
  """(images with draw i modulo `draws` applied to image i, the draws).

  With `same_places` images of one draw share its directions, flips and places too.
  """
  sampling, applying = keys
  drawn = jax.vmap(problem.policy.sample, in_axes=(0, None))(
    jax.random.split(sampling, draws), problem.phi
  )
  count = images.label.size
  group = jnp.arange(count) % draws
  each = jax.tree.map(lambda leaf: leaf[group], drawn)
  placing = image_keys(applying, draws)[group] if same_places else image_keys(applying, count)
  apply = problem.policy.apply_batch or jax.vmap(problem.policy.apply)
  pixels = apply(placing, each, images.image)
  return Images(pixels, images.label), drawn


def validation_loss(problem: Problem, key: Key, count: int, stats: Any) -> Callable[..., Array]:
  images = problem.validation.some(key, count)
  return lambda theta, phi: jnp.mean(losses(problem, theta, stats, images)[0])


def shared(problem: Problem, counts: Counts, key: Key, state: Trained) -> Moves:
  """Each composite on the same `images / draws` images."""
  choose, *halves, judge = jax.random.split(key, 4)
  chosen = problem.train.some(choose, counts.images // counts.draws)
  copies = Images(*(jnp.repeat(leaf, counts.draws, axis=0) for leaf in chosen))
  images, drawn = augmented(problem, halves, copies, counts.draws, same_places=counts.same_places)
  outer = validation_loss(problem, judge, counts.validation, state.stats)

  def inner(theta: Any, phi: Any, d: int) -> tuple[Array, Array]:
    mine = Images(*(leaf[d :: counts.draws] for leaf in images))
    draw = jax.tree.map(lambda leaf: leaf[d], drawn)
    return jnp.mean(losses(problem, theta, state.stats, mine)[0]), log_prob(problem, phi, draw)

  def move(baseline: Baseline | None) -> Moved:
    joint = shared_score(optimizer(), draws=counts.draws, baseline=baseline)
    return joint(inner, outer, state.theta, problem.phi, state.opt_state)

  return move


def per_image(problem: Problem, counts: Counts, key: Key, state: Trained) -> Moves:
  """A composite for each of `images` images."""
  choose, *halves, judge = jax.random.split(key, 4)
  chosen = problem.train.some(choose, counts.images)
  images, drawn = augmented(problem, halves, chosen, counts.images)
  outer = validation_loss(problem, judge, counts.validation, state.stats)

  def inner(theta: Any, phi: Any) -> tuple[Array, Array]:
    log_probs = jax.vmap(lambda draw: log_prob(problem, phi, draw))(drawn)
    return losses(problem, theta, state.stats, images)[0], log_probs

  def move(baseline: Baseline | None) -> Moved:
    joint = per_image_score(optimizer(), baseline=baseline)
    return joint(inner, outer, state.theta, problem.phi, state.opt_state)

  return move


def log_prob(problem: Problem, phi: Any, draw: Any) -> Array:
  if problem.policy.log_prob is None:
    raise ValueError("the variance of a score takes a policy with a log_prob")
  return problem.policy.log_prob(phi, draw)


KINDS: dict[str, Callable[[Problem, Counts, Key, Trained], Moves]] = {
  "shared": shared,
  "per-image": per_image,
}
BASELINES = ("no baseline", "leave one out", "known")


def compiled(problem: Problem, counts: Counts) -> dict[str, Callable[..., Any]]:
  """kind -> (key, state, alignment before) -> ([a flat gradient for each baseline], alignment)."""

  def estimate(build: Any, key: Key, state: Trained, before: Array) -> tuple[list[Any], Array]:
    move = build(problem, counts, key, state)
    moved = [move(baseline) for baseline in (None, leave_one_out, known(before))]
    return [ravel_pytree(m.gradient)[0] for m in moved], moved[0].alignment

  return {kind: jax.jit(functools.partial(estimate, build)) for kind, build in KINDS.items()}


def estimates(
  key: Key, kinds: dict[str, Callable[..., Any]], state: Trained, count: int
) -> dict[tuple[str, str], np.ndarray]:
  """(kind, baseline) -> [count, numbers in phi], all baselines on the same draws."""
  results = {}
  for kind, estimate in kinds.items():
    keys = jax.random.split(key, PILOT + count)
    pilot = [estimate(k, state, jnp.zeros(()))[1] for k in keys[:PILOT]]
    before = jnp.mean(jnp.stack(pilot))
    rows = [np.stack(jax.device_get(estimate(k, state, before)[0])) for k in keys[PILOT:]]
    for i, baseline in enumerate(BASELINES):
      results[kind, baseline] = np.stack([row[i] for row in rows])
    logging.info("%d estimates: %s", count, kind)
  return results


def ratio(above: np.ndarray, below: np.ndarray) -> Spread:
  """Of the traces of two covariances: (the ratio, the bootstrap's 2.5 and 97.5 per cent)."""
  rng = np.random.default_rng(0)

  def trace(x: np.ndarray) -> float:
    return float(np.var(x, axis=0, ddof=1).sum())

  def again(x: np.ndarray) -> float:
    return trace(x[rng.integers(len(x), size=len(x))])

  boot = [again(above) / again(below) for _ in range(1000)]
  return Spread(trace(above) / trace(below), *np.percentile(boot, [2.5, 97.5]))


def parts_of(phi: Any) -> dict[str, slice]:
  """Where in a flat gradient the whole and each leaf of phi are."""
  leaves = jax.tree_util.tree_leaves_with_path(phi)
  ends = np.cumsum([np.size(leaf) for _, leaf in leaves]).tolist()
  parts = {"all of phi": slice(0, ends[-1])}
  for (path, leaf), end in zip(leaves, ends, strict=True):
    parts[jax.tree_util.keystr(path).strip(".[]'")] = slice(end - np.size(leaf), end)
  return parts


def table(results: dict[tuple[str, str], np.ndarray], parts: dict[str, slice]) -> str:
  """Markdown: a row for each kind and baseline, and one with leave one out on both."""
  reference = results["shared", "no baseline"]
  pairs = {", ".join(kind): (x, reference) for kind, x in results.items()}
  both = "leave one out"
  pairs["per-image / shared, both leave one out"] = (
    results["per-image", both],
    results["shared", both],
  )
  lines = ["| estimate | " + " | ".join(parts) + " |", "| --- |" + " --- |" * len(parts)]
  for name, (above, below) in pairs.items():
    cells = []
    for part in parts.values():
      middle, low, high = ratio(above[:, part], below[:, part])
      cells.append(f"{middle:.4f} ({low:.4f}-{high:.4f})")
    lines.append(f"| {name} | {' | '.join(cells)} |")
  return "\n".join(lines)


def define_flags() -> None:
  flags.DEFINE_string("data", "", "An .npz of images; none: scikit-learn's digits.")
  flags.DEFINE_list("epochs", ["5", "30"], "After how many epochs the network is held.")
  flags.DEFINE_integer("estimates", 200, "Independent estimates of each kind.", lower_bound=2)
  flags.DEFINE_integer("images", 1024, "Augmented training images in an estimate.")
  flags.DEFINE_integer("draws", 8, "Composites in an estimate by shared draws.", lower_bound=2)
  flags.DEFINE_bool(
    "same_places", False, "Shared draws share flips, directions and places, as in SLACK's code."
  )
  flags.DEFINE_integer("validation", 128, "Validation images in an estimate.")
  flags.DEFINE_integer("batch", 64, "Images in a training step.")
  flags.DEFINE_integer("training", 2000, "At most so many images to train on.")
  flags.DEFINE_integer("seed", 0, "The seed of everything.")
  flags.DEFINE_integer("core", None, "The core to stay on (else the last); negative: any.")


def main(argv: list[str]) -> None:
  del argv
  given = flags.FLAGS
  one_thread(given.core)
  began = time.perf_counter()
  counts = Counts(given.images, given.draws, given.validation, given.same_places)
  held = sorted({int(epoch) for epoch in given.epochs})
  train, validation = load(given.data, given.training)
  policy = categorical_uniform(spaces.slack_cifar(), 3)
  initial, training, measuring = jax.random.split(jax.random.key(given.seed), 3)
  problem = Problem(policy, small_cnn(), policy.init(initial), train, validation)
  state, step = start(problem, initial), train_step(problem, given.batch)
  kinds = compiled(problem, counts)
  per_epoch = train.label.size // given.batch
  for number in range(held[-1] * per_epoch + 1):
    epoch, within = divmod(number, per_epoch)
    if within == 0 and epoch in held:
      measured = jax.random.fold_in(measuring, epoch)
      results = estimates(measured, kinds, state, given.estimates)
      minutes = (time.perf_counter() - began) / 60
      print(f"after {epoch} epochs ({minutes:.1f} minutes since the start):")
      print(table(results, parts_of(problem.phi)), flush=True)
    state = jax.block_until_ready(step(jax.random.fold_in(training, number), state))


if __name__ == "__main__":
  define_flags()
  app.run(main)
