"""How good the features of a frozen network are: a linear classifier of them."""

from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from autoaug_jax import data
from autoaug_jax.train import SearchState, optim
from autoaug_jax.types import Array
from experiments.recipes.moco import Normalise


def features(
  model: Any, state: SearchState, batches: Iterable[np.ndarray], normalise: Normalise
) -> np.ndarray:
  """[N, F]: what the last layer of a network reads, of images [B, H, W, C] batch by batch."""
  variables = {"params": state.theta, **state.model_state["stats"]}
  run = jax.jit(lambda x: model.apply(variables, normalise(x), train=False, method="features"))
  return np.concatenate([np.asarray(run(images)) for images in batches])


def probe(
  seen: tuple[np.ndarray, np.ndarray],
  tested: tuple[np.ndarray, np.ndarray],
  *,
  classes: int,
  rate: float,
  epochs: int,
  drops: Sequence[int],
) -> float:
  """The test accuracy of a linear classifier of (features [N, F], labels [N]).

  Its learning rate is divided by 10 after each of the epochs `drops`.
  """
  inputs, labels = jnp.asarray(seen[0]), jnp.asarray(seen[1], jnp.int32)
  batch = min(256, len(labels))
  epoch = len(labels) // batch
  sgd = optim.sgd(optim.step_decay(rate, [drop * epoch for drop in drops]), momentum=0.9)
  weights = {"kernel": jnp.zeros((inputs.shape[1], classes)), "bias": jnp.zeros(classes)}

  def logits(weights: Any, x: Array) -> Array:
    return x @ weights["kernel"] + weights["bias"][None, :]

  def step(carry: Any, index: Array) -> tuple[Any, None]:
    weights, state = carry

    def loss(weights: Any) -> Array:
      losses = optax.softmax_cross_entropy_with_integer_labels(
        logits(weights, inputs[index]), labels[index]
      )
      return jnp.mean(losses)

    updates, state = sgd.update(jax.grad(loss)(weights), state, weights)
    return (optax.apply_updates(weights, updates), state), None

  order = data.shuffled(np.arange(len(labels)), batch, seed=0)
  indices = np.stack([order(i) for i in range(epochs * epoch)])
  (weights, _), _ = jax.jit(lambda c, i: jax.lax.scan(step, c, i))(
    (weights, sgd.init(weights)), indices
  )
  found = np.asarray(jnp.argmax(logits(weights, jnp.asarray(tested[0])), axis=1))
  return float(np.mean(found == tested[1]))
