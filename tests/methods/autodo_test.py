"""AutoDO's search against its equations, its schedules and rates, and what is read from phi."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from autoaug_jax.methods import (
  AUTODO_PAPER,
  AUTODO_RELEASED,
  AutodoParts,
  AutodoPhi,
  AutodoTimes,
  annealed,
  autodo,
  verdicts,
)
from autoaug_jax.models import small_cnn
from autoaug_jax.ops import spaces
from autoaug_jax.policies import (
  Gaussian,
  GaussianPhi,
  autodo_base,
  check_fixed,
  gaussian,
  per_image,
)
from autoaug_jax.train import classification, optim, program
from tests.train import cases

COUNT, CLASSES = 48, cases.CLASSES
_, LABELS = cases.images(COUNT)
TIMES = AutodoTimes(epoch=2, epochs=4, begin=2, warmup=1)
ALL = AutodoParts()
TASK = classification(small_cnn(widths=(4,), classes=CLASSES, activation=nn.celu))


def small(learn=ALL, numbers=AUTODO_PAPER, task=TASK, **options):
  return autodo(
    task, optim.sgd(0.1), LABELS, TIMES, classes=CLASSES, learn=learn, numbers=numbers, **options
  )


@pytest.fixture(scope="module")
def batches():
  feed = cases.feed()
  return tuple(feed.batch(feed.held, feed.draw(step)) for step in (0, 1))


def test_passes_follow_each_other():
  """Algorithm 1: after E epochs, each has a pass of training and then one of searches."""
  (phase,) = small().phases
  assert phase.schedule == ("train",) * 4 + (("train",) * 2 + ("joint",) * 2) * 2
  (released,) = small(numbers=AUTODO_RELEASED).phases
  # It counts epochs from 0, searches where they are above E, and searches first.
  assert released.schedule == ("train",) * 6 + ("joint",) * 2 + ("train",) * 2
  (baseline,) = small(AutodoParts(False, False, False)).phases
  assert baseline.schedule == ("train",) * 8
  assert baseline.learner.joint is None


def test_each_pass_sees_all_training_images():
  """A pass of searches uses its batches up: every image of an epoch has one."""
  (phase,) = small().phases
  feed = cases.feed(24)
  made = program(phase.learner, feed, valid=cases.feed(seed=1), seed=0)
  assert set(made.moves) == {"train", "joint"}
  drawn = [feed.draw(number) for number in range(len(phase.schedule))]
  seen = drawn[6:8]  # of its first pass of searches, behind three of training
  assert phase.schedule[6:8] == ("joint", "joint")
  assert sorted(np.concatenate(seen)) == list(range(COUNT))


@pytest.mark.parametrize(
  ("rate", "epochs", "number", "expected"),
  [
    (0.1, 200, 5, 0.09985),
    (0.1, 200, 50, 0.08537),
    (0.1, 200, 100, 0.05005),
    (0.1, 200, 199, 1.06e-4),
    (0.05, 150, 5, 0.04986),
    (0.05, 150, 75, 0.02503),
    (0.05, 150, 149, 5.548e-5),
  ],
)
def test_rates_are_the_released_ones(rate, epochs, number, expected):
  """Constants of the released code; the last three are of searches, which begin at epoch 50."""
  schedule = annealed(rate, epochs, 10)
  np.testing.assert_allclose(schedule(10 * number), expected, rtol=2e-3)
  np.testing.assert_allclose(schedule(10 * number + 9.0), expected, rtol=2e-3)


def test_a_rate_rises_step_by_step():
  schedule = annealed(0.1, 200, 10)
  np.testing.assert_allclose(schedule(0), 0.01, rtol=1e-5)
  np.testing.assert_allclose(schedule(25), (0.01 + 0.09985) / 2, rtol=1e-3)
  assert schedule(49) < schedule(50)
  np.testing.assert_allclose(annealed(0.1, 2, 10, warmup=0)(0), 0.1, rtol=1e-6)
  with pytest.raises(ValueError, match="warmup lies between 0 and the 2 epochs, not 5"):
    annealed(0.1, 2, 10)


def test_a_search_is_the_papers_equation(x64):
  """Of weights and soft labels: -d/dphi <dL/dtheta, q>, theta the last kernel, by dense algebra."""
  model = small_cnn(widths=(4,), classes=CLASSES, activation=nn.celu, dtype=jnp.float64)
  task, alpha, terms = classification(model), 0.3, 2
  times, learn = TIMES._replace(warmup=0), AutodoParts(image=False)
  made = autodo(
    task, optim.sgd(0.1), LABELS, times, classes=CLASSES, learn=learn, alpha=alpha, terms=terms
  )
  learner = made.phases[0].learner
  feed = cases.feed()
  batch, valid = (feed.batch(feed.held, feed.draw(step)) for step in (0, 1))
  state = learner.init(jax.random.key(0), batch)
  state, _ = jax.jit(learner.train)(jax.random.key(1), state, batch, None)  # moves statistics
  after, told = jax.jit(learner.joint)(jax.random.key(2), state, batch, valid)

  head = state.theta["head"]
  variables = {"params": state.theta, **state.model_state}

  def features(b):
    return model.apply(variables, b.image.astype(jnp.float32) / 255, train=False, method="features")

  def log_p(kernel, f):
    return jax.nn.log_softmax(f @ kernel.reshape(head["kernel"].shape) + head["bias"][None])

  kernel = head["kernel"].reshape(-1)
  ours, theirs = features(batch), features(valid)

  def outer(kernel):
    return -jnp.mean(log_p(kernel, theirs)[jnp.arange(8), valid.label])

  def inner(kernel, phi):
    weight, logits = phi
    s, p = jax.nn.softmax(logits), log_p(kernel, ours)
    losses = jnp.sum((s - jnp.exp(p)) * (jnp.log(s) - p), 1) / 2
    return jnp.mean(jnp.log1p(jnp.exp(weight)) / np.log(2) * losses)

  rows = (state.phi.weight[batch.index], state.phi.label[batch.index])
  v = jax.grad(outer)(kernel)
  shrunk = jnp.eye(kernel.size) - alpha * jax.hessian(inner)(kernel, rows)
  q = sum(jnp.linalg.matrix_power(shrunk, j) @ v for j in range(terms + 1))
  expected = jax.grad(lambda phi: -jax.grad(inner)(kernel, phi) @ q)(rows)
  np.testing.assert_allclose(told["outer"], outer(kernel), rtol=1e-9)
  squares = after.phi_opt_state.square
  pairs = [(squares.weight, after.phi.weight - state.phi.weight)]
  pairs += [(squares.label, after.phi.label - state.phi.label)]
  for (square, moved), right in zip(pairs, expected, strict=True):
    # RMSprop's first step: v = 0.01 g^2, and against g.
    got = -np.sign(moved) * np.sqrt(square / 0.01)
    assert float(jnp.abs(right).max()) > 1e-5
    np.testing.assert_allclose(got[batch.index], right, rtol=1e-6, atol=1e-9)
  chex.assert_trees_all_equal(after.theta, state.theta)
  chex.assert_trees_all_equal(after.model_state, state.model_state)


def test_the_image_part_reaches_through_the_encoder(x64):
  """Its mixed derivative by differences of the inner gradient, draws held."""
  model = small_cnn(widths=(4,), classes=CLASSES, activation=nn.celu, dtype=jnp.float64)
  task, learn = classification(model), AutodoParts(weight=False, label=False, shared=True)
  times = TIMES._replace(warmup=0)
  made = autodo(task, optim.sgd(0.1), LABELS, times, classes=CLASSES, learn=learn, terms=0)
  learner = made.phases[0].learner
  feed = cases.feed()
  batch, valid = (feed.batch(feed.held, feed.draw(step)) for step in (0, 1))
  state = learner.init(jax.random.key(0), batch)
  on = GaussianPhi(jnp.full(7, 20.0), jnp.linspace(-1.0, 0.0, 7))
  state = state.replace(phi=state.phi._replace(image=on))
  after, _ = jax.jit(learner.joint)(jax.random.key(2), state, batch, valid)
  got = np.sqrt(after.phi_opt_state.square.image.magnitude / 0.01)

  # The same images as the search drew: supervised folds its key by the draw, chain by the part.
  for_inner, _ = jax.random.split(jax.random.key(2))
  key = jax.random.fold_in(jax.random.fold_in(for_inner, 0), 1)
  augment = per_image(gaussian(spaces.autodo())).augment

  def loss(theta, magnitude):
    images = augment(key, on._replace(magnitude=magnitude), batch)
    return jnp.mean(task.loss(theta, state.model_state, images, train=False).losses)

  v = jax.grad(lambda t: jnp.mean(task.loss(t, state.model_state, valid, train=False).losses))(
    state.theta
  )["head"]["kernel"]

  @jax.jit
  def aligned(magnitude):
    return jnp.vdot(jax.grad(loss)(state.theta, magnitude)["head"]["kernel"], v)

  for i, step in enumerate(1e-5 * np.eye(7)):
    difference = (aligned(on.magnitude + step) - aligned(on.magnitude - step)) / 2e-5
    np.testing.assert_allclose(got[i], abs(difference), rtol=2e-3, atol=1e-7)


@pytest.mark.parametrize(
  ("learn", "empty"),
  [
    (AutodoParts(), "base"),
    (AutodoParts(weight=False, label=False), "base weight label"),
    (AutodoParts(image=False), "base image"),
  ],
  ids=["A, W, S", "A", "W, S"],
)
def test_what_is_switched_off_has_nothing_to_learn(batches, learn, empty):
  learner = small(learn).phases[0].learner
  phi = jax.eval_shape(learner.init, jax.random.key(0), batches[0]).phi
  assert {n for n in phi._fields if not jax.tree.leaves(getattr(phi, n))} == set(empty.split())
  if learn.image:
    chex.assert_shape(phi.image.magnitude, (COUNT, 7))


def test_shared_rows_are_one(batches):
  learner = small(AutodoParts(shared=True)).phases[0].learner
  phi = jax.eval_shape(learner.init, jax.random.key(0), batches[0]).phi
  chex.assert_shape(phi.image, (7,))
  chex.assert_shape(phi.label, (COUNT, CLASSES))


@pytest.fixture(scope="module")
def searched(batches):
  method = small(base=autodo_base(subset=None, flip=0.0), erase=0.5)
  learner = method.phases[0].learner
  state = learner.init(jax.random.key(0), batches[0])
  joint = jax.jit(learner.joint)
  for number, batch in enumerate((batches[0], batches[1])):
    state, _ = joint(jax.random.key(number), state, batch, batches[1])
  return method, state


def test_what_was_learned_is_the_average_of_those_that_moved(searched, batches):
  method, state = searched
  fixed = method.learned(jax.device_get(state.phi))
  check_fixed(fixed)
  crop, stage = fixed.stages
  assert [step.op for step in crop.steps] == ["PaddedCrop"]
  assert isinstance(stage, Gaussian)
  rows = np.concatenate([np.asarray(b.index) for b in batches])
  chance = scipy.special.expit(np.asarray(state.phi.image.probability, np.float64)[rows])
  np.testing.assert_allclose(stage.probability, chance.mean(0), rtol=1e-5)
  assert np.abs(np.asarray(stage.probability) - 0.25).max() > 1e-3


def test_what_is_watched(searched, batches):
  method, state = searched
  told = jax.jit(method.watch)(state.phi)
  rows = np.concatenate([np.asarray(b.index) for b in batches])
  weight = np.logaddexp(0, np.asarray(state.phi.weight, np.float64)[rows]) / np.log(2)
  np.testing.assert_allclose(
    np.asarray(told["weight"])[[0, 3, -1]], np.quantile(weight, [0, 0.5, 1]), rtol=1e-5
  )
  label = np.asarray(state.phi.label)
  np.testing.assert_allclose(told["disagreement"], np.mean(label.argmax(1) != LABELS), atol=1e-6)
  own = scipy.special.softmax(label, 1)[np.arange(COUNT), LABELS]
  np.testing.assert_allclose(told["off_label"], np.mean(1 - own), rtol=1e-5)
  spread = scipy.special.expit(np.asarray(state.phi.image.magnitude)[rows])
  np.testing.assert_allclose(told["deviation"], spread.mean(0), rtol=1e-5)


def test_verdicts_rank_the_most_suspect_first():
  labels = np.array([0, 1, 1])
  share = np.array([[0.7, 0.3], [0.6, 0.4], [0.2, 0.8]])
  phi = AutodoPhi((), (), jnp.array([0.0, 1.0, -1.0]), jnp.log(share))
  found = verdicts(phi, labels)
  np.testing.assert_allclose(found.weight, np.logaddexp(0, [0, 1, -1]) / np.log(2), rtol=1e-5)
  np.testing.assert_allclose(found.off_label, [0.3, 0.6, 0.2], rtol=1e-5)
  assert found.label.tolist() == [0, 0, 1]
  assert found.suspects.tolist() == [1, 0, 2]
  by_weight = verdicts(phi._replace(label=()), labels)
  assert by_weight.suspects.tolist() == [2, 0, 1]
  assert by_weight.label.tolist() == labels.tolist()
  assert verdicts(AutodoPhi((), (), (), ()), labels).suspects.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"epochs": 0}, "not 2 and 0"),
    ({"begin": 4}, r"0..3, not 4"),
    ({"warmup": 3}, r"0..2, the epochs that search, not 3"),
  ],
  ids=["epochs", "begin", "warmup"],
)
def test_mistakes_are_named(change, message):
  with pytest.raises(ValueError, match=message):
    autodo(TASK, optim.sgd(0.1), LABELS, TIMES._replace(**change), classes=CLASSES)
