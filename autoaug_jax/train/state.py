"""What a run consists of at any moment."""

from typing import Any

import flax.struct
import jax
import optax

from autoaug_jax.types import Array, Params, Phi


class SearchState(flax.struct.PyTreeNode):
  """Everything that a checkpoint holds. Many seeds at once have one more axis in front.

  Attributes:
    theta: the network's parameters.
    model_state: what the network updates by itself, running statistics.
    opt_state: the state of theta's optimizer, with its learning rate and scale.
    phi: the augmentation's parameters.
    phi_opt_state: the state of phi's optimizer; () where phi is not learned.
    pinned: what a method keeps from earlier (a pre-trained network, an anchor); () for most.
    step: [] int32, the number of moves made.
  """

  theta: Params
  model_state: Any
  opt_state: optax.OptState
  phi: Phi
  phi_opt_state: optax.OptState
  pinned: Any
  step: Array


def select(state: SearchState, seed: int) -> SearchState:
  """One seed of a state that holds many."""
  return jax.tree.map(lambda leaf: leaf[seed], state)
