"""MADAO's options: what they build, what they need, and what they refuse."""

import jax
import numpy as np
import pytest

from autoaug_jax import data, export, train
from autoaug_jax.app import network
from autoaug_jax.app.ground import Ground
from autoaug_jax.app.madao import SIZES, Madao, build, needs
from autoaug_jax.ops import select, spaces
from autoaug_jax.types import Batch
from tests.app.cases import squares

# One kind of op: the executor's program stays small.
SPACE = select(spaces.madao(), ["Brightness", "Invert"])
OPTIONS = Madao(epochs=4, warmup=1, every=2, terms=1)


def ground(shape=(8, 8, 1), space=SPACE, crop=0):
  model = network("small-cnn", classes=2, image_size=8)
  moments = {"mean": (0.3,) * shape[-1], "std": (0.2,) * shape[-1]}
  task = train.classification(model, normalise=tuple(moments.values()))
  return Ground(
    model=model,
    task=task,
    shape=shape,
    classes=("left", "right"),
    **moments,
    space=space,
    flip=0.0,
    epoch=4,
    examples=48,
    labels=np.zeros(48, np.int32),
    batch=8,
    crop=crop,
  )


def test_it_learns_and_what_it_learned_is_a_policy_file(tmp_path):
  examples = data.in_memory(*squares(48, 0))
  cut = data.split(examples, val=16, seed=0)
  orders = data.shuffled(cut.train, 8, seed=0), data.shuffled(cut.val, 8, seed=0, stream=1)
  feed, valid = data.feeds(examples, *orders, labels=cut.labels)
  assert needs(OPTIONS).val == 0.1
  method = build(OPTIONS, ground())
  (phase,) = method.phases
  assert phase.schedule.count("search") == 3 * 4 // 2
  program = train.program(phase.learner, feed, valid=valid, seed=0)
  fitted = train.fit(program, phase.schedule, progress=train.silent())
  policy = method.learned(jax.device_get(fitted.state.phi))
  keep = np.asarray(policy.stages[-1].keep)
  assert (np.abs(keep - 0.5) > 1e-3).all(), "every chance has moved"
  export.save(export.described(policy, image_size=(8, 8), method="madao"), tmp_path / "p.json")
  assert export.load(tmp_path / "p.json").policy == policy


def names(options, ground):
  method = build(options, ground)
  phi = jax.eval_shape(method.phases[0].learner.init, jax.random.key(0), batch_of(ground))
  zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), phi.phi)
  return [op.name for op in method.learned(zeros).space]


def batch_of(ground):
  image = jax.ShapeDtypeStruct((2, *ground.shape), np.uint8)
  label, weight = (jax.ShapeDtypeStruct((2,), dtype) for dtype in (np.int32, np.float32))
  return Batch(image, label, weight, label)


def test_its_own_ops_are_the_papers_as_far_as_images_have_colours():
  grey, rgb = (names(OPTIONS, ground((8, 8, c), space=None)) for c in (1, 3))
  assert rgb == ["PaddedCrop", *(op.name for op in spaces.madao())]
  assert grey == [name for name in rgb if name != "Color"]


def test_images_cut_out_of_larger_ones_are_not_padded():
  assert names(OPTIONS, ground(crop=8)) == ["Brightness", "Invert"]


@pytest.mark.parametrize("drops", ["", "2,3"], ids=["cosine", "steps"])
@pytest.mark.parametrize("solve", ["neumann", "conjugate_gradient", "first_order"])
def test_solves_and_rates(solve, drops):
  method = build(OPTIONS._replace(solve=solve, drops=drops, warmup_ops="none"), ground())
  batch = batch_of(ground())
  warmup, search = method.phases
  state = jax.eval_shape(search.learner.init, jax.random.key(0), batch)
  moved, _ = jax.eval_shape(search.learner.search, jax.random.key(0), state, batch, batch)
  assert moved == state
  before = jax.eval_shape(warmup.learner.init, jax.random.key(0), batch)
  assert jax.eval_shape(search.begin, state, before) == state


def test_a_frozen_start_is_randaugment():
  options = OPTIONS._replace(start="randaugment-12", every=0)
  (phase,) = build(options, ground()).phases
  assert set(phase.schedule) == {"train"}
  state = jax.jit(phase.learner.init)(jax.random.key(0), zeros_of(ground()))
  slots = build(options, ground()).learned(state.phi).stages[-1]
  np.testing.assert_allclose(slots.keep, 1)
  np.testing.assert_allclose(slots.low, [[0.4, 1.0]] * 2, rtol=1e-5)


def zeros_of(ground):
  return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), batch_of(ground))


def test_the_papers_numbers():
  """Section 4: s = 60, 30 epochs of warm-up, RMSprop at 0.01, alpha 1e-3 and 5 terms, K = 2."""
  paper = SIZES["paper"]
  assert (paper.every, paper.warmup, paper.policy_rate) == (60, 30, 0.01)
  assert (paper.alpha, paper.terms, paper.ops, paper.val) == (1e-3, 5, 2, 0.1)


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"epochs": 0}, "not 0"),
    ({"warmup": 9}, "at most the 4 epochs, not 9"),
    ({"start": "zero"}, "'randaugment-M', not 'zero'"),
    ({"solve": "dense"}, "'first_order', not 'dense'"),
    ({"warmup_ops": "all"}, "'none', not 'all'"),
    ({"drops": "a"}, "not 'a'"),
    ({"policy_rate": 0.0}, "positive, not 0.0"),
  ],
  ids=["epochs", "warmup", "start", "solve", "warmup_ops", "drops", "policy_rate"],
)
def test_mistakes_are_named(options, message):
  with pytest.raises(ValueError, match=message):
    needs(OPTIONS._replace(**options))
