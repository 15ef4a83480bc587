"""Optimizers against PyTorch's formulas, written out in NumPy."""

import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from autoaug_jax.models import small_cnn
from autoaug_jax.train import optim

THETA = {
  "conv": {"kernel": np.array([[1.0, -2.0], [0.5, 3.0]]), "bias": np.array([0.1, 0.2])},
  "norm": {"scale": np.array([1.5]), "bias": np.array([-0.5])},
}
MASKS = {
  "all": (None, ["conv/kernel", "conv/bias", "norm/scale", "norm/bias"]),
  "no norm": (optim.without_norm, ["conv/kernel", "conv/bias"]),
  "kernels": (optim.kernels_only, ["conv/kernel"]),
}


def flat(tree):
  return {f"{a}/{b}": np.asarray(x) for a, part in tree.items() for b, x in part.items()}


def gradients(steps):
  rng = np.random.default_rng(0)
  return [jax.tree.map(lambda x: rng.normal(size=x.shape), THETA) for _ in range(steps)]


def pytorch(grads, rates, *, momentum, nesterov, weight_decay, decayed, clip):
  """torch.optim.SGD with dampening 0, after clip_grad_norm_."""
  theta, buffers = flat(THETA), {}
  for gradient, rate in zip(map(flat, grads), rates, strict=True):
    length = np.sqrt(sum((g**2).sum() for g in gradient.values()))
    factor = 1.0 if clip is None else min(1.0, clip / length)
    for name in theta:
      g = factor * gradient[name]
      g = g + weight_decay * theta[name] * (name in decayed)
      if momentum:
        buffers[name] = momentum * buffers.get(name, 0) + g
        g = g + momentum * buffers[name] if nesterov else buffers[name]
      theta[name] = theta[name] - rate * g
  return theta


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("mask", list(MASKS))
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_sgd_is_pytorchs(mask, momentum, nesterov):
  rates, grads = (0.1, 0.05, 0.2), gradients(3)
  decayed, names = MASKS[mask]
  kwargs = {"momentum": momentum, "nesterov": nesterov, "weight_decay": 0.3, "clip": 1.0}
  schedule = lambda step: jnp.interp(step, jnp.arange(3.0), jnp.asarray(rates))  # noqa: E731
  optimizer = optim.sgd(schedule, decayed=decayed, **kwargs)
  theta = jax.tree.map(jnp.asarray, THETA)
  state = optimizer.init(theta)
  for gradient in grads:
    updates, state = jax.jit(optimizer.update)(gradient, state, theta)
    theta = optax.apply_updates(theta, updates)
  expected = pytorch(grads, rates, decayed=names, **kwargs)
  chex.assert_trees_all_close(flat(theta), expected, rtol=1e-12)
  np.testing.assert_allclose(optim.rate_of(state), 0.2, rtol=1e-6)


def test_masks_know_the_normalisations_of_our_networks():
  theta = jax.eval_shape(
    lambda: small_cnn(widths=(4,)).init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)), train=False)
  )["params"]
  kept = jax.tree.leaves_with_path(optim.without_norm(theta))
  for path, keep in kept:
    assert keep == ("norm" not in jax.tree_util.keystr(path))
  assert {keep for _, keep in kept} == {True, False}
  kernels = optim.kernels_only(theta)
  assert kernels["head"] == {"kernel": True, "bias": False}


def values(schedule, steps):
  """As a compiled step asks for them."""
  return [float(jax.jit(schedule)(jnp.float32(step))) for step in steps]


def test_cosine_with_warm_up():
  rate = optim.cosine(0.4, 110, warmup=10, final=0.1)
  np.testing.assert_allclose(values(rate, (0, 5, 10)), [0, 0.2, 0.4], rtol=1e-6)
  half = [0.1 + 0.3 * (1 + np.cos(np.pi * (s - 10) / 100)) / 2 for s in (35, 60, 110, 200)]
  half[-1] = 0.1
  np.testing.assert_allclose(values(rate, (35, 60, 110, 200)), half, rtol=1e-6)


def test_cosine_of_slack():
  rate = optim.cosine(0.4, 1399)
  seen = values(rate, (0, 500, 1000, 1399))
  np.testing.assert_allclose(seen, [0.4, 0.2866, 0.0751, 0], atol=6e-5)


def test_step_decay_with_warm_up():
  rate = optim.step_decay(0.1, [60, 120], factor=0.2, warmup=10)
  seen = values(rate, (0, 5, 10, 59, 60, 119, 120))
  np.testing.assert_allclose(seen, [0, 0.05, 0.1, 0.1, 0.02, 0.02, 0.004], rtol=1e-6)


@pytest.mark.parametrize("rate", [0.0, -0.1, np.nan])
def test_a_rate_that_goes_nowhere_is_refused(rate):
  with pytest.raises(ValueError, match=f"must be positive, not {rate}"):
    optim.cosine(rate, 10)


def test_the_average_follows_theta():
  optimizer = optim.sgd(1.0, momentum=0, ema=0.75)
  theta = jnp.asarray([1.0])
  state, expected = optimizer.init(theta), 1.0
  for step in range(1, 4):
    updates, state = optimizer.update(jnp.asarray([1.0]), state, theta)
    theta = optax.apply_updates(theta, updates)
    expected = 0.75 * expected + 0.25 * (1.0 - step)
  np.testing.assert_allclose(optim.averaged(state), [expected], rtol=1e-6)


def test_a_rescaled_rate_stays_rescaled():
  optimizer = optim.sgd(optim.step_decay(1.0, [2], factor=0.1), momentum=0)
  theta = jnp.zeros(1)
  state = optimizer.init(theta)
  seen = []
  for step in itertools.count():
    if step == 4:
      break
    if step in (1, 3):
      state = optim.rescaled(state, 0.5)
    updates, state = optimizer.update(jnp.ones(1), state, theta)
    seen.append(-float(updates[0]))
  np.testing.assert_allclose(seen, [1, 0.5, 0.05, 0.025], rtol=1e-5)


@pytest.mark.parametrize(
  ("call", "name"),
  [
    (lambda: optim.cosine(0.1, 10, warmup=10), "warmup"),
    (lambda: optim.step_decay(0.1, [5], warmup=5), "every step"),
    (lambda: optim.sgd(0.1, clip=0.0), "clip"),
    (lambda: optim.sgd(0.1, ema=1.0), "ema"),
    (lambda: optim.averaged(()), "the optimizer keeps no average"),
    (lambda: optim.rescaled((), 0.5), "the learning rate cannot"),
  ],
  ids=["warmup", "decay", "clip", "ema", "averaged", "rescaled"],
)
def test_mistakes_are_named(call, name):
  with pytest.raises(ValueError, match=f"^{name}"):
    call()
