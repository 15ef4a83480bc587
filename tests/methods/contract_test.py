"""What every method keeps: its schedules run, compile once, and leave states and phi in shape."""

import chex
import jax
import numpy as np
import pytest

from autoaug_jax.hypergrad import neumann
from autoaug_jax.methods import AutodoTimes, autodo, madao, online_bilevel
from autoaug_jax.ops import spaces
from autoaug_jax.policies import Fixed, check_fixed
from autoaug_jax.train import optim, program
from tests.methods.cases import SPACE, small_slack, task
from tests.train import cases

METHODS = {
  "slack": small_slack,
  "slack, per image": lambda: small_slack(each_image=True),
  "slack, per class": lambda: small_slack(each_image=True, classes=("a", "b", "c")),
  "madao": lambda: madao(
    task(), SPACE, optim.sgd(0.1), steps=6, warmup=2, every=2, solve=neumann(0.1, 1)
  ),
  "madao, by scores": lambda: madao(
    task(), SPACE, optim.sgd(0.1), steps=4, warmup=0, every=2, score=True, solve=neumann(0.1, 1)
  ),
  "online bilevel": lambda: online_bilevel(
    task(), spaces.bilevel_translation(), optim.sgd(0.1), steps=3
  ),
  "autodo": lambda: autodo(
    task(), optim.sgd(0.1), cases.images(48)[1], AutodoTimes(2, 4, 2, 1), classes=cases.CLASSES
  ),
}


@pytest.fixture(params=METHODS, scope="module")
def method(request):
  return METHODS[request.param]()


def test_phases_follow_each_other(method):
  before = None
  for phase in method.phases:
    chex.clear_trace_counter()
    moves = set(phase.schedule)
    counted = {n: chex.assert_max_traces(getattr(phase.learner, n), n=1) for n in moves}
    learner = phase.learner._replace(**counted)
    made = program(learner, cases.feed(), valid=cases.feed(seed=1))
    state = made.init()
    if phase.begin is not None:
      begun = phase.begin(jax.device_get(state), before)
      chex.assert_trees_all_equal_shapes_and_dtypes(begun, state)
      state = made.place(jax.tree.map(np.array, begun))
    start = jax.device_get(state)
    for number, name in enumerate([*phase.schedule, *moves]):
      state, metrics = made.moves[name](state, (number, number), 1)
      assert all(np.isfinite(x).all() for x in jax.tree.leaves(metrics)), name
    chex.assert_trees_all_equal_shapes_and_dtypes(jax.device_get(state), start)
    chex.assert_tree_all_finite(state)
    before = jax.device_get(state)
  learned = method.learned(before.phi)
  assert isinstance(learned, Fixed)
  check_fixed(learned)
  assert hash(learned) == hash(method.learned(before.phi)), "data, equal to itself"
  for name, value in jax.jit(method.watch)(before.phi).items():
    assert np.isfinite(value).all(), name
