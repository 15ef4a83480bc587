"""Pictures of a search: what it learned, how it came to that, and what it does to images."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax import report
from autoaug_jax.app.caught import of_training, precision_recall
from autoaug_jax.app.ground import silent
from autoaug_jax.app.moments import at_moments
from autoaug_jax.app.own import are_classes
from autoaug_jax.app.prediction_pictures import prediction_pictures
from autoaug_jax.app.predictions import Predictions
from autoaug_jax.data import Examples
from autoaug_jax.methods import Verdicts, verdicts
from autoaug_jax.ops import apply, find
from autoaug_jax.policies import Fixed, Gaussian, Network, PerClass, Slots, op_shares

EXAMPLES = 4  # images
EACH = 3  # likely ops, and as many unlikely ones
SUSPECTS = 32
LENGTHS = 60  # of a list, at most, in the picture of its precision and recall
PIES = 12  # classes with a policy of their own that are shown
MADAO = {"selection": "selections", "probability": "probabilities", "magnitude": "magnitudes"}
LOOKED_AT = 500  # of the training images, for examples

Stage = TypeVar("Stage")


class Story(NamedTuple):
  """What there is to be drawn of a search."""

  policy: Fixed
  phi: Any
  trajectory: Mapping[str, np.ndarray]  # {"move": [T], name: [T, ...]}; {} where none was kept
  examples: Examples
  train: np.ndarray  # numbers of the training side
  labels: np.ndarray  # of all examples, as training sees them
  classes: tuple[str, ...]
  by_class: PerClass | None = None  # `policy` is then their mean
  look: Callable[[], Predictions] | None = None  # at test images, by the network of the search
  say: Callable[[str], None] = silent  # who is told what could not be drawn


def save_pictures(method: str, story: Story, folder: str | pathlib.Path) -> None:
  """Writes what there is to see of a method's search as .png files."""
  for name, figure in _PICTURES[method](story).items():
    report.save(figure, pathlib.Path(folder) / f"{name}.png")


def _slack(story: Story) -> dict[str, Any]:
  """The policy as a pie, what it does, and probabilities, bounds and entropy on the way."""
  slots = _stage(story.policy, Slots)
  names, told = slots.ops, story.trajectory
  found = {
    "policy": report.policy_pie(
      names, np.asarray(slots.probability), bound=np.asarray(slots.high[0])
    ),
    "likely": _likely_and_unlikely(story),
  }
  if story.by_class is not None:
    found["classes"] = _class_pies(names, story.by_class)
  if not _moved(told):
    return found
  moves, probability, bound = told["move"], told["probability"], told["bound"]
  return found | {
    "probabilities": report.evolution(names, moves, probability, uniform=1 / len(names)),
    "bounds": report.evolution(names, moves, bound, label="magnitude bound", titles=[""]),
    "entropy": report.entropy(moves, probability),
  }


def _class_pies(names: tuple[str, ...], each: PerClass) -> Any:
  """A pie for each of the first classes."""
  pies = {}
  for name, policy in zip(each.classes[:PIES], each.policies, strict=False):
    slots = _stage(policy, Slots)
    pies[name] = (np.asarray(slots.probability), np.asarray(slots.high[0]))
  return report.policy_pies(names, pies)


def _madao(story: Story) -> dict[str, Any]:
  """The selection as a pie, what it does, and the three kinds of numbers on the way (Fig. 3-5)."""
  slots = _stage(story.policy, Slots)
  names, told = slots.ops, story.trajectory
  magnitude = np.asarray(slots.high).mean(0)
  found = {
    "policy": report.policy_pie(names, np.asarray(slots.probability), bound=magnitude),
    "likely": _likely_and_unlikely(story),
  }
  if not _moved(told):
    return found
  stages = [f"stage {k + 1}" for k in range(len(slots.probability))]
  level = {"selection": 1 / len(names)}
  return found | {
    plural: report.evolution(
      names, told["move"], told[name], label=name, uniform=level.get(name), titles=stages
    )
    for name, plural in MADAO.items()
  }


def _online_bilevel(story: Story) -> dict[str, Any]:
  """How far each parameter of the transformations spreads on the way, and what it does (Fig. 3).

  None of a comparison, in which only the network learns.
  """
  if not jax.tree.leaves(story.phi):
    return {}
  told, stage = story.trajectory, _stage(story.policy, Network)
  found = _spreads(stage.ops, told, "mean", "spread")
  if not found:
    return found
  images = _some_images(story)
  rows, moments = at_moments(story.policy.space, stage, told, images)
  return found | {
    "through_time": report.through_time(_visible(rows), moments, before=_visible(images))
  }


def _autodo(story: Story) -> dict[str, Any]:
  """How far each op goes on the average, doubted labels, and what became of test images."""
  found: dict[str, Any] = {}
  told = story.trajectory
  if "deviation" in told:
    still = {**told, "mean": np.zeros_like(told["deviation"])}
    found = _spreads(_stage(story.policy, Gaussian).ops, still, "mean", "deviation")
  if story.look is not None:
    found |= prediction_pictures(story.look(), story.classes, say=story.say)
  if not jax.tree.leaves((story.phi.weight, story.phi.label)):
    return found
  learned = verdicts(story.phi, story.labels)
  return found | _doubted(story, learned)


def _doubted(story: Story, learned: Verdicts) -> dict[str, Any]:
  """The examples that are suspected most, those that count least, and how many are wrong."""
  suspects = of_training(learned, story.train)
  kinds = {"suspects": suspects}
  if jax.tree.leaves(story.phi.weight):
    by_weight = np.argsort(learned.weight[story.train], kind="stable")
    kinds["lightest"] = story.train[by_weight]
  found = {}
  for name, numbers in kinds.items():
    chosen = numbers[:SUSPECTS]
    found[name] = report.suspects(
      _visible(story.examples.fetch(chosen)),
      story.labels[chosen],
      learned.weight[chosen],
      proposed=learned.label[chosen],
      names=story.classes,
    )
  wrong = story.labels != np.asarray(story.examples.labels)
  if wrong[story.train].any():
    found["found"] = _found(suspects, wrong)
  return found


def _found(suspects: np.ndarray, wrong: np.ndarray) -> Any:
  """Precision and recall by the length of the list, where it is known which labels are wrong."""
  count = int(wrong[suspects].sum())
  longest = min(len(suspects), 3 * count)
  lengths = np.unique(np.linspace(1, longest, min(longest, LENGTHS)).astype(np.int64))
  each = np.asarray([precision_recall(suspects, wrong, int(n)) for n in lengths])
  names = ("precision", "recall")
  curves = [report.Curve(name, lengths, each[:, i]) for i, name in enumerate(names)]
  return report.learning_curves({f"{count} labels are wrong": curves}, label="suspects listed")


_PICTURES = {
  "slack": _slack,
  "madao": _madao,
  "online_bilevel": _online_bilevel,
  "autodo": _autodo,
}


def _moved(told: Mapping[str, np.ndarray]) -> bool:
  return len(told.get("move", ())) > 1


def _stage(policy: Fixed, kind: type[Stage]) -> Stage:
  return next(stage for stage in policy.stages if isinstance(stage, kind))


def _spreads(
  names: tuple[str, ...], told: Mapping[str, np.ndarray], mean: str, deviation: str
) -> dict[str, Any]:
  if not _moved(told):
    return {}
  return {"spread": report.spread(names, told["move"], told[mean], told[deviation])}


def _likely_and_unlikely(story: Story) -> Any:
  """Images under the ops that slots choose most and least often (SLACK's Figure 1).

  Each op at the end of its range of magnitudes, in turn towards either side.
  """
  shares = op_shares(story.policy)
  ranked = sorted(shares, key=lambda name: -shares[name])
  count = max(1, min(EACH, len(ranked) // 2))
  images = _some_images(story)
  sides = {"likely": ranked[:count], "unlikely": ranked[len(ranked) - count :]}
  done = {
    side: np.stack(
      [[_under(story.policy, name, i, image) for name in names] for i, image in enumerate(images)]
    )
    for side, names in sides.items()
  }
  captions = {side: [[f"{n}\n{shares[n]:.1%}" for n in names]] for side, names in sides.items()}
  return report.extremes(
    _visible(images),
    _visible(done["likely"]),
    _visible(done["unlikely"]),
    likely_names=captions["likely"] * len(images),
    unlikely_names=captions["unlikely"] * len(images),
  )


def _some_images(story: Story) -> np.ndarray:
  """The first image of each of the first classes."""
  numbers = story.train[:LOOKED_AT]
  labels = story.labels[numbers]
  if not are_classes(labels):
    return story.examples.fetch(np.asarray(numbers[:EXAMPLES]))
  first = [numbers[np.flatnonzero(labels == label)[0]] for label in np.unique(labels)[:EXAMPLES]]
  return story.examples.fetch(np.asarray(first))


def _visible(images: np.ndarray) -> np.ndarray:
  """[..., C] -> [..., 1 or 3]: of other images the first channels."""
  channels = images.shape[-1]
  return images if channels in (1, 3) else images[..., : 3 if channels > 3 else 1]


def _under(policy: Fixed, name: str, number: int, image: np.ndarray) -> np.ndarray:
  """One image under the op called `name`."""
  slots = _stage(policy, Slots)
  column = slots.ops.index(name)
  magnitude = max(row[column] for row in slots.high)
  key, sign = jax.random.key(number), 1.0 if number % 2 else -1.0
  op = policy.space[find(policy.space, name)]
  return np.asarray(apply(key, op, jnp.asarray(image), magnitude, sign=sign))
