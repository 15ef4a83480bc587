"""MADAO's policy: which op, with what chance and how strong, all learned by their own gradients."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.ops import Draws, Plain, Space, augment
from autoaug_jax.ops.spaces import IDENTITY
from autoaug_jax.policies.base import Augmenter, Policy
from autoaug_jax.policies.sequence import random_signs, sequence, table_of
from autoaug_jax.policies.stages import Fixed, Row, uniform_slots
from autoaug_jax.types import Array, Batch, Key, Phi


class Start(NamedTuple):
  """Where all chances and all magnitudes begin, as logits."""

  chance: float
  magnitude: float


# By paper: 0.5, and sigmoid(0.5) = 0.62.
STARTS = {"wacv": Start(0.0, 0.0), "arxiv": Start(0.5, 0.5)}
ALWAYS = 40.0  # the logit of a chance of 1


def randaugment_start(level: float, *, bins: int = 30) -> Start:
  """Ops are always applied, all with the magnitude level / bins: RandAugment, while it stays."""
  if not 0 < level < bins:
    raise ValueError(f"level lies between 0 and {bins}, not {level}")
  return Start(ALWAYS, float(np.log(level / (bins - level))))


class GumbelPhi(NamedTuple):
  """What MADAO learns; 78 numbers for its 14 ops and 2 stages."""

  selection: Array  # [K, N], pi by a softmax
  chance: Array  # [K, N], p by a sigmoid
  magnitude: Array  # [K, M], mu by a sigmoid, of the M ops that have one


class Selected(NamedTuple):
  """One op for each stage. All but `op` are differentiable in phi."""

  op: Array  # int32 [K], i
  factor: Array  # [K], u_i / stop_gradient(u_i): 1
  chance: Array  # [K], the logit of p_i
  magnitude: Array  # [K], mu_i


def gumbel(
  space: Space,
  k: int,
  *,
  start: Start = STARTS["wacv"],
  centered: bool = False,
  temperature: float = 0.05,
  coin_temperature: float = 0.1,
) -> Policy:
  """MADAO (Section 3.3): k stages, in each x -> u_i / SG(u_i) [b O_i(x; mu_i) + (1 - b) x].

  u is a Gumbel-softmax sample about pi, i its largest entry: only that op is run. b is a relaxed
  coin. Float images are augmented like that, differentiably in phi and in the images; on uint8
  images b is a coin, which is b > 1/2 of the same numbers, and there is no gradient. Coins and
  directions are each image's own and no part of the draw, also where images share one.

  Args:
    space: the ops; one that is `Plain`, or has an empty range, has no magnitude to learn.
    k: how many stages; 2 in the papers.
    start: one of `STARTS` by its paper's name, or any other.
    centered: x + u_i / SG(u_i) b (O_i(x; mu_i) - x) instead, the same images. The gradient of the
      selection is then that of what the op changes. The paper's is that of scaling the op's whole
      output, which compares ops to a black image and not with each other. Not in the paper.
    temperature: of u; 0.05 in the arXiv version's Table 6.
    coin_temperature: of b; 0.1 in the released code, neither paper says.
  """
  _check(space, k, temperature, coin_temperature)
  table = table_of(space, IDENTITY)
  nothing = jnp.int32(table.index(IDENTITY))
  column = columns_of(space)

  def init(key: Key) -> GumbelPhi:
    shape = (k, len(space))
    equal = jnp.zeros(shape)
    own = (k, int(np.sum(has_magnitude(space))))
    magnitude = jnp.full(own, start.magnitude, equal.dtype)
    return GumbelPhi(equal, jnp.full(shape, start.chance, equal.dtype), magnitude)

  def sample(key: Key, phi: GumbelPhi) -> Selected:
    noise = jax.random.gumbel(key, phi.selection.shape, phi.selection.dtype)
    noisy = jax.nn.log_softmax(phi.selection) + noise
    op = jnp.argmax(noisy, axis=-1).astype(jnp.int32)
    row = jnp.arange(k)
    u = jax.nn.softmax(noisy / temperature)[row, op]
    # One column more for the ops that have no magnitude.
    ones = jnp.ones((k, 1), phi.magnitude.dtype)
    magnitude = jnp.concatenate([jax.nn.sigmoid(phi.magnitude), ones], axis=1)
    chosen = magnitude[row, jnp.asarray(column)[op]]
    return Selected(op, u / jax.lax.stop_gradient(u), phi.chance[row, op], chosen)

  def decide(key: Key, draw: Selected) -> tuple[Draws, Array]:
    """The ops with their directions, and the logits of b."""
    turning, tossing = jax.random.split(key)
    dtype = draw.magnitude.dtype
    signs = random_signs(turning, k).astype(dtype)
    toss = draw.chance + jax.random.logistic(tossing, (k,), dtype)
    return Draws(draw.op, draw.magnitude, signs), toss

  def resolve(key: Key, draw: Selected) -> Draws:
    draws, toss = decide(key, draw)
    return draws._replace(op=jnp.where(toss > 0, draws.op, nothing))

  def relaxed(keys: Array, draws: Selected, images: Array) -> Array:
    split = jax.vmap(jax.random.split)(keys)
    run, toss = jax.vmap(decide)(split[:, 0], draws)
    coins = jax.nn.sigmoid(toss / coin_temperature).astype(images.dtype)
    factors = draws.factor.astype(images.dtype)
    for stage in range(k):
      own = jax.vmap(jax.random.fold_in, in_axes=(0, None))(split[:, 1], stage)
      one = jax.tree.map(lambda field, stage=stage: field[:, stage : stage + 1], run)
      out = augment(own, images, one, space=table)
      b, factor = (_wide(numbers[:, stage]) for numbers in (coins, factors))
      change = b * (out - images)
      images = images + factor * change if centered else factor * (images + change)
      images = _within(images)
    return images

  hard = sequence(table, init, sample, resolve)

  def apply_batch(keys: Array, draws: Selected, images: Array) -> Array:
    assert hard.apply_batch is not None
    run = hard.apply_batch if images.dtype == jnp.uint8 else relaxed
    return run(keys, draws, images)

  def apply(key: Key, draw: Selected, image: Array) -> Array:
    if image.dtype == jnp.uint8:
      return hard.apply(key, draw, image)
    return relaxed(*jax.tree.map(lambda leaf: leaf[None], (key, draw, image)))[0]

  return Policy(init, sample, apply, None, apply_batch)


def in_floats(augmenter: Augmenter) -> Augmenter:
  """`augmenter` on images as floats in [0, 1], on which policies have a gradient."""

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    if batch.image.dtype == jnp.uint8:
      batch = batch._replace(image=jnp.asarray(batch.image).astype(jnp.float32) / 255)
    return augmenter.augment(key, phi, batch, first=first)

  return Augmenter(augmenter.init, augment)


def gumbel_numbers(phi: GumbelPhi, space: Space) -> dict[str, Array]:
  """pi, p and mu, each [K, N]; ops without a magnitude have 0 for it (Figures 3 to 5)."""
  magnitude = jax.nn.sigmoid(phi.magnitude)
  none = jnp.zeros((magnitude.shape[0], 1), magnitude.dtype)
  return {
    "selection": jax.nn.softmax(phi.selection),
    "probability": jax.nn.sigmoid(phi.chance),
    "magnitude": jnp.concatenate([magnitude, none], axis=1)[:, columns_of(space)],
  }


def gumbel_as_fixed(phi: GumbelPhi, space: Space) -> Fixed:
  """The policy at phi as data: what uint8 images see, with nothing left to learn."""
  ops = tuple(op.name for op in space)
  count = int(np.sum(has_magnitude(space)))
  k = len(phi.selection)
  wanted = ((k, len(ops)), (k, len(ops)), (k, count))
  if tuple(np.shape(part) for part in phi) != wanted:
    raise ValueError(
      f"phi takes selection and chance [k, {len(ops)}] and magnitude [k, {count}] for this space, "
      f"got {', '.join(str(np.shape(part)) for part in phi)}"
    )
  selection, chance, magnitude = (np.asarray(part, np.float64) for part in phi)
  share = np.exp(selection - selection.max(axis=1, keepdims=True))
  magnitude = np.concatenate([_sigmoid(magnitude), np.ones((k, 1))], axis=1)[:, columns_of(space)]
  slots = uniform_slots(ops, k)._replace(
    probability=_rows(share / share.sum(axis=1, keepdims=True)),
    keep=_rows(_sigmoid(chance)),
    low=_rows(magnitude),
    high=_rows(magnitude),
  )
  return Fixed(space, (slots,))


def has_magnitude(space: Space) -> np.ndarray:
  """bool [N]: which ops have a magnitude to learn."""
  return np.asarray([not isinstance(op.fn, Plain) and op.low != op.high for op in space])


def columns_of(space: Space) -> np.ndarray:
  """int32 [N]: where each op's magnitude stands; the first place behind all for those without."""
  own = has_magnitude(space)
  return np.where(own, np.cumsum(own) - 1, np.sum(own)).astype(np.int32)


def _sigmoid(x: np.ndarray) -> np.ndarray:
  return 1 / (1 + np.exp(-x))


def _rows(table: np.ndarray) -> tuple[Row, ...]:
  return tuple(tuple(row.tolist()) for row in table)


def _wide(numbers: Array) -> Array:
  """[B] -> [B, 1, 1, 1]."""
  return numbers[:, None, None, None]


def _within(images: Array) -> Array:
  """Rounding may leave [0, 1]; the gradient passes as it is, also at black and white."""
  return images + jax.lax.stop_gradient(jnp.clip(images, 0.0, 1.0) - images)


def _check(space: Space, k: int, temperature: float, coin_temperature: float) -> None:
  if not space:
    raise ValueError("gumbel takes a space of at least one op, got none")
  if k < 1:
    raise ValueError(f"gumbel takes at least 1 stage, got k={k}")
  for name, value in (("temperature", temperature), ("coin_temperature", coin_temperature)):
    if not value > 0:
      raise ValueError(f"{name} must be positive, not {value}")
