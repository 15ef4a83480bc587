"""Policies that do not learn, by the names that people give them, and policy files."""

import hashlib
import pathlib
import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from autoaug_jax import export
from autoaug_jax.app.ground import silent
from autoaug_jax.app.spaces import tell_left_out
from autoaug_jax.ops import Op, spaces
from autoaug_jax.policies import (
  Augmenter,
  Fixed,
  PerClass,
  augmenter,
  class_augmenter,
  fixed,
  in_channels,
)

Colour: TypeAlias = tuple[float, ...]
Factory: TypeAlias = Callable[[float, Colour], Fixed]  # (probability of a flip, mean colour)


def named_policy(
  name: str,
  *,
  flip: float = 0.5,
  mean: Colour = spaces.CIFAR_MEAN,
  channels: int = 3,
  own: Sequence[Op] = (),
  classes: Sequence[str] = (),
  say: Callable[[str], None] = silent,
) -> Augmenter:
  """The policy called `name`, one of `policy_names()`, or in the policy file `name` (.json).

  `randaugment-N-M` takes N ops of magnitude M; without numbers 3 and 5. `flip` is the probability
  with which a policy's default flip is done, and Cutout paints in `mean`; a file says both itself.
  Images of `channels` other than 1 or 3 have no ops that are for RGB, and `say` is told which.
  `own` are the rows of the user's own ops in a file. A file may have a policy for each class:
  `classes` are then the names that labels count.
  """
  found = _found(name, flip, mean, own)
  each = found.policies if isinstance(found, PerClass) else (found,)
  made = [in_channels(one, channels) for one in each]
  tell_left_out(made[0][1], channels, say=say)
  if isinstance(found, PerClass):
    policies = tuple(one for one, _ in made)
    return class_augmenter(found._replace(policies=policies), classes=classes)
  return augmenter(made[0][0])


def _found(name: str, flip: float, mean: Colour, own: Sequence[Op]) -> Fixed | PerClass:
  if name.endswith(".json"):
    return export.load_any(name, own=own).policy
  found = re.fullmatch(r"randaugment-(\d+)-(\d+)", name)
  if found:
    n, m = map(int, found.groups())
    return fixed.randaugment(n=n, m=m, then=fixed.standard_cutout(flip=flip, fill=mean))
  if name not in _NAMES:
    raise ValueError(f"unknown policy {name!r}; known are {', '.join(_NAMES)}, and .json files")
  return _NAMES[name](flip, mean)


def policy_mark(name: str) -> str:
  """What a run remembers of its policy: a name, or of a file what it says, wherever it is."""
  if not name.endswith(".json"):
    return name
  return f"file {hashlib.sha256(pathlib.Path(name).read_bytes()).hexdigest()[:16]}"


def policy_names() -> tuple[str, ...]:
  """What `named_policy` knows by name."""
  return tuple(_NAMES)


def _before_cutout(make: Callable[..., Fixed]) -> Factory:
  """A policy followed by crop, flip and Cutout, as on CIFAR."""
  return lambda flip, mean: make(then=fixed.standard_cutout(flip=flip, fill=mean))


_NAMES: dict[str, Factory] = {
  "none": lambda flip, mean: fixed.none(),
  "standard": lambda flip, mean: fixed.standard(flip=flip),
  "standard-cutout": lambda flip, mean: fixed.standard_cutout(flip=flip, fill=mean),
  "slack-uniform": lambda flip, mean: fixed.slack_uniform(
    spaces.slack_cifar(cutout_fill=mean), flip=flip
  ),
  "randaugment": _before_cutout(fixed.randaugment),
  "trivial-augment-ra": _before_cutout(fixed.trivial_augment_ra),
  "trivial-augment-wide": _before_cutout(fixed.trivial_augment_wide),
  "uniform-augment": _before_cutout(fixed.uniform_augment),
  "autoaugment-cifar": _before_cutout(fixed.autoaugment_cifar),
  "autoaugment-svhn": lambda flip, mean: fixed.autoaugment_svhn(
    then=fixed.cutout(side=20 / 32, fill=mean)
  ),
  "autoaugment-imagenet": lambda flip, mean: fixed.autoaugment_imagenet(
    then=fixed.crop_flip_jitter(flip=flip)
  ),
  "crop-flip-jitter": lambda flip, mean: fixed.crop_flip_jitter(flip=flip),
  "domainbed": lambda flip, mean: fixed.domainbed(flip=flip),
}
