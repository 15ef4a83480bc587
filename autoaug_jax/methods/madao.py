"""MADAO (WACV 2022): policy and network in one run, by the implicit function theorem."""

from typing import Any

import optax

from autoaug_jax.hypergrad import Iteration, implicit, implicit_checked, neumann
from autoaug_jax.methods.base import Method, Phase
from autoaug_jax.methods.pairs import check, traits
from autoaug_jax.ops.space import Space
from autoaug_jax.policies import (
  STARTS,
  Augmenter,
  Fixed,
  Start,
  against_mean,
  augmenter,
  chain,
  cropped,
  fixed,
  grouped,
  gumbel,
  gumbel_as_fixed,
  gumbel_numbers,
  in_floats,
  join,
  per_image,
  scored,
)
from autoaug_jax.train import (
  Problem,
  SearchState,
  Task,
  alternating,
  learner,
  supervised,
  training,
)
from autoaug_jax.types import Array, Batch, Key, Phi

# PyTorch's defaults but for the rate. Its epsilon stands outside the root: inside, where optax has
# it, gradients as small as those of alpha = 1e-3 would hardly move the policy.
RMSPROP = optax.rmsprop(1e-2, decay=0.99, eps=1e-8, eps_in_sqrt=False)


def madao(
  task: Task,
  space: Space,
  optimizer: optax.GradientTransformation,
  *,
  steps: int,
  warmup: int,
  every: int = 60,
  base: Fixed = fixed.standard(fill="reflect"),  # noqa: B008
  crop: int = 0,
  k: int = 2,
  start: Start = STARTS["wacv"],
  centered: bool = False,
  score: bool = False,
  temperature: float = 0.05,
  coin_temperature: float = 0.1,
  groups: int = 0,
  warmup_policy: bool = True,
  solve: Iteration = neumann(1e-3, 5),  # noqa: B008
  damping: float = 0.0,
  running: bool = False,
  phi_optimizer: optax.GradientTransformation = RMSPROP,
  residual: bool = False,
  remat: bool = True,
  axis_name: str | None = None,
) -> Method:
  """Section 3, with the numbers of Section 4. Its warm-up is 30 epochs; the arXiv version has

  every=30, 20 epochs of warm-up, and start=STARTS["arxiv"].

  Training goes on all the while, on uint8 images by the executor without gradients. A search
  augments the batch that training takes next as floats, differentiably, solves for H^{-1} v with
  v the gradient of an unaugmented validation batch, and moves phi.

  Args:
    task: the network and its loss.
    space: the ops; MADAO's are `ops.spaces.madao()`.
    optimizer: of the network, its weight decay included: the inner loss has none.
    steps: training steps in all, the warm-up's among them.
    warmup: training steps before the policy moves.
    every: training steps between two moves of the policy; 0 never moves it (Figure 2's s = inf).
    base: what is done to each image before the policy, in training and in searches.
    crop: the side of the squares that are cut out of images before all else; 0 for none.
    k: how many stages.
    start: all chances and magnitudes at first.
    centered: whether the selection's gradient is that of what an op changes, see `gumbel`.
    score: whether selections and chances are learned by their score, see `scored`, each draw
      against the batch's mean: not the paper's, but it sees ops that are no small changes of an
      image.
    temperature: of the selection.
    coin_temperature: of the relaxed coin.
    groups: how many draws of ops a batch shares (the released code: 32 for 128 images); 0 is one
      for each image.
    warmup_policy: whether the warm-up has the initial policy (WACV), or `base` alone (arXiv).
    solve: neumann(1e-3, 5); Table 5 has conjugate_gradient(5) and scaled_identity(1.0) beside it.
    damping: is added to the Hessian's diagonal.
    running: whether validation images are normalised by running statistics, as in the released
      code, instead of by their own. Where they differ in brightness or contrast from what training
      has seen, v then asks for ops that mend the statistics before all else.
    phi_optimizer: of the policy.
    residual: whether a search measures how well it solved, for the price of one product more.
    remat: less memory for more time: each product computes its own forward pass.
    axis_name: the axis of devices over which batches are spread.
  """
  if every < 0 or groups < 0:
    raise ValueError(f"every and groups must be at least 0, not {every} and {groups}")
  if score and groups == 1:
    raise ValueError("score compares a batch's draws: groups must be 0 or at least 2, not 1")
  if not 0 <= warmup <= steps:
    raise ValueError(f"warmup must be at least 0 and at most the {steps} steps, not {warmup}")
  relaxed = {"temperature": temperature, "coin_temperature": coin_temperature}
  policy = (
    scored(space, k, start=start)
    if score
    else gumbel(space, k, start=start, centered=centered, **relaxed)
  )
  check(implicit, traits(policy))
  lifted = grouped(policy, groups) if groups else per_image(policy)

  def after_base(part: Augmenter) -> Augmenter:
    whole = chain(augmenter(base), part)
    return cropped(whole, crop) if crop else whole

  def problem(part: Augmenter) -> Problem:
    return supervised(task, after_base(part), outer_train=not running, axis_name=axis_name)

  estimate: Any = implicit_checked if residual else implicit
  soft = in_floats(lifted)
  if score:
    soft = against_mean(soft, axis_name=axis_name)
  searching = learner(
    problem(lifted)._replace(inner=problem(soft).inner),
    optimizer,
    phi_optimizer=phi_optimizer,
    estimator=estimate(solve, damping=damping, remat=remat, axis_name=axis_name),
    axis_name=axis_name,
  )

  def schedule(count: int, warm: int) -> tuple[str, ...]:
    return alternating(count, every=every, warmup=warm) if every else training(count)

  if warmup_policy or not warmup:
    phases: tuple[Phase, ...] = (Phase("search", searching, schedule(steps, warmup)),)
  else:
    bare = learner(problem(_untouched(lifted)), optimizer, axis_name=axis_name)
    phases = (
      Phase("warmup", bare, training(warmup)),
      Phase("search", searching, schedule(steps - warmup, 0), _go_on),
    )

  def watch(phi: Phi) -> dict[str, Array]:
    return gumbel_numbers(phi[-1], space)

  def learned(phi: Phi) -> Fixed:
    return join(base, gumbel_as_fixed(phi[-1], space))

  return Method(phases, watch, learned)


def _untouched(part: Augmenter) -> Augmenter:
  """Images as they are, with the phi of `part`."""

  def augment(key: Key, phi: Phi, batch: Batch, *, first: Array | int = 0) -> Batch:
    return batch

  return Augmenter(part.init, augment)


def _go_on(fresh: SearchState, before: SearchState) -> SearchState:
  """The network as it is; `step` too, from which keys are folded."""
  return before.replace(phi=fresh.phi, phi_opt_state=fresh.phi_opt_state, pinned=fresh.pinned)
