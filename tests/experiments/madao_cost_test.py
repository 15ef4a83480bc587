"""The benchmark of MADAO's overhead: its arithmetic by hand, and its programs on a tiny network."""

import pytest

from autoaug_jax.models import small_cnn
from autoaug_jax.ops import select, spaces
from experiments.benchmarks import madao_cost
from experiments.benchmarks.madao_cost import Move, Times


def test_a_round_is_s_training_moves_and_a_search():
  times = Times(train=2.0, search=24.0, augmentation=0.5)
  assert madao_cost.overhead(times, 60) == pytest.approx(1.2)
  assert madao_cost.shares(times, 60) == pytest.approx((24 / 144, 30 / 144, 90 / 144))
  assert sum(madao_cost.shares(times, 7)) == pytest.approx(1)


def test_the_table():
  made = {
    "train": Move(lambda: None, 100.0, 1000),
    "search": Move(lambda: None, 1300.0, 2200),
    "augmentation": Move(lambda: None, 1.0, 10),
  }
  seconds = {"train": [1.0, 1.0, 2.0], "search": [14.0, 15.0, 30.0], "augmentation": [0.1] * 3}
  lines = madao_cost.report(made, seconds).splitlines()
  assert "15.00 (14.50-15.00) training moves, 13.00 in flops" in lines[0]
  assert lines[4].startswith("| s = 60 | 1.25x | 1.25x | 1.9x | 20.0% | 8.0% | 72.0% |")
  assert lines[5].startswith("| s = 30 | 1.50x | 1.50x | 1.7x | 33.3% |")
  assert lines[6].startswith("| memory | 2.20x | 2.3x |")


@pytest.mark.slow
def test_the_moves_of_a_tiny_network():
  """A search is more work than a step; recomputed forward passes are more work in less memory."""
  space = select(spaces.madao(), ["Brightness", "Invert"])
  batch = madao_cost.batch_of(8, 8)
  model = small_cnn(widths=(4,), classes=10)
  made = madao_cost.moves(model, batch, space=space, remat=False)
  assert made["search"].flops > 5 * made["train"].flops
  assert made["search"].memory > made["train"].memory > made["augmentation"].memory
  seconds = madao_cost.measure(made, 2)
  assert {len(each) for each in seconds.values()} == {2}
  assert min(min(each) for each in seconds.values()) >= 0
