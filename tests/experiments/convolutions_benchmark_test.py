import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.models import wide_resnet
from experiments.benchmarks.convolutions import SHAPES, Shape, arrays, ours, theirs


def test_they_are_those_of_wrn_40_2():
  """Kernels of the network, counted by their shapes."""
  shapes = jax.eval_shape(
    lambda key: wide_resnet(40, 2).init(key, jnp.zeros((1, 32, 32, 3)), train=False),
    jax.random.key(0),
  )
  kernels = [x.shape for x in jax.tree.leaves(shapes["params"]) if len(x.shape) == 4]
  ours_too = [(s.kernel, s.kernel, s.inputs, s.outputs) for s in SHAPES for _ in range(s.times)]
  assert sorted(kernels) == sorted(ours_too)


@pytest.mark.parametrize("shape", [Shape(6, 2, 3), Shape(6, 2, 3, stride=2)], ids=str)
def test_gradients_are_adjoints(shape):
  """<g, x * w> is <input gradient, x> and <filter gradient, w>, as x * w is linear in either."""
  x, w, g = arrays(shape, 2)
  calls = ours(shape, 2)
  forward, (to_input,), (to_filter,) = (
    calls[shape, "ours", p]() for p in ("forward", "input", "filter")
  )
  value = np.vdot(forward, g)
  assert np.vdot(to_input, x) == pytest.approx(value, rel=1e-3)
  assert np.vdot(to_filter, w) == pytest.approx(value, rel=1e-3)


@pytest.mark.parity
@pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[5], SHAPES[6]], ids=str)
def test_both_compute_the_same(shape):
  pytest.importorskip("torch")
  mine, other = ours(shape, 2), theirs(shape, 2)
  forward = np.asarray(mine[shape, "ours", "forward"]())
  torchs = other[shape, "torch", "forward"]().permute(0, 2, 3, 1).numpy()
  np.testing.assert_allclose(forward, torchs, rtol=1e-3, atol=1e-3)
  (filter_gradient,) = mine[shape, "ours", "filter"]()
  torchs = other[shape, "torch", "filter"]().permute(2, 3, 1, 0).numpy()
  np.testing.assert_allclose(filter_gradient, torchs, rtol=1e-3, atol=1e-2)
