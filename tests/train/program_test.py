import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax import devices
from autoaug_jax.models import small_cnn
from autoaug_jax.train import Numbers, dispatch, program
from tests.train import cases


def after(made, moves, at_once=1):
  state = made.init()
  for move in range(0, moves, at_once):
    state, metrics = made.moves["train"](state, Numbers(move, 0), at_once)
  return state, metrics


def test_a_move_is_the_learners_on_the_feeds_batch():
  moves, feed = cases.trainer(), cases.feed()
  state, _ = after(program(moves, feed, seed=7), 3)
  start, root = jax.random.split(jax.random.key(7))
  expected = moves.init(start, feed.batch(feed.held, feed.draw(0)))
  for step in range(3):
    batch = feed.batch(feed.held, feed.draw(step))
    expected, _ = moves.train(jax.random.fold_in(root, step), expected, batch, None)
  chex.assert_trees_all_close(state.theta, expected.theta, rtol=1e-5)
  assert int(state.step) == 3


def test_many_moves_in_one_dispatch_are_the_same_moves():
  made = program(cases.trainer(), cases.feed(), steps_per_dispatch=4)
  assert made.steps_per_dispatch == 4
  one, last = after(made, 8)
  four, several = after(made, 8, at_once=4)
  chex.assert_trees_all_close(four, one, rtol=1e-5, atol=1e-7)
  chex.assert_trees_all_close(jax.tree.map(lambda x: x[-1], several), last, rtol=1e-5)


def test_the_state_is_given_away():
  made = program(cases.trainer(ema=0.9), cases.feed())
  before = made.init()
  after, _ = made.moves["train"](before, Numbers(), 1)
  # What a move does not change is handed on instead.
  assert all(x.is_deleted() for x in jax.tree.leaves((before.theta, before.step)))
  assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(after))


def test_a_batch_that_is_read_twice_is_drawn_once():
  """Streams run in one direction."""
  feed, asked = cases.feed(), []
  moves = cases.trainer()
  looking = moves._replace(search=lambda key, state, batch, valid: (state, {}))
  stream = feed._replace(draw=lambda number: asked.append(number) or feed.draw(number))
  made = program(looking, stream, valid=cases.feed(seed=1))
  state = made.init()
  for number in range(3):
    state, _ = made.moves["search"](state, Numbers(number, number), 1)
    state, _ = made.moves["train"](state, Numbers(number, number + 1), 1)
  assert asked == [0, 1, 2]


def test_the_data_are_no_part_of_the_program():
  """They are held once, whatever their size, and read by index."""
  held = tuple(map(jnp.asarray, cases.images()))
  feed, seen = cases.feed(held=held), []
  made = program(
    cases.trainer(), feed._replace(batch=lambda h, d: seen.append(h) or feed.batch(h, d))
  )
  after(made, 2)
  assert all(isinstance(h[0], jax.core.Tracer) for h in seen)


@pytest.mark.parametrize("seeds", [0, 2], ids=["one seed", "two seeds"])
@pytest.mark.parametrize("count", [1, 2], ids=["one device", "two devices"])
@pytest.mark.parametrize("at_once", [1, 2], ids=["single", "scanned"])
def test_no_move_compiles_twice(seeds, count, at_once):
  chex.clear_trace_counter()
  axis = devices.AXIS if count > 1 else None
  moves = cases.trainer(axis_name=axis)
  moves = moves._replace(train=chex.assert_max_traces(moves.train, n=seeds or 1))
  held = cases.feed().held
  feeds = [cases.feed(seed=s, held=held) for s in range(seeds or 1)]
  made = program(
    moves,
    feeds if seeds else feeds[0],
    seed=list(range(seeds)) if seeds else 0,
    device_count=count,
    steps_per_dispatch=at_once,
  )
  state, metrics = after(made, 4, at_once)
  shape = ((at_once,) if at_once > 1 else ()) + ((seeds,) if seeds else ())
  assert metrics["loss"].shape == shape
  chex.assert_trees_all_equal(jnp.max(state.step), jnp.int32(4))


def test_a_state_loses_nothing_by_a_visit_to_the_host():
  made = program(cases.trainer(), cases.feed())
  state, _ = after(made, 2)
  again = made.place(jax.device_get(state))
  chex.assert_trees_all_equal(again, state)
  one, _ = made.moves["train"](state, Numbers(2, 0), 1)
  other, _ = made.moves["train"](again, Numbers(2, 0), 1)
  chex.assert_trees_all_equal(one, other)


def test_every_choice_of_the_machine(monkeypatch):
  assert dispatch.steps_per_dispatch() == 1
  assert dispatch.unrolls_seeds()
  assert (dispatch.in_flight(1), dispatch.in_flight(4)) == (2, 0)
  assert dispatch.quick_compilation()
  monkeypatch.setattr(dispatch.jax, "default_backend", lambda: "gpu")
  assert dispatch.steps_per_dispatch() > 1
  assert not dispatch.unrolls_seeds()
  assert dispatch.unrolls_seeds(True)
  assert dispatch.in_flight(4) == 2
  assert not dispatch.quick_compilation()


def test_mistakes_are_named():
  feed, moves = cases.feed(), cases.trainer()
  for call, message in [
    (lambda: program(moves, feed, seed=[0, 1]), "train must have one feed for each of the 2"),
    (lambda: program(moves, [feed, cases.feed()], seed=[0, 1]), "must share what they hold"),
    (lambda: program(moves, feed, device_count=2), "axis_name must be 'devices', not None"),
    (lambda: program(moves, feed, steps_per_dispatch=0), "'auto' or a positive number, not 0"),
  ]:
    with pytest.raises(ValueError, match=message):
      call()
  searching = moves._replace(search=moves.train)
  made = program(searching, feed)
  with pytest.raises(ValueError, match="'search' reads validation batches"):
    made.moves["search"](made.init(), Numbers(), 1)


def test_running_statistics_and_images_as_bytes():
  model = small_cnn(widths=(4,), classes=cases.CLASSES)
  state, metrics = after(program(cases.trainer(model=model), cases.feed()), 3)
  assert np.isfinite(metrics["loss"])
  assert any(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(state.model_state))
