"""The benchmark of score variances: its ratios, its parts of phi, and a run of a small one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.models import small_cnn
from autoaug_jax.ops import select, spaces
from autoaug_jax.policies import categorical_uniform
from experiments.benchmarks import score_variance
from experiments.benchmarks.score_variance import BASELINES, KINDS, Counts, Images, Problem


def test_a_ratio_of_traces():
  rng = np.random.default_rng(0)
  x = rng.normal(size=(400, 3))
  middle, low, high = score_variance.ratio(2 * x + 5, x)
  assert middle == pytest.approx(4)
  assert 3 < low < middle < high < 5.5


def test_parts_cover_phi():
  phi = categorical_uniform(spaces.slack_cifar(), 3).init(jax.random.key(0))
  assert score_variance.parts_of(phi) == {
    "all of phi": slice(0, 68),
    "logits": slice(0, 51),
    "bound": slice(51, 68),
  }


def test_images_of_a_file(tmp_path):
  image = np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)
  np.savez(tmp_path / "images.npz", images=image, labels=np.arange(9))
  train, validation = score_variance.load(str(tmp_path / "images.npz"), 3)
  assert train.image.shape == validation.image.shape == (3, 32, 32, 3)
  both = np.concatenate([train.label, validation.label])
  assert len(set(both.tolist())) == 6
  np.testing.assert_array_equal(train.image, image[np.asarray(train.label)])


@pytest.fixture
def problem():
  policy = categorical_uniform(select(spaces.slack_cifar(), ["Invert", "Identity"]), 1, flip=0.0)
  image = jax.random.randint(jax.random.key(0), (12, 8, 8, 3), 0, 256).astype(jnp.uint8)
  images = Images(image, jnp.arange(12) % 3)
  model = small_cnn(widths=(4,), classes=3)
  return Problem(policy, model, policy.init(jax.random.key(1)), images, images)


def test_a_small_run(problem):
  state = score_variance.start(problem, jax.random.key(2))
  moved = score_variance.train_step(problem, 6)(jax.random.key(3), state)
  assert not jnp.allclose(moved.theta["head"]["kernel"], state.theta["head"]["kernel"])
  kinds = score_variance.compiled(problem, Counts(images=8, draws=2, validation=4))
  results = score_variance.estimates(jax.random.key(4), kinds, moved, 16)
  assert list(results) == [(kind, baseline) for kind in KINDS for baseline in BASELINES]
  for gradients in results.values():
    assert gradients.shape == (16, 4)
    assert np.ptp(gradients, axis=0).min() > 0, "estimates are not independent"
  lines = score_variance.table(results, score_variance.parts_of(problem.phi)).splitlines()
  assert len(lines) == 2 + 6 + 1
  assert lines[2].startswith("| shared, no baseline | 1.0000 ")


def test_images_of_one_draw_may_share_their_places():
  policy = categorical_uniform(select(spaces.slack_cifar(), ["TranslateX", "Identity"]), 1)
  image = jnp.broadcast_to(jax.random.randint(jax.random.key(0), (8, 8, 3), 0, 256), (32, 8, 8, 3))
  images = Images(image.astype(jnp.uint8), jnp.zeros(32, jnp.int32))
  problem = Problem(policy, None, policy.init(jax.random.key(1)), images, images)
  keys = jax.random.split(jax.random.key(2))
  different = {}
  for same in (False, True):
    pixels = score_variance.augmented(problem, keys, images, 2, same_places=same)[0].image
    different[same] = [len(np.unique(pixels[d::2], axis=0)) for d in range(2)]
  assert different[True] == [1, 1]
  assert min(different[False]) > 1
