"""What AutoDO does beside its policy: which ops, how often, in which order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from autoaug_jax import policies
from autoaug_jax.policies import autodo_base, erased
from autoaug_jax.policies.autodo_base import SUBSET


def test_the_subset_of_randaugment_then_crop_and_flip():
  fixed = autodo_base(subset=(3, 7), flip=0.5)
  slots, crop = fixed.stages
  assert slots.ops == SUBSET
  assert len(slots.probability) == 3
  assert (slots.low[0][0], slots.high[0][0]) == (0.0, 7 / 30)
  assert [step.op for step in crop.steps] == ["PaddedCrop", "FlipX"]
  policies.check_fixed(fixed)
  # Color: 0.1 + U[0, 1] M / 30 1.8, hence up to a factor of 1 for M = 15.
  color = next(op for op in fixed.space if op.name == "Color")
  assert (color.low, color.high) == (0.1, 1.9)


def test_baselines_and_large_images():
  assert len(autodo_base(subset=None, flip=0.0).stages) == 1
  large = autodo_base(subset=None, area=0.08)
  assert [step.op for stage in large.stages for step in stage.steps] == ["AreaCrop", "FlipX"]
  image = jnp.asarray(np.random.default_rng(0).integers(0, 256, (12, 12, 3)), jnp.uint8)
  policy = policies.policy(large)
  out = policy.apply(jax.random.key(1), policy.sample(jax.random.key(0), ()), image)
  assert out.shape == image.shape


def test_boxes_are_erased_in_half_of_the_images():
  policy = erased(fill=0.25)
  image = jnp.full((16, 16, 1), 200, jnp.uint8)
  keys = jax.random.split(jax.random.key(0), 400)
  out = np.asarray(jax.vmap(policy.apply, (0, None, None))(keys, (), image))
  painted = out != 200
  assert set(np.unique(out)) == {64, 200}
  hit = painted.any((1, 2, 3))
  assert scipy.stats.binomtest(int(hit.sum()), 400, 0.5).pvalue > 1e-4
  share = painted[hit].mean((1, 2, 3))
  assert share.min() > 0.01
  assert 0.3 < share.max() < 0.37


@pytest.mark.parametrize(
  ("make", "message"),
  [
    (lambda: autodo_base(subset=(0, 5)), r"got \(0, 5\)"),
    (lambda: autodo_base(subset=(1, 31)), r"got \(1, 31\)"),
    (lambda: erased(probability=2.0), "got 2.0"),
  ],
  ids=["n", "m", "probability"],
)
def test_mistakes_are_named(make, message):
  with pytest.raises(ValueError, match=message):
    make()
