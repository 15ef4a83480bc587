"""The same seed, the same bits."""

import numpy as np
import pytest

from experiments.benchmarks import determinism, tiny
from experiments.benchmarks.determinism import Row, apart, digest, line

QUICK = "online-bilevel"  # whole methods are slow to compile
SLOW = [name for name in tiny.METHODS if name != QUICK]


@pytest.fixture(scope="module")
def once():
  return list(tiny.walk(tiny.Tiny(QUICK)))


def test_the_same_seed_has_the_same_bits_and_another_has_not(once):
  again, other = (list(tiny.walk(tiny.Tiny(QUICK, seed=seed))) for seed in (0, 1))
  assert once[-1].move == len(once) == 20
  assert digest(once) == digest(again) != digest(other)
  assert apart(once[-1].phi, other[-1].phi) > 1e-3


def test_two_moves_in_a_dispatch_have_the_same_bits_in_another_process(once):
  stops = list(tiny.walk(tiny.Tiny(QUICK, at_once=2)))
  assert len(stops) == 10
  assert determinism.elsewhere(QUICK, 2) == digest(stops)
  assert apart(once[-1][1:], stops[-1][1:]) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("method", SLOW)
def test_every_method_has_the_same_bits_again_and_elsewhere(method):
  for row in determinism.rows(method, (1, 2)):
    assert row.again
    assert row.elsewhere
    assert row.apart < 1e-5


def test_dispatches_cover_a_schedule():
  schedule = ("refresh", "train", "train", "train", "joint", "joint", "search")
  found = list(tiny.dispatches(schedule, 2))
  assert [(move, name, count) for move, name, count, _ in found] == [
    (0, "refresh", 1),
    (1, "train", 2),
    (3, "train", 1),
    (4, "joint", 2),
    (6, "search", 1),
  ]
  assert [tuple(numbers) for *_, numbers in found] == [(0, 0), (0, 0), (2, 0), (3, 0), (5, 2)]


def test_one_bit_is_enough():
  stop = tiny.Stop(1, np.zeros(3, np.float32), np.ones(2), {})
  other = stop._replace(theta=np.nextafter(stop.theta, 2))
  assert digest([stop]) == digest([stop._replace(move=2)])
  assert digest([stop]) != digest([other])
  assert digest([stop]) != digest([stop._replace(phi=np.zeros(3, np.float64))])
  assert apart({"a": np.array([1.0, 3.0])}, {"a": np.array([1.0, 2.0])}) == 0.25


def test_a_line_names_what_differs():
  same, other = Row("slack", 1, True, True, 0.0), Row("autodo", 2, True, False, 2e-15)
  assert line(same) == "| slack | 1 | same bits | same bits | same bits |"
  assert line(other) == "| autodo | 2 | same bits | DIFFERS | 2.0e-15 |"
  assert determinism.HEAD.count("|") == 2 * line(same).count("|")


def test_a_method_that_is_not_there_is_named():
  with pytest.raises(ValueError, match=r"methods are slack, .*, not 'online_bilevel'"):
    tiny.method_of(tiny.Tiny("online_bilevel"))
