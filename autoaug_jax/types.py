"""The nouns that every floor shares."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax

Array: TypeAlias = jax.Array
Key: TypeAlias = jax.Array  # a typed key, jax.random.key(seed)
Params: TypeAlias = Any  # theta: a pytree of network parameters
Phi: TypeAlias = Any  # phi: a pytree of augmentation parameters
Loss: TypeAlias = Callable[[Params, Phi], Array]  # (theta, phi) -> scalar


class Batch(NamedTuple):
  """Examples and what a loss needs to know of them; `weight` multiplies each example's loss."""

  image: Array  # [B, H, W, C]
  label: Array  # [B], or [B, classes] where labels are soft, or several
  weight: Array  # [B]
  index: Array  # type: ignore[assignment]  # [B], the example's number in its data set


class Feed(NamedTuple):
  """Batches by number: what the host hands over, and how a jitted step makes a batch of it."""

  held: Any  # device arrays that every step reads (images, labels); () for a stream
  draw: Callable[[int], Any]  # step -> indices [B], or decoded examples: the host's part
  batch: Callable[[Any, Any], Batch]  # (held, drawn) -> Batch: the jitted step's part
  steps_per_epoch: int
