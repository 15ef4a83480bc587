"""The moves of a search, as pure functions on one state."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax

from autoaug_jax import trees
from autoaug_jax.devices import mean_over
from autoaug_jax.hypergrad.base import Hypergradient, Joint, Moved
from autoaug_jax.train import optim
from autoaug_jax.train.problem import Aux, Inner, Problem, mean_of
from autoaug_jax.train.state import SearchState
from autoaug_jax.types import Array, Batch, Key, Phi

Metrics: TypeAlias = dict[str, Array]  # scalars
# (key, state, training batch, validation batch): only what the move needs is there, else None
Move: TypeAlias = Callable[
  [Key, SearchState, Batch | None, Batch | None], tuple[SearchState, Metrics]
]

MOVES = ("train", "search", "joint", "refresh")
# Whether a move reads a batch of the training data, of the validation data.
READS = {"train": (1, 0), "search": (1, 1), "joint": (1, 1), "refresh": (0, 0)}
# Whether the next move gets the next one. A search looks at the batch that training takes next.
TAKES = {"train": (1, 0), "search": (0, 1), "joint": (1, 1), "refresh": (0, 0)}


class Learner(NamedTuple):
  """What can be done to a state. A move that its method does not have is None.

  train: one step of theta. search: one step of phi. joint: one step of both, from one inner
  gradient. refresh: whatever a method does between rounds (a cold start, a new anchor).
  """

  init: Callable[[Key, Batch], SearchState]
  train: Move
  search: Move | None = None
  joint: Move | None = None
  refresh: Move | None = None
  axis_name: str | None = None


def learner(
  problem: Problem,
  optimizer: optax.GradientTransformation,
  *,
  phi_optimizer: optax.GradientTransformation | None = None,
  estimator: Hypergradient | None = None,
  joint: Joint | None = None,
  seen: Callable[[Inner], Any] | None = None,
  draw_clip: float | None = None,
  project: Callable[[Phi], Phi] = lambda phi: phi,
  pin: Callable[[SearchState], Any] | None = None,
  refresh: Callable[[Key, SearchState], SearchState] | None = None,
  axis_name: str | None = None,
  phi_axis_name: str | None = None,
) -> Learner:
  """The moves that solve `problem`.

  Args:
    problem: its losses; built with the same `axis_name`.
    optimizer: of theta; an estimator that looks ahead is given the same one.
    phi_optimizer: of phi, where there is a `search` or a `joint`.
    estimator: makes the `search` move. One that returns the residual of its solve as well
      (`implicit_checked`) has it among the metrics, and `fit` warns where it exceeds 1.
    joint: makes the `joint` move; it is called with losses that return (loss, aux), hence built
      with `has_aux=True`.
    seen: inner as `joint` takes it: `by_draw` or `by_image` for scores; None is (theta, phi) ->
      (loss, aux).
    draw_clip: to which norm `train` shortens each draw's gradient before it takes their mean.
    project: back into the set where phi lives, after each of its steps.
    pin: what the initial state keeps as `pinned`.
    refresh: makes the `refresh` move.
    axis_name: the axis of devices over which batches are spread; None on one device.
    phi_axis_name: an axis of networks that have nothing in common but phi (`methods.ensemble`).
  """
  if (estimator or joint) and phi_optimizer is None:
    raise ValueError("a learner that searches needs a phi_optimizer")
  mean = mean_over(axis_name)

  def init(key: Key, batch: Batch) -> SearchState:
    theta, model_state, phi = problem.init(key, batch)
    phi_opt_state = () if phi_optimizer is None else phi_optimizer.init(phi)
    opt_state = optimizer.init(theta)
    step = jnp.int32(0)
    state = SearchState(theta, model_state, opt_state, phi, phi_opt_state, (), step)
    return state if pin is None else state.replace(pinned=pin(state))

  def train(key: Key, state: SearchState, batch: Any, valid: Any) -> tuple[SearchState, Metrics]:
    del valid
    inner = problem.train(key, state, batch)
    each = []
    # Draw by draw, so that the activations of one are in memory at a time.
    for draw in range(problem.draws):
      gradient_of = jax.value_and_grad(inner, has_aux=True)
      (loss, aux), gradient = gradient_of(state.theta, state.phi, draw)
      loss, scores, moved, gradient = mean((loss, aux.scores, aux.model_state, gradient))
      each.append(
        (loss, scores, moved, gradient if draw_clip is None else trees.clipped(gradient, draw_clip))
      )
    loss, scores, model_state, gradient = mean_of(each)
    updates, opt_state = optimizer.update(gradient, state.opt_state, state.theta)
    theta = optax.apply_updates(state.theta, updates)
    metrics = {"loss": loss, "gradient": trees.norm(gradient), **scores}
    return _trained(state, theta, opt_state, model_state), metrics | _rate(opt_state)

  def phi_step(state: SearchState, gradient: Phi) -> SearchState:
    gradient = mean_over(phi_axis_name)(gradient)
    updates, moved = phi_optimizer.update(gradient, state.phi_opt_state, state.phi)  # type: ignore[union-attr]
    phi = project(optax.apply_updates(state.phi, updates))
    return state.replace(phi=phi, phi_opt_state=moved)

  def search(key: Key, state: SearchState, batch: Any, valid: Any) -> tuple[SearchState, Metrics]:
    for_inner, for_outer = jax.random.split(key)
    inner = problem.inner(for_inner, state, batch)
    outer = problem.outer(for_outer, state, valid)
    value, gradient, *residual = estimator(  # type: ignore[misc]
      lambda *at: inner(*at)[0], outer, state.theta, state.phi, state.opt_state
    )
    metrics = {"outer": value, "hypergradient": trees.norm(gradient)}
    if residual:
      metrics["residual"] = residual[0]
    return phi_step(state, gradient), metrics

  def both(key: Key, state: SearchState, batch: Any, valid: Any) -> tuple[SearchState, Metrics]:
    for_inner, for_outer = jax.random.split(key)
    inner: Any = problem.train(for_inner, state, batch)
    outer = problem.outer(for_outer, state, valid)
    inner = inner if seen is None else seen(inner)
    moved: Moved = joint(inner, outer, state.theta, state.phi, state.opt_state)  # type: ignore[misc]
    # Draws that were seen one by one come back one by one.
    aux = moved.aux if isinstance(moved.aux, Aux) else mean_of(moved.aux)
    trained = _trained(state, moved.theta, moved.opt_state, mean(aux.model_state))
    metrics = {
      "loss": moved.loss,
      **mean(aux.scores),
      "outer": moved.value,
      "hypergradient": trees.norm(moved.gradient),
    }
    return phi_step(trained, moved.gradient), metrics | _rate(moved.opt_state)

  def renew(key: Key, state: SearchState, batch: Any, valid: Any) -> tuple[SearchState, Metrics]:
    del batch, valid
    return refresh(key, state), {}  # type: ignore[misc]

  return Learner(
    init,
    train,
    None if estimator is None else search,
    None if joint is None else both,
    None if refresh is None else renew,
    axis_name,
  )


def _trained(state: SearchState, theta: Any, opt_state: Any, model_state: Any) -> SearchState:
  return state.replace(theta=theta, opt_state=opt_state, model_state=model_state)


def _rate(opt_state: optax.OptState) -> Metrics:
  rate = optim.rate_of(opt_state)
  return {} if rate is None else {"rate": rate}
