"""Score functions (REINFORCE): policies that are sampled, not differentiated.

With the score on the weight of a loss, exp(log_prob - stop_gradient(log_prob)), `unrolled` already
differentiates such a policy. These two give the same numbers, and more: clipping and baselines.
The direction is w = (d step / d gradient)' v, -eta v for SGD, and the gradient in phi

  mean_d (<grad loss_d, w> - b_d) grad_phi log_prob_d

is SLACK's equation for its policy (supplement B.1) when the baseline b is 0.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import chex
import jax
import jax.numpy as jnp
import optax

from autoaug_jax import trees
from autoaug_jax.devices import mean_over
from autoaug_jax.hypergrad.base import Inner, Joint, Moved
from autoaug_jax.hypergrad.joint import apply_gradient
from autoaug_jax.types import Array, Loss, Params, Phi

# (alignments [D], axis_name) -> [D]; alignments differ over that axis where it is named
Baseline: TypeAlias = Callable[[Array, str | None], Array]


def leave_one_out(alignments: Array, axis_name: str | None) -> Array:
  """[D] -> [D]: for each draw the mean alignment of the others, on all devices.

  Others know nothing of a draw, so the mean of the estimate stays what it is, but for what the draw
  does to the point ahead at which all alignments are taken: O(step / D), 0 for a linear outer loss.
  """
  count = alignments.size * (1 if axis_name is None else jax.lax.axis_size(axis_name))
  if count < 2:
    raise ValueError("leave_one_out needs at least 2 draws, not 1: use a running mean")
  mean = mean_over(axis_name)(jnp.mean(alignments))
  return (count * mean - alignments) / (count - 1)


def known(value: Array | float) -> Baseline:
  """A number known before the draws, such as the running mean of Moved.alignment: never a bias."""
  return lambda alignments, axis_name: jnp.full_like(alignments, value)


def shared_score(
  optimizer: optax.GradientTransformation,
  *,
  draws: int = 8,
  baseline: Baseline | None = None,
  clip: float | None = None,
  outer_clip: float | None = None,
  rate: float | None = None,
  has_aux: bool = False,
  axis_name: str | None = None,
) -> Joint:
  """SLACK's step: each of `draws` composites is applied to the whole batch.

  inner(theta, phi, d) -> (loss, log_prob) of composite d (an int), or (loss, (log_prob, aux)) under
  `has_aux`; Moved.aux is then a tuple over draws. Log-probabilities are of draws held fixed.

  Training needs the gradient of each draw anyway; kept, they make the search cost one validation
  gradient and some dot products: 3 `draws` + 3 forward passes, one plain step per batch seen, and
  `draws` copies of theta. Prefer `per_image_score` where one composite per image is possible: as
  many composites as images lower the variance.

  `clip` shortens each draw's gradient to that norm before it is used at all, `outer_clip` each
  array of v separately (SLACK's code has 5 and 5 on CIFAR). `rate` puts -rate v in the place of w:
  SLACK keeps the initial learning rate there while that of the step decays.
  """
  if draws < 1:
    raise ValueError(f"draws must be at least 1, not {draws}")
  mean = mean_over(axis_name)

  def move(inner: Inner, outer: Loss, theta: Params, phi: Phi, opt_state: optax.OptState) -> Moved:
    losses, gradients, auxes = [], [], []
    start = theta
    for d in range(draws):

      def loss_of(theta: Params, d: int = d) -> Any:
        return inner(theta, phi, d)

      (loss, rest), gradient = jax.value_and_grad(loss_of, has_aux=True)(start)
      loss, gradient = mean((loss, gradient))
      gradients.append(gradient if clip is None else trees.clipped(gradient, clip))
      losses.append(loss)
      auxes.append(rest[1] if has_aux else None)
      # One draw after the other, so that one draw's activations are in memory at a time.
      start = trees.after(theta, gradient)

    gradient = _tree_mean(gradients)
    look = _look_ahead(optimizer, outer, outer_clip, rate, axis_name)
    ahead, state, value, w, direct = look(gradient, theta, phi, opt_state)
    alignments = jnp.stack([trees.vdot(g, w) for g in gradients])
    weights = alignments if baseline is None else alignments - baseline(alignments, None)

    def scores(phi: Phi) -> Array:
      rests = [inner(theta, phi, d)[1] for d in range(draws)]
      log_probs = jnp.stack([rest[0] if has_aux else rest for rest in rests])
      chex.assert_shape(log_probs, (draws,))
      return jnp.mean(weights.astype(log_probs.dtype) * log_probs)

    total = trees.add(direct, mean(jax.grad(scores)(phi)))
    loss = jnp.mean(jnp.stack(losses))
    aux = tuple(auxes) if has_aux else None
    return Moved(ahead, state, value, total, loss, jnp.mean(alignments), aux)

  return move


def per_image_score(
  optimizer: optax.GradientTransformation,
  *,
  baseline: Baseline | None = None,
  outer_clip: float | None = None,
  rate: float | None = None,
  has_aux: bool = False,
  axis_name: str | None = None,
) -> Joint:
  """Each image has its own composite; one forward-mode product aligns all images with v.

  inner(theta, phi) -> (losses [B], log_probs [B]), or ((losses, log_probs), aux) under `has_aux`;
  the inner loss is the mean of the losses. 8 forward passes, 1.33 plain steps per image seen: 3 for
  the training gradient, 3 for v, and 2 for d losses = (d losses / d theta) w, whose forward pass is
  shared. `outer_clip` and `rate` are those of `shared_score`; single images cannot be clipped.
  Prefer it wherever an image can have a composite of its own.
  """
  mean = mean_over(axis_name)

  def move(inner: Inner, outer: Loss, theta: Params, phi: Phi, opt_state: optax.OptState) -> Moved:
    def drawn(theta: Params, phi: Phi) -> Any:
      out, aux = inner(theta, phi) if has_aux else (inner(theta, phi), None)
      chex.assert_rank(out, 1)
      chex.assert_equal_shape(out)
      return out, aux

    def loss_of(theta: Params) -> Any:
      (losses, _), aux = drawn(theta, phi)
      return jnp.mean(losses), aux

    (loss, aux), gradient = jax.value_and_grad(loss_of, has_aux=True)(theta)
    loss, gradient = mean((loss, gradient))
    look = _look_ahead(optimizer, outer, outer_clip, rate, axis_name)
    ahead, state, value, w, direct = look(gradient, theta, phi, opt_state)
    alignments = jax.jvp(lambda t: drawn(t, phi)[0][0], (theta,), (w,))[1]
    weights = alignments if baseline is None else alignments - baseline(alignments, axis_name)

    def scores(phi: Phi) -> Array:
      log_probs = drawn(theta, phi)[0][1]
      return jnp.mean(weights.astype(log_probs.dtype) * log_probs)

    total = trees.add(direct, mean(jax.grad(scores)(phi)))
    return Moved(ahead, state, value, total, loss, mean(jnp.mean(alignments)), aux)

  return move


def _look_ahead(
  optimizer: optax.GradientTransformation,
  outer: Loss,
  outer_clip: float | None,
  rate: float | None,
  axis_name: str | None,
) -> Callable[..., Any]:
  """(gradient, theta, phi, opt_state) -> (theta ahead, state, value, w, d outer / d phi)."""
  mean = mean_over(axis_name)

  def look(gradient: Params, theta: Params, phi: Phi, opt_state: optax.OptState) -> Any:
    ahead, pull, state = jax.vjp(
      lambda g: apply_gradient(optimizer, g, opt_state, theta), gradient, has_aux=True
    )
    value, (v, direct) = mean(jax.value_and_grad(outer, argnums=(0, 1))(ahead, phi))
    if outer_clip is not None:
      v = jax.tree.map(lambda leaf: trees.clipped(leaf, outer_clip), v)
    w = pull(v)[0] if rate is None else trees.scaled(-rate, v)
    return ahead, state, value, w, direct

  return look


def _tree_mean(each: list[Params]) -> Params:
  return jax.tree.map(lambda *leaves: sum(leaves[1:], leaves[0]) / len(leaves), *each)
