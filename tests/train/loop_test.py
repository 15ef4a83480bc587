import json
import os
import signal

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax import hypergrad
from autoaug_jax.train import (
  Every,
  Numbers,
  Progress,
  alternating,
  classification,
  fit,
  half_l2,
  learner,
  optim,
  program,
  silent,
  supervised,
  training,
)
from tests.train import cases

EVERY = Every(log=4, save=6, evaluate=0)


@pytest.fixture(scope="module")
def trainer():
  return program(cases.trainer(), cases.feed())


@pytest.fixture(scope="module")
def searcher():
  optimizer = optim.sgd(0.2)
  moves = learner(
    cases.problem(),
    optimizer,
    phi_optimizer=optim.sgd(0.5),
    estimator=hypergrad.unrolled(optimizer),
  )
  return program(moves, cases.feed(), valid=cases.feed(seed=9))


def run(made, schedule, **kwargs):
  kwargs.setdefault("progress", silent())
  kwargs.setdefault("every", EVERY)
  return fit(made, schedule, **kwargs)


def told():
  """Progress that is kept in a list."""
  said = []
  return said, Progress(lambda line: None, said.append, lambda: None)


def lines(folder):
  texts = (folder / "metrics.jsonl").read_text().splitlines()
  rows = [json.loads(text) for text in texts]
  return [{n: x for n, x in row.items() if n != "images_per_second"} for row in rows]


def test_moves_are_made_in_the_order_of_the_schedule(searcher):
  schedule = alternating(5, every=2, warmup=1)
  fitted = run(searcher, schedule)
  state, numbers = searcher.init(), {"train": 0, "search": 0}
  for name in schedule:
    state, _ = searcher.moves[name](state, Numbers(numbers["train"], numbers["search"]), 1)
    numbers[name] += 1
  chex.assert_trees_all_equal(fitted.state, state)
  assert (fitted.move, fitted.finished) == (7, True)


def test_lines_hold_the_means_between_them(trainer, tmp_path):
  run(trainer, training(10), workdir=tmp_path)
  state, losses = trainer.init(), []
  for step in range(10):
    state, metrics = trainer.moves["train"](state, Numbers(step, 0), 1)
    losses.append(float(metrics["loss"]))
  rows = lines(tmp_path)
  assert [row["move"] for row in rows] == [4, 6, 8, 10]
  for row, (start, end) in zip(rows, [(0, 4), (4, 6), (6, 8), (8, 10)], strict=True):
    np.testing.assert_allclose(row["loss"], np.mean(losses[start:end]), rtol=1e-6)


@pytest.mark.parametrize("cut", [3, 6, 7])
def test_a_run_in_two_parts_is_the_run_in_one(searcher, tmp_path, cut):
  schedule = alternating(8, every=2)
  whole = run(searcher, schedule, workdir=tmp_path / "whole")
  stopping = iter(range(100))

  def stop_at_cut(line):
    if int(line.split()[1].split("/")[0]) >= cut and next(stopping) == 0:
      os.kill(os.getpid(), signal.SIGTERM)

  said = []
  progress = Progress(stop_at_cut, said.append, lambda: None)
  part = run(searcher, schedule, workdir=tmp_path / "cut", progress=progress)
  assert not part.finished
  assert cut <= part.move < len(schedule)
  assert said == [
    f"asked to stop at move {part.move} of 12: saved in {tmp_path}/cut/checkpoints/{part.move}"
  ]
  said.clear()
  rest = run(searcher, schedule, workdir=tmp_path / "cut", progress=progress)
  assert said == [f"goes on at move {part.move} of 12"]
  assert rest.finished
  chex.assert_trees_all_equal(rest.state, whole.state)
  assert lines(tmp_path / "cut")[-1] == lines(tmp_path / "whole")[-1]


def test_asked_at_its_last_move_it_is_not_finished_either(trainer, tmp_path):
  """Else whoever called it would go on with what comes next."""

  def stop(line):
    if line.startswith("move 6/6"):
      os.kill(os.getpid(), signal.SIGTERM)

  said = []
  asked = run(
    trainer, training(6), workdir=tmp_path, progress=Progress(stop, said.append, lambda: None)
  )
  assert not asked.finished
  assert said == [f"asked to stop at move 6 of 6: saved in {tmp_path}/checkpoints/6"]
  again = run(trainer, training(6), workdir=tmp_path)
  assert again.finished
  chex.assert_trees_all_equal(again.state, asked.state)


def test_a_finished_run_is_not_run_again(trainer, tmp_path):
  calls = []

  def evaluate(state):
    calls.append(int(state.step))
    return {"accuracy": 0.5}

  first = run(trainer, training(6), workdir=tmp_path, evaluate=evaluate)
  rows = lines(tmp_path)
  second = run(trainer, training(6), workdir=tmp_path, evaluate=evaluate)
  chex.assert_trees_all_equal(first.state, second.state)
  assert first._replace(state=None) == second._replace(state=None)
  assert calls == [6]
  assert lines(tmp_path) == rows


def test_the_best_and_the_last_checkpoint_stay(trainer, tmp_path):
  scores = {2: 0.3, 4: 0.7, 6: 0.5, 8: 0.6, 10: 0.1}

  def evaluate(state):
    return {"accuracy": scores[int(state.step)], "per_class": [0.0]}

  fitted = run(
    trainer, training(10), workdir=tmp_path, evaluate=evaluate, every=Every(0, 2, 2), keep=1
  )
  assert (fitted.best, fitted.best_move, fitted.evaluation["accuracy"]) == (0.7, 4, 0.1)
  assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == ["10", "4"]
  assert [row.get("evaluation/accuracy") for row in lines(tmp_path)] == list(scores.values())


def fragile(rate, **kwargs):
  """Its loss is NaN where theta went far in a step: at high learning rates only."""
  task = classification(cases.Tiny())

  def loss(theta, model_state, batch, *, train):
    outcome = task.loss(theta, model_state, batch, train=train)
    far = jnp.max(jnp.abs(theta["head"]["bias"])) > 0.35
    return outcome._replace(losses=jnp.where(far, jnp.nan, outcome.losses))

  problem = supervised(task._replace(loss=loss), cases.brightness())
  return program(learner(problem, optim.sgd(rate, momentum=0)), cases.feed(), **kwargs)


def first_nan(made, steps):
  state = made.init()
  for step in range(steps):
    state, metrics = made.moves["train"](state, Numbers(step, 0), 1)
    if not np.isfinite(metrics["loss"]):
      return step
  return None


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
  made = fragile(1.0)
  bad = first_nan(made, 60)
  assert bad is not None
  with pytest.raises(FloatingPointError) as raised:
    run(made, training(60), workdir=tmp_path, every=Every(7, 2, 0))
  saved = bad - bad % 2
  where = f"{tmp_path}/checkpoints/{saved}" if saved else "none, nothing has been saved yet"
  assert str(raised.value) == (
    f"the loss is not finite at move {bad} (learning rate 1); the last good checkpoint is {where}"
  )
  with pytest.raises(FloatingPointError, match="none, nothing has been saved"):
    run(made, training(60))


@pytest.mark.parametrize("saving", [True, False], ids=["saved", "not saved"])
def test_a_rewound_run_goes_on_more_slowly(tmp_path, saving):
  made, (said, progress) = fragile(1.0), told()
  workdir = tmp_path if saving else None
  fitted = run(
    made, training(60), workdir=workdir, every=Every(7, 6, 0), on_nan="rewind", progress=progress
  )
  assert fitted.finished
  assert fitted.rewinds == len(said) >= 1
  assert "is not finite at move" in said[0]
  assert "with 0.5 times its learning rate" in said[0]
  rate = float(optim.rate_of(fitted.state.opt_state))
  np.testing.assert_allclose(rate, 0.5**fitted.rewinds, rtol=1e-6)
  assert np.isfinite(jax.tree.leaves(fitted.state.theta)[0]).all()


def test_a_rewound_run_resumes_to_the_same_bits(tmp_path):
  made = fragile(1.0)
  kwargs = {"every": Every(7, 6, 0), "on_nan": "rewind"}
  whole = run(made, training(60), workdir=tmp_path / "a", **kwargs)
  for steps in (18, 36, 60):
    # What a kill leaves: the checkpoint of an earlier move.
    part = run(made, training(60)[:steps], workdir=tmp_path / "b", **kwargs)
  assert part.rewinds == whole.rewinds >= 1
  chex.assert_trees_all_equal(part.state, whole.state)
  assert lines(tmp_path / "a") == lines(tmp_path / "b")


def test_a_longer_schedule_goes_on_where_a_shorter_one_ended(trainer, tmp_path):
  short = run(trainer, training(6), workdir=tmp_path)
  assert (short.move, short.finished) == (6, True)
  said, progress = told()
  longer = run(trainer, training(9), workdir=tmp_path, progress=progress)
  assert said == ["goes on at move 6 of 9"]
  chex.assert_trees_all_equal(longer.state, run(trainer, training(9)).state)


def test_rewinds_have_an_end():
  task = classification(cases.Tiny())

  def loss(theta, model_state, batch, *, train):
    outcome = task.loss(theta, model_state, batch, train=train)
    return outcome._replace(losses=outcome.losses * jnp.nan)

  problem = supervised(task._replace(loss=loss), cases.brightness())
  made = program(learner(problem, optim.sgd(0.1)), cases.feed())
  said, progress = told()
  with pytest.raises(FloatingPointError, match=r"move 0 \(learning rate 0.025\) after 2 rewinds"):
    run(made, training(9), on_nan="rewind", rewinds=2, progress=progress)
  assert len(said) == 2


def test_many_moves_a_dispatch_stop_where_something_is_done(tmp_path):
  several = program(cases.trainer(), cases.feed(), steps_per_dispatch=4)
  single = program(cases.trainer(), cases.feed())
  one = run(single, training(15), workdir=tmp_path / "one", every=Every(0, 10, 0))
  many = run(several, training(15), workdir=tmp_path / "many", every=Every(0, 10, 0))
  chex.assert_trees_all_close(many.state, one.state, rtol=1e-5, atol=1e-7)
  assert [r["move"] for r in lines(tmp_path / "many")] == [10, 15]


@pytest.mark.parametrize(("alpha", "warnings"), [(0.01, 0), (100.0, 1)])
def test_a_solve_that_diverges_is_told_once(alpha, warnings, tmp_path):
  """The Hessian of a linear softmax model lies between its decay and a few: 100 is far out."""
  moves = learner(
    cases.problem(decay=half_l2(1.0)),
    optim.sgd(0.2),
    phi_optimizer=optim.sgd(1e-6),
    estimator=hypergrad.implicit_checked(hypergrad.neumann(alpha, 3)),
  )
  said, progress = told()
  made = program(moves, cases.feed(), valid=cases.feed(seed=9))
  run(made, alternating(6, every=2), workdir=tmp_path, progress=progress, every=Every(log=3))
  assert len([line for line in said if "alpha is too large" in line]) == warnings
  residuals = [row["residual"] for row in lines(tmp_path) if "residual" in row]
  assert residuals
  assert all((r > 1) == bool(warnings) for r in residuals)


def test_seeds_are_logged_one_by_one(tmp_path):
  held = cases.feed().held
  feeds = [cases.feed(seed=s, held=held) for s in range(2)]
  made = program(cases.trainer(), feeds, seed=[0, 1])
  run(made, training(4), workdir=tmp_path)
  run(made, training(6), workdir=tmp_path)
  assert [len(row["loss"]) for row in lines(tmp_path)] == [2, 2]
  assert made.images == 16


@pytest.mark.parametrize(
  ("kwargs", "message"),
  [
    ({"on_nan": "ignore"}, "on_nan must be one of 'stop', 'rewind', not 'ignore'"),
    ({"slower": 1.0}, "slower must be between 0 and 1, not 1.0"),
    ({"every": Every(-1)}, "every must hold numbers of at least 0"),
    ({"evaluate": lambda state: {"a": 1.0}}, "best must be one of .*'a', not 'accuracy'"),
    ({"schedule": ("search",)}, "has the move 'search', and this learner has 'train'"),
  ],
  ids=["on_nan", "slower", "every", "best", "schedule"],
)
def test_mistakes_are_named(trainer, kwargs, message):
  schedule = kwargs.pop("schedule", training(1))
  with pytest.raises(ValueError, match=message):
    run(trainer, schedule, **kwargs)
