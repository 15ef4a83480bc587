"""MADAO without labels: the policy of a contrastive pre-training, and a linear probe (arXiv, 4).

  python -m experiments.recipes.madao_moco --recipe=tiny --workdir=runs/moco     # minutes
  python -m experiments.recipes.madao_moco --recipe=imagenet --data=... --workdir=runs/moco-imagenet

MoCo: two views of each image go through a query network, which is trained, and a key network, its
moving average; a query should be like its own key and unlike the keys of earlier batches, which
wait in a queue. Both views are augmented by the policy. The outer loss is the same contrast on
validation images whose views are crop and flip alone. Afterwards a linear classifier is trained on
frozen features. The frozen policy (--every=0) is the baseline.

The paper does not say what the probe sees: here images are cut out of the middle, not augmented.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from autoaug_jax import data
from autoaug_jax.app import moments, network
from autoaug_jax.ops import Space, spaces
from autoaug_jax.policies import gumbel_numbers
from autoaug_jax.train import SearchState, fit, program
from autoaug_jax.types import Array
from experiments import launch
from experiments.recipes.linear_probe import features, probe
from experiments.recipes.moco import Moco, pretraining

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
    found = features(model, state, _middles(part, numbers, side), normalise)
    sides.append((found, part.labels[numbers]))
  accuracy = probe(
    *sides,
    classes=len(loaded.classes),
    rate=recipe.probe_rate,
    epochs=recipe.probe_epochs,
    drops=recipe.probe_drops,
  )
  policy = jax.device_get(gumbel_numbers(state.phi[-1], ops))
  return Outcome(accuracy, policy, state)


def _middles(part: data.Examples, numbers: np.ndarray, side: int) -> Iterator[np.ndarray]:
  """The middle squares of images, as many at a time as are judged at once."""
  at_a_time = data.evaluation_batch((side, side))
  top, left = ((extent - side) // 2 for extent in part.shape[:2])
  for start in range(0, len(numbers), at_a_time):
    images = part.fetch(numbers[start : start + at_a_time])
    yield images[:, top : top + side, left : left + side]


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
