"""Online bilevel's policy: a network from noise to warps and colours, by their own gradients."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from autoaug_jax.ops import Op, Space, Warp
from autoaug_jax.policies.base import Augmenter, Policy, image_keys
from autoaug_jax.policies.checks import check_fixed
from autoaug_jax.policies.drawers import random_order
from autoaug_jax.policies.merged import merged_warp, signed_strength
from autoaug_jax.policies.perceptron import outputs
from autoaug_jax.policies.stages import Fixed, Network
from autoaug_jax.types import Array, Batch, Key, Phi

Layers: TypeAlias = tuple[int, ...]  # inputs, then the units of each hidden layer
NOISES = 1024  # by which spreads are measured


class NetworkPhi(NamedTuple):
  """What Online bilevel learns: the layers of a network."""

  weights: tuple[Array, ...]  # [inputs, outputs] each, or the diagonal of such a matrix
  biases: tuple[Array, ...]


class NetworkDraw(NamedTuple):
  """What one image gets."""

  magnitude: Array  # [ops], signed
  order: Array  # int32 [ops - warps], in which those that are no warps are applied


class Form(NamedTuple):
  """How the outputs of a network become transformations; `Network` says what each means.

  The released code has tanh for translations and where there are colours, and dropout of 0.2; the
  paper mentions neither. `symmetric` is ours: the outputs are (f(z) - f(-z)) / 2 for noise z, so
  that either direction is as likely and no mean can run away.
  """

  squash: str = "none"
  dropout: float = 0.0
  summed: bool = True
  shuffled: bool = True
  symmetric: bool = False


def no_layers(n: int) -> Layers:
  """No network: each op has a noise of its own, and its spread is what is learned (ours)."""
  return ()


def small_layers(n: int) -> Layers:
  """n numbers of noise, then n and 10 n units for n ops (Section 4.2)."""
  return (n, n, 10 * n)


def medium_layers(n: int) -> Layers:
  """100 numbers of noise, then 64 and 32 units."""
  return (100, 64, 32)


def large_layers(n: int) -> Layers:
  """100 numbers of noise, then 512, 1024, 124 (as printed) and 512 units."""
  return (100, 512, 1024, 124, 512)


def network(
  space: Space,
  *,
  layers: Callable[[int], Layers] = small_layers,
  spread: float | None = 0.05,
  form: Form = Form(),  # noqa: B008
) -> Policy:
  """Online bilevel (Section 3.2): noise ~ U(-1, 1) to a signed magnitude for each op of `space`.

  Differentiable in phi, on float images. Warps come first, and are one bilinear warp; then the
  others in a random order. The paper's spaces are `ops.spaces.bilevel_translation`,
  `bilevel_affine`, `bilevel_color` and the last two together.

  Args:
    space: ops with a direction, warps first.
    layers: how many op numbers -> sizes of the network (Table 2); () is no network, but a spread
      for each op, with a noise of its own.
    spread: the standard deviation of each magnitude at the start, about 0: near the identity and
      never at it, where by symmetry nothing is learned. None is the released start, PyTorch's own.
    form: how outputs become transformations.
  """
  count = sum(isinstance(op.fn, Warp) for op in space)
  sizes = (*layers(len(space)), len(space))
  _check(space, sizes, spread, form)
  branches = [_branch(i, op) for i, op in enumerate(space[count:], count)]

  def init(key: Key) -> NetworkPhi:
    starting, measuring = jax.random.split(key)
    start = _released(starting, sizes)
    return start if spread is None else _scaled(measuring, start, spread, form)

  def sample(key: Key, phi: NetworkPhi) -> NetworkDraw:
    drawing, ordering = jax.random.split(key)
    magnitude = _outputs(drawing, phi, form)
    return NetworkDraw(magnitude, random_order(ordering, len(branches), form.shuffled))

  def apply(key: Key, draw: NetworkDraw, image: Array) -> Array:
    warping, running = jax.random.split(key)
    magnitude = draw.magnitude.astype(image.dtype)
    if count:
      warps = magnitude[:count]
      image = merged_warp(warping, image, warps, ops=space[:count], summed=form.summed)
    for k in range(len(branches)):
      own = jax.random.fold_in(running, k)
      image = lax.switch(draw.order[k], branches, own, image, magnitude)
    return image

  return Policy(init, sample, apply)


def in_one_order(policy: Policy) -> Augmenter:
  """`network` for each image, with one random order for the whole batch, as the released code has

  it: with an order for each image every op runs as often as there are ops.
  """
  one = NetworkDraw(0, None)  # type: ignore[arg-type]

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    if key.ndim:
      raise ValueError(f"in_one_order takes one key for the whole batch, got {key.shape}")
    order = policy.sample(jax.random.fold_in(key, 0), phi).order
    keys = image_keys(jax.random.fold_in(key, 1), len(batch.image), first=first)
    split = jax.vmap(jax.random.split)(keys)
    draws = jax.vmap(policy.sample, in_axes=(0, None))(split[:, 0], phi)._replace(order=order)
    images = jax.vmap(policy.apply, in_axes=(0, one, 0))(split[:, 1], draws, batch.image)
    return batch._replace(image=images)

  return Augmenter(policy.init, augment)


def preceded(first_of_all: Augmenter, augmenter: Augmenter) -> Augmenter:
  """An augmenter without parameters, then `augmenter`; phi is the latter's."""

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    before, behind = jax.random.split(key)
    batch = first_of_all.augment(before, (), batch, first=first)
    return augmenter.augment(behind, phi, batch, first=first)

  return Augmenter(augmenter.init, augment)


def magnitudes(phi: NetworkPhi, *, form: Form = Form()) -> Array:  # noqa: B008
  """[1024, ops]: what the network says to the same noises at each call."""
  keys = jax.random.split(jax.random.key(0), NOISES)
  return jax.vmap(lambda k: _outputs(k, phi, form))(keys)


def network_as_fixed(phi: NetworkPhi, space: Space, *, form: Form = Form()) -> Fixed:  # noqa: B008
  """The policy at phi as data: the same distribution for each image, nothing left to learn."""
  whole = _in_full(phi, form)
  weights = tuple(_nested(matrix) for matrix in whole.weights)
  biases = tuple(_nested(bias) for bias in whole.biases)
  names = tuple(op.name for op in space)
  stage = Network(
    names, weights, biases, form.squash, form.dropout, form.summed, shuffled=form.shuffled
  )
  fixed = Fixed(space, (stage,))
  check_fixed(fixed)
  return fixed


def uniform_magnitudes(space: Space, reach: float, *, summed: bool = True) -> Fixed:
  """Every op of `space` at a magnitude uniform in -reach..reach: one number says it all (Table 1).

  Warps are one, the others come in a random order, as in `network`.
  """
  n = len(space)
  matrix = tuple(tuple(reach if i == j else 0.0 for j in range(n)) for i in range(n))
  names = tuple(op.name for op in space)
  stage = Network(names, (matrix,), ((0.0,) * n,), summed=summed, shuffled=True)
  fixed = Fixed(space, (stage,))
  check_fixed(fixed)
  return fixed


def _branch(index: int, op: Op) -> Callable[[Key, Array, Array], Array]:
  def run(key: Key, image: Array, magnitude: Array) -> Array:
    return op.fn(key, image, signed_strength(op, magnitude[index]))

  return run


def _released(key: Key, sizes: Sequence[int]) -> NetworkPhi:
  """PyTorch's default: all numbers of a layer uniform within 1 / sqrt(inputs)."""
  if len(sizes) == 1:
    return NetworkPhi((jnp.ones(sizes[0]),), (jnp.zeros(sizes[0]),))
  weights, biases = [], []
  for i, (inputs, units) in enumerate(itertools.pairwise(sizes)):
    for_weights, for_biases = jax.random.split(jax.random.fold_in(key, i))
    reach = inputs**-0.5
    weights.append(jax.random.uniform(for_weights, (inputs, units), minval=-reach, maxval=reach))
    biases.append(jax.random.uniform(for_biases, (units,), minval=-reach, maxval=reach))
  return NetworkPhi(tuple(weights), tuple(biases))


def _scaled(key: Key, start: NetworkPhi, spread: float, form: Form) -> NetworkPhi:
  """`start` with outputs of mean 0 and deviation `spread`, over noises drawn for that.

  Hidden biases begin at 0, so that no unit of a small network is out of reach of all noises.
  """
  still = NetworkPhi(start.weights, tuple(jnp.zeros_like(b) for b in start.biases))
  # tanh is taken to be the identity: at small spreads it is.
  plain = Form(symmetric=form.symmetric)
  values = jax.vmap(lambda k: _outputs(k, still, plain))(jax.random.split(key, NOISES))
  factor = spread / jnp.maximum(jnp.std(values, axis=0), 1e-6)
  last = still.weights[-1]
  last, shift = last * jnp.broadcast_to(factor, last.shape), -factor * jnp.mean(values, axis=0)
  return NetworkPhi((*still.weights[:-1], last), (*still.biases[:-1], shift))


def _outputs(key: Key, phi: NetworkPhi, form: Form) -> Array:
  """[ops] for noise drawn with `key`."""
  whole = _in_full(phi, form)
  return outputs(key, *whole, squash=form.squash, dropout=form.dropout)


def _in_full(phi: NetworkPhi, form: Form) -> NetworkPhi:
  """All matrices that the noise goes through."""
  if phi.weights[0].ndim == 1:
    phi = phi._replace(weights=(jnp.diag(phi.weights[0]),))
  return _both_sides(phi) if form.symmetric else phi


def _both_sides(phi: NetworkPhi) -> NetworkPhi:
  """The network z -> (f(z) - f(-z)) / 2, two of f side by side."""
  (first, *rest), biases = phi.weights, phi.biases
  if not rest:
    return NetworkPhi((first,), (jnp.zeros_like(biases[0]),))
  *middle, last = rest
  weights = [
    jnp.concatenate([first, -first], axis=1),
    *(jax.scipy.linalg.block_diag(w, w) for w in middle),
    jnp.concatenate([last, -last]) / 2,
  ]
  doubled = [jnp.concatenate([b, b]) for b in biases[:-1]]
  return NetworkPhi(tuple(weights), (*doubled, jnp.zeros_like(biases[-1])))


def _nested(x: Any) -> Any:
  """Tuples of tuples of floats."""
  return _tuples(np.asarray(x, np.float64).tolist())


def _tuples(x: Any) -> Any:
  return tuple(map(_tuples, x)) if isinstance(x, list) else x


def _check(space: Space, sizes: Sequence[int], spread: float | None, form: Form) -> None:
  if spread is not None and not spread > 0:
    raise ValueError(f"spread is positive, got {spread}: at the identity nothing is learned")
  if len(sizes) == 1 and spread is None:
    raise ValueError("without layers there is no released start: say a spread")
  if min(sizes) < 1:
    raise ValueError(f"a network takes layers of at least 1 unit, got {tuple(sizes)}")
  pairs = list(itertools.pairwise(sizes)) or [(sizes[0], sizes[0])]
  empty: Any = [np.zeros(pair) for pair in pairs]
  biases: Any = [np.zeros(units) for _, units in pairs]
  network_as_fixed(NetworkPhi(tuple(empty), tuple(biases)), space, form=form)
