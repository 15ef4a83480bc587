"""Plans for data that nobody has seen: what is chosen, and that it is said why."""

import numpy as np
import pytest

from autoaug_jax.app import How, SearchSetting, planning, site
from autoaug_jax.app.ladder import ladder, operations, side_of
from autoaug_jax.app.plan import BASELINES
from autoaug_jax.app.planning import Wish, make_plan
from autoaug_jax.app.timing import Rates

HOW = How(say=lambda line: None)


@pytest.fixture
def timed(monkeypatch):
  """Steps of 1 ms, searches of 2, and 2 seconds before either."""
  monkeypatch.setattr(site, "training_rates", lambda *_, **__: Rates(2.0, {("", "train"): 1e-3}))
  each = {(p, m): 2e-3 for p in ("pretrain", "search", "") for m in ("train", "joint", "refresh")}
  rates = Rates(6.0, {**each, ("train", "train"): 1e-3, ("train", "joint"): 2e-3})
  monkeypatch.setattr(planning, "search_rates", lambda *_, **__: rates)
  monkeypatch.setattr(planning, "seconds_per_operation", lambda channels: 1e-12)


def wish(npz, budget, **fields):
  return Wish(budget, SearchSetting(data=npz, **fields), frozenset(fields))


def test_with_time_everything_is_compared(timed, npz):
  plan, source = make_plan(wish(npz, 1200.0, flip=0.0), how=HOW)
  assert plan.setting.data == npz
  assert len(source.parts["train"].labels) == 64
  assert (plan.setting.model, plan.setting.size) == ("wrn-40-2", 0), "the largest of the ladder"
  assert plan.setting.batch == 16, "half of 64 images hold two batches"
  assert (plan.method, plan.options.ops, plan.options.draws) == ("slack", 1, "per_image")
  assert plan.longer_rows == BASELINES
  assert len(plan.seeds) == 5
  assert plan.epochs == 200
  assert plan.longer == plan.epochs + int(np.ceil(plan.search_cost / 5))
  assert any(reason.startswith("Method: SLACK") for reason in plan.reasons)
  assert sum(plan.estimates[n] for n in plan.estimates) < 1200


def test_what_is_given_is_kept(timed, npz):
  asked = wish(npz, 1200.0, model="small-cnn", batch=8)._replace(
    method="slack", options={"ops": 2, "rounds": 3}
  )
  plan, _ = make_plan(asked, how=HOW)
  assert (plan.setting.model, plan.setting.batch) == ("small-cnn", 8)
  assert (plan.options.ops, plan.options.rounds) == (2, 3)


def test_too_little_time_names_how_much_it_takes(timed, npz):
  with pytest.raises(ValueError, match=r"a budget of 10s is too short: .* takes about \d"):
    make_plan(wish(npz, 10.0, model="small-cnn"), how=HOW)


def test_too_few_images_are_refused(timed, npz):
  with pytest.raises(ValueError, match="has 30 images to train on; a search takes 40"):
    make_plan(wish(npz, 600.0, model="small-cnn", train_images=30), how=HOW)


def test_an_unknown_option_is_named(timed, npz):
  asked = wish(npz, 600.0, model="small-cnn")._replace(method="slack", options={"colour": 2})
  with pytest.raises(ValueError, match=r"options of slack are .*, not 'colour'"):
    make_plan(asked, how=HOW)


def test_uneven_classes_are_autodos(timed, tmp_path):
  labels = np.repeat([0, 1], [54, 10])
  images = np.zeros((64, 8, 8, 1), np.uint8)
  images[labels == 1] = 200
  path = tmp_path / "uneven.npz"
  np.savez(path, train_images=images, train_labels=labels, test_images=images, test_labels=labels)
  source = planning.see(SearchSetting(data=str(path)), how=HOW).source
  at = site.Site(SearchSetting(), source, 64, 1, 1.0, 1.0)
  assert planning._choice(wish(str(path), 600.0), at, how=HOW).method == "autodo"


def test_the_ladder_goes_down():
  for side, even in ((32, True), (500, False)):
    rungs = ladder(side, even=even)
    costs = [operations(rung.model, rung.size or side, 3) for rung in rungs]
    assert costs == sorted(costs, reverse=True) or side > 64
    assert costs[-1] == min(costs)
    assert all(rung.size <= side for rung in rungs)
    assert all((rung.size == 0) == even for rung in rungs)


def test_sides():
  assert side_of([(32, 32)] * 3) == (32, True)
  assert side_of([(32, 40)] * 3) == (32, False)
  assert side_of([(30, 30), (50, 80), (200, 60)]) == (50, False)
