"""phi acts through one named part of theta."""

from typing import Any

import jax
import optax

from autoaug_jax.hypergrad.base import Hypergradient, Inner
from autoaug_jax.types import Array, Loss, Params, Phi


def restrict(estimator: Hypergradient, *path: str) -> Hypergradient:
  """`estimator`, with all of theta but theta[path[0]][path[1]]... held fixed.

  restrict(implicit(neumann(0.01, 5, scale=1.0)), "head", "kernel") is AutoDO's. The rest of theta
  is not differentiated, so its backward passes are not run: for the last layer the whole estimate
  costs two forward passes (training and validation images) and one backward pass to the images,
  however many products the solve takes. Parts of `opt_state` that are shaped like theta are
  restricted with it. An empty path changes nothing.
  """

  def restricted(
    inner: Inner, outer: Loss, theta: Params, phi: Phi, opt_state: optax.OptState
  ) -> tuple[Array, Phi]:
    outline: Any = jax.tree.structure(theta)

    def like_theta(x: Any) -> bool:
      return bool(outline == jax.tree.structure(x))

    part = _get(theta, path)
    state = jax.tree.map(
      lambda x: _get(x, path) if like_theta(x) else x, opt_state, is_leaf=like_theta
    )
    return estimator(
      lambda p, *rest: inner(_put(theta, path, p), *rest),
      lambda p, phi: outer(_put(theta, path, p), phi),
      part,
      phi,
      state,
    )

  return restricted


def _get(tree: Any, path: tuple[str, ...]) -> Any:
  for key in path:
    if not isinstance(tree, dict) or key not in tree:
      names = ", ".join(map(repr, tree)) if isinstance(tree, dict) else "none: it is an array"
      raise ValueError(f"theta has no part {'/'.join(path)!r}: at {key!r} there are {names}")
    tree = tree[key]
  return tree


def _put(tree: Any, path: tuple[str, ...], part: Any) -> Any:
  if not path:
    return part
  return {**tree, path[0]: _put(tree[path[0]], path[1:], part)}
