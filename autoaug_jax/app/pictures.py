"""Pictures of a search: what it learned, how it came to that, and what it does to images."""

import pathlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax import report
from autoaug_jax.ops import apply, find
from autoaug_jax.policies import Fixed, Slots, op_shares

Trajectory: TypeAlias = Mapping[str, np.ndarray]  # {"move": [T], name: [T, ...]}

EXAMPLES = 4  # images
EACH = 3  # likely ops, and as many unlikely ones


def save_pictures(pictures: Mapping[str, Any], folder: str | pathlib.Path) -> None:
  """Writes each figure as a .png of its name."""
  for name, figure in pictures.items():
    report.save(figure, pathlib.Path(folder) / f"{name}.png")


def slack_pictures(policy: Fixed, trajectory: Trajectory, images: np.ndarray) -> dict[str, Any]:
  """The policy as a pie, what it does, and probabilities, bounds and entropy on the way."""
  slots = next(stage for stage in policy.stages if isinstance(stage, Slots))
  names = slots.ops
  found = {
    "policy": report.policy_pie(
      names, np.asarray(slots.probability), bound=np.asarray(slots.high[0])
    ),
    "likely": likely_and_unlikely(policy, images),
  }
  moves = trajectory.get("move", ())
  if len(moves) < 2:
    return found
  probability, bounds = trajectory["probability"], trajectory["bound"]
  return found | {
    "probabilities": report.evolution(names, moves, probability, uniform=1 / len(names)),
    "bounds": report.evolution(names, moves, bounds, label="magnitude bound", titles=[""]),
    "entropy": report.entropy(moves, probability),
  }


def likely_and_unlikely(policy: Fixed, images: np.ndarray) -> Any:
  """Images uint8 [n, H, W, C] under the ops that slots choose most and least often (Figure 1).

  Each op at the end of its range of magnitudes, towards the side that its sign was drawn to.
  """
  shares = op_shares(policy)
  ranked = sorted(shares, key=lambda name: -shares[name])
  count = min(EACH, len(ranked) // 2)
  sides = {"likely": ranked[:count], "unlikely": ranked[len(ranked) - count :]}
  done = {
    side: np.stack(
      [[_under(policy, name, i, image) for name in names] for i, image in enumerate(images)]
    )
    for side, names in sides.items()
  }
  captions = {side: [[f"{n}\n{shares[n]:.1%}" for n in names]] for side, names in sides.items()}
  return report.extremes(
    images,
    done["likely"],
    done["unlikely"],
    likely_names=captions["likely"] * len(images),
    unlikely_names=captions["unlikely"] * len(images),
  )


def some_images(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
  """The first image of each of the first classes."""
  classes = np.unique(labels)[:EXAMPLES]
  return np.stack([images[np.flatnonzero(labels == label)[0]] for label in classes])


def _under(policy: Fixed, name: str, number: int, image: np.ndarray) -> np.ndarray:
  """One image under the op called `name`."""
  highs = [
    stage.high[0][stage.ops.index(name)]
    for stage in policy.stages
    if isinstance(stage, Slots) and name in stage.ops
  ]
  key, sign = jax.random.key(number), 1.0 if number % 2 else -1.0
  op = policy.space[find(policy.space, name)]
  return np.asarray(apply(key, op, jnp.asarray(image), max(highs), sign=sign))


# method -> (its policy, its trajectory, a few images) -> figures by name
PICTURES = {"slack": slack_pictures}
