"""Optimizers and learning rates, from optax's parts, in the papers' and PyTorch's conventions."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from autoaug_jax.hypergrad.clip import clip_by_norm
from autoaug_jax.types import Array, Params

Mask = Callable[[Params], Any]


class RateState(NamedTuple):
  """The learning rate: how often it was used, what it is multiplied by, what it was last."""

  uses: Array  # [] int32
  scale: Array  # [] float32, 1 until a run is rewound
  used: Array  # [] float32


class AverageState(NamedTuple):
  """A moving average of parameters."""

  average: Params


def sgd(
  rate: float | optax.Schedule,
  *,
  momentum: float = 0.9,
  nesterov: bool = False,
  weight_decay: float = 0.0,
  decayed: Mask | None = None,
  clip: float | None = None,
  ema: float | None = None,
) -> optax.GradientTransformation:
  """PyTorch's SGD: clip, then g + weight_decay theta, then momentum, then the learning rate.

  Weight decay is coupled (L2), after clipping as in TrivialAugment's trainer, and on all parameters
  unless `decayed` says on which: `without_norm` or `kernels_only`. `ema` is the decay of a moving
  average of theta, read by `averaged`.
  """
  parts = [] if clip is None else [clip_by_norm(clip)]
  if weight_decay:
    parts.append(optax.add_decayed_weights(weight_decay, mask=decayed))
  if momentum:
    parts.append(optax.trace(momentum, nesterov=nesterov))
  parts.append(by_rate(rate))
  if ema is not None:
    parts.append(average(ema))
  return optax.chain(*parts)


def by_rate(rate: float | optax.Schedule) -> optax.GradientTransformation:
  """-rate times the update; `rate_of` tells the rate, `rescaled` changes it for good.

  A schedule is called with the number of the step as a float.
  """

  def init(params: Params) -> RateState:
    del params
    return RateState(jnp.int32(0), jnp.float32(1), jnp.float32(0))

  def update(updates: Params, state: RateState, params: Params = None) -> tuple[Params, RateState]:
    del params
    # As a float, because optax's schedules mix the number of a step with floats.
    step = state.uses.astype(jnp.result_type(float))
    now = jnp.asarray(rate(step) if callable(rate) else rate)
    now = now * state.scale.astype(now.dtype)
    moved = jax.tree.map(lambda u: -now.astype(u.dtype) * u, updates)
    return moved, RateState(state.uses + 1, state.scale, now.astype(jnp.float32))

  return optax.GradientTransformation(init, update)


def average(decay: float) -> optax.GradientTransformation:
  """Keeps decay * average + (1 - decay) * theta, theta after each step; last in a chain."""
  if not 0 <= decay < 1:
    raise ValueError(f"ema must be at least 0 and below 1, not {decay}")

  def update(updates: Params, state: AverageState, params: Params = None) -> tuple[Params, Any]:
    after = optax.apply_updates(params, updates)
    moved = jax.tree.map(lambda a, p: decay * a + (1 - decay) * p, state.average, after)
    return updates, AverageState(moved)

  return optax.GradientTransformation(lambda params: AverageState(params), update)


def cosine(rate: float, steps: int, *, warmup: int = 0, final: float = 0.0) -> optax.Schedule:
  """From 0 to `rate` in `warmup` steps, then half a cosine down to `final` at `steps`."""
  if not 0 <= warmup < steps:
    raise ValueError(f"warmup must be at least 0 and below the {steps} steps, not {warmup}")
  if not rate > 0:
    raise ValueError(f"a learning rate that goes down must be positive, not {rate}")
  down = optax.cosine_decay_schedule(rate, steps - warmup, alpha=final / rate)
  return _warmed(rate, down, warmup)


def step_decay(
  rate: float, at: Sequence[int], *, factor: float = 0.1, warmup: int = 0
) -> optax.Schedule:
  """`rate`, multiplied by `factor` at each of the steps `at`, after `warmup` steps from 0."""
  if min(at, default=warmup + 1) <= warmup:
    raise ValueError(f"every step of `at` must come after the warm-up of {warmup}, not {list(at)}")

  def down(step: Array | int) -> Array:
    passed = sum((jnp.asarray(step >= s - warmup, float) for s in at), jnp.zeros(()))
    return jnp.asarray(rate, passed.dtype) * jnp.asarray(factor, passed.dtype) ** passed

  return _warmed(rate, down, warmup)


def without_norm(theta: Params) -> Any:
  """True for all but what normalisations are made of: the arrays that lie beside a `scale`."""
  if not isinstance(theta, dict):
    return True
  normalisation = "scale" in theta and not isinstance(theta["scale"], dict)
  return {k: without_norm(v) if not normalisation else False for k, v in theta.items()}


def kernels_only(theta: Params) -> Any:
  """True for weights, arrays of two axes or more; false for biases and normalisations."""
  return jax.tree.map(lambda x: x.ndim > 1, theta)


def rate_of(opt_state: optax.OptState) -> Array | None:
  """The learning rate last used, [] float32; None where the optimizer is not from `by_rate`."""
  rates = [x for x in _nodes(opt_state, RateState) if isinstance(x, RateState)]
  return rates[0].used if rates else None


def rescaled(opt_state: optax.OptState, factor: float) -> optax.OptState:
  """The state whose learning rate is `factor` times what it would have been, from now on."""
  found = False

  def node(x: Any) -> Any:
    nonlocal found
    if not isinstance(x, RateState):
      return x
    found = True
    return x._replace(scale=x.scale * factor)

  moved = jax.tree.map(node, opt_state, is_leaf=lambda x: isinstance(x, RateState))
  if not found:
    raise ValueError("the learning rate cannot be changed: the optimizer has no `by_rate` part")
  return moved


def begun_anew(
  optimizer: optax.GradientTransformation, theta: Params, opt_state: optax.OptState
) -> optax.OptState:
  """A fresh state for `theta` that keeps what `rescaled` made of the learning rate."""

  def node(new: Any, old: Any) -> Any:
    return new._replace(scale=old.scale) if isinstance(new, RateState) else new

  fresh = optimizer.init(theta)
  return jax.tree.map(node, fresh, opt_state, is_leaf=lambda x: isinstance(x, RateState))


def averaged(opt_state: optax.OptState) -> Params:
  """The moving average of theta that sgd(ema=...) keeps."""
  for x in _nodes(opt_state, AverageState):
    if isinstance(x, AverageState):
      return x.average
  raise ValueError("the optimizer keeps no average of theta: build it with `ema`")


def _nodes(tree: Any, kind: type) -> list[Any]:
  return jax.tree.leaves(tree, is_leaf=lambda x: isinstance(x, kind))


def _warmed(rate: float, schedule: optax.Schedule, warmup: int) -> optax.Schedule:
  if not warmup:
    return schedule
  return optax.join_schedules([optax.linear_schedule(0.0, rate, warmup), schedule], [warmup])
