"""MADAO's moves against its equations, written out, and the order of its moves."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from autoaug_jax.hypergrad import conjugate_gradient, neumann, scaled_identity
from autoaug_jax.methods import madao
from autoaug_jax.models import small_cnn
from autoaug_jax.ops import select, spaces
from autoaug_jax.policies import GumbelPhi, augmenter, fixed, gumbel, image_keys, scored
from autoaug_jax.train import classification, optim
from tests.train import cases

# Ops of few kinds: the executor's program stays small.
SPACE = select(spaces.madao(), ["Brightness", "Solarize", "Invert"])
BASE = fixed.standard(padding=1 / 8, flip=0.0)


def task():
  return classification(small_cnn(widths=(4,), classes=cases.CLASSES))


def small_madao(**options):
  options = {
    "solve": neumann(0.1, 1),
    "steps": 6,
    "warmup": 2,
    "every": 2,
    "base": BASE,
    "phi_rate": 1e-2,
    **options,
  }
  phi_optimizer = optax.sgd(options.pop("phi_rate"))
  sgd = optim.sgd(0.1)
  return madao(task(), SPACE, sgd, **{"phi_optimizer": phi_optimizer, **options})


@pytest.fixture(scope="module")
def batches():
  feed = cases.feed()
  return tuple(feed.batch(feed.held, feed.draw(step)) for step in (0, 1))


def test_the_order_of_moves():
  (phase,) = small_madao().phases
  assert phase.schedule == (*["train"] * 4, "search", "train", "train", "search")
  (phase,) = small_madao(every=0).phases
  assert phase.schedule == ("train",) * 6
  warmup, search = small_madao(warmup_policy=False).phases
  assert (warmup.name, warmup.schedule) == ("warmup", ("train",) * 2)
  assert search.schedule == ("train", "train", "search") * 2


def test_times_of_the_paper():
  """Section 4: on CIFAR 351 steps an epoch, 300 epochs, the first 30 without searches, s = 60."""
  epoch = 45_000 // 128
  (phase,) = small_madao(steps=300 * epoch, warmup=30 * epoch, every=60).phases
  assert phase.schedule.count("search") == 270 * epoch // 60 == 1579
  assert phase.schedule.index("search") == 30 * epoch + 60


def by_hand(state, key, batches, solved, *, running=False, score=False):
  """-(d^2 f / d phi d theta) q, from reverse mode alone and hand-augmented images."""
  for_inner, _ = jax.random.split(key)
  loss_of, phi = task().loss, state.phi[1]

  def inner(theta, phi):
    folded = jax.random.fold_in(for_inner, 0)
    batch = augmenter(BASE).augment(jax.random.fold_in(folded, 0), (), batches[0])
    images = batch.image.astype(jnp.float32) / 255
    keys = image_keys(jax.random.fold_in(folded, 1), len(batch.label))
    sampling, applying = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
    policy = scored(SPACE, 2) if score else gumbel(SPACE, 2)
    draws = jax.vmap(policy.sample, in_axes=(0, None))(sampling, phi)
    batch = batch._replace(image=policy.apply_batch(applying, draws, images))
    losses = loss_of(theta, state.model_state, batch, train=True).losses
    if not score:
      return jnp.mean(losses)
    scores = jax.vmap(policy.log_prob, in_axes=(None, 0))(phi, draws)
    weights = jnp.exp(scores - jax.lax.stop_gradient(scores))
    return jnp.sum(weights * losses) / jnp.sum(weights)

  def outer(theta):
    return jnp.mean(loss_of(theta, state.model_state, batches[1], train=not running).losses)

  def dotted(p):
    return lambda theta, phi: dot(jax.grad(inner)(theta, phi), p)

  value, v = jax.value_and_grad(outer)(state.theta)
  q = solved(lambda p: jax.grad(dotted(p))(state.theta, phi), v)
  return value, jax.tree.map(jnp.negative, jax.grad(dotted(q), argnums=1)(state.theta, phi))


def dot(a, b):
  return sum(jax.tree.leaves(jax.tree.map(jnp.vdot, a, b)))


def series(product, v):
  """0.1 sum_j (I - 0.1 H)^j v, three summands."""
  total = power = v
  for _ in range(2):
    power = jax.tree.map(lambda p, h: p - 0.1 * h, power, product(power))
    total = jax.tree.map(jnp.add, total, power)
  return jax.tree.map(lambda t: 0.1 * t, total)


# name: (solve, the same by hand, other options)
SEARCHES = {
  "neumann": (neumann(0.1, 2), series, {}),
  "first order, released statistics": (
    scaled_identity(0.3),
    lambda product, v: jax.tree.map(lambda leaf: 0.3 * leaf, v),
    {"running": True},
  ),
  "by scores": (neumann(0.1, 2), series, {"score": True}),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_is_the_papers_equation(name, batches):
  """Equation 5 with its minus sign."""
  solve, solved, options = SEARCHES[name]
  learner = small_madao(solve=solve, phi_rate=1.0, **options).phases[0].learner
  state = learner.init(jax.random.key(1), batches[0])
  state = state.replace(phi=((), bent(state.phi[1])))
  key = jax.random.key(7)
  moved, metrics = jax.jit(learner.search)(key, state, *batches)
  value, gradient = jax.jit(lambda s: by_hand(s, key, batches, solved, **options))(state)
  np.testing.assert_allclose(metrics["outer"], value, rtol=1e-4)
  step = jax.tree.map(jnp.subtract, state.phi[1], moved.phi[1])
  assert max(float(jnp.abs(leaf).max()) for leaf in gradient) > 1e-4, "too weak a test"
  assert min(float(jnp.abs(leaf).max()) for leaf in step) > 1e-6, "all of phi moves"
  chex.assert_trees_all_close(step, gradient, rtol=2e-3, atol=2e-6)
  chex.assert_trees_all_equal(moved.theta, state.theta)
  chex.assert_trees_all_equal(moved.model_state, state.model_state)


def bent(phi):
  """Somewhere else than at the start."""
  return GumbelPhi(*(leaf + jnp.linspace(-0.5, 0.6, leaf.size).reshape(leaf.shape) for leaf in phi))


def test_conjugate_gradients_and_the_residual(batches):
  """Two steps solve a system that is nearly 5 I; a search says how well."""
  method = small_madao(solve=conjugate_gradient(2), damping=5.0, residual=True)
  learner = method.phases[0].learner
  state = learner.init(jax.random.key(1), batches[0])
  _, metrics = jax.jit(learner.search)(jax.random.key(7), state, *batches)
  assert 0 < float(metrics["residual"]) < 0.5


def test_the_warm_up_of_the_2020_paper_leaves_images_alone(batches):
  """At a policy that inverts every image, only the second phase's network sees inverted ones."""
  warmup, search = small_madao(warmup_policy=False, base=fixed.none()).phases
  state = search.learner.init(jax.random.key(1), batches[0])
  always = GumbelPhi(
    jnp.tile(jnp.array([-40.0, -40.0, 40.0]), (2, 1)),
    jnp.stack([jnp.full(3, 40.0), jnp.full(3, -40.0)]),  # once, and not twice
    state.phi[1].magnitude,
  )
  state = state.replace(phi=((), always))
  inverted = batches[0]._replace(image=255 - batches[0].image)
  loss_of = task().loss
  for learner, seen in ((warmup.learner, batches[0]), (search.learner, inverted)):
    _, metrics = jax.jit(learner.train)(jax.random.key(3), state, batches[0], None)
    losses = loss_of(state.theta, state.model_state, seen, train=True).losses
    np.testing.assert_allclose(metrics["loss"], jnp.mean(losses), rtol=1e-5)


def test_the_second_phase_goes_on_where_the_first_ended(batches):
  warmup, search = small_madao(warmup_policy=False).phases
  before = warmup.learner.init(jax.random.key(1), batches[0])
  before, _ = jax.jit(warmup.learner.train)(jax.random.key(2), before, batches[0], None)
  before = before.replace(step=before.step + 1)
  fresh = search.learner.init(jax.random.key(3), batches[0])
  begun = search.begin(fresh, before)
  chex.assert_trees_all_equal_shapes_and_dtypes(begun, fresh)
  for part in ("theta", "model_state", "opt_state", "step"):
    chex.assert_trees_all_equal(getattr(begun, part), getattr(before, part))
  chex.assert_trees_all_equal(begun.phi, fresh.phi)


def test_one_draw_has_nothing_to_be_compared_with():
  with pytest.raises(ValueError, match="groups must be 0 or at least 2"):
    small_madao(score=True, groups=1)


def test_groups_share_their_ops(batches):
  """With one group, all images of a search go through the same ops."""
  learner = small_madao(groups=1, base=fixed.none(), k=1).phases[0].learner
  state = learner.init(jax.random.key(1), batches[0])
  always = state.phi[1]._replace(chance=jnp.full((1, 3), 40.0))
  state = state.replace(phi=((), always))
  inverted = batches[0]._replace(image=255 - batches[0].image)
  train = jax.jit(learner.train)
  losses = [float(train(jax.random.key(s), state, batches[0], None)[1]["loss"]) for s in range(24)]
  whole = float(jnp.mean(task().loss(state.theta, state.model_state, inverted, train=True).losses))
  share = np.mean(np.isclose(losses, whole, rtol=1e-5))
  assert 0 < share < 0.8


def test_what_was_learned_begins_with_the_base(batches):
  method = small_madao()
  phi = method.phases[0].learner.init(jax.random.key(0), batches[0]).phi
  learned = method.learned(jax.device_get(phi))
  assert [op.name for op in learned.space] == [*(op.name for op in BASE.space), *names()]
  assert learned.stages[:-1] == BASE.stages
  slots = learned.stages[-1]
  assert slots.ops == names()
  assert slots.low == slots.high == ((0.5, 0.5, 1.0),) * 2
  watched = method.watch(phi)
  chex.assert_shape([watched[n] for n in ("selection", "probability", "magnitude")], (2, 3))


def names():
  return tuple(op.name for op in SPACE)


@pytest.mark.parametrize(
  ("options", "message"),
  [({"every": -1}, "not -1"), ({"groups": -2}, "-2"), ({"warmup": 9}, "6 steps, not 9")],
  ids=["every", "groups", "warmup"],
)
def test_mistakes_are_named(options, message):
  with pytest.raises(ValueError, match=message):
    small_madao(**options)
