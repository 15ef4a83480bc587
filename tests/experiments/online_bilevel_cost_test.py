"""The benchmark of Online bilevel's cost: arithmetic by hand, and its moves on a tiny network."""

import numpy as np

from autoaug_jax.models import small_cnn
from experiments.benchmarks import online_bilevel_cost
from experiments.benchmarks.online_bilevel_cost import SPACES, Move


def test_a_run_is_j_minus_1_training_moves_and_a_joint_one():
  seconds = {"plain": [2.0], "train": [3.0], "joint": [7.0]}
  np.testing.assert_allclose(online_bilevel_cost.run_costs(seconds, 1), 3.5)
  np.testing.assert_allclose(online_bilevel_cost.run_costs(seconds, 10), 34 / 20)


def test_the_table():
  made = {n: Move(lambda: None, f) for n, f in (("plain", 3.0), ("train", 3.1), ("joint", 10.5))}
  seconds = {"plain": [1.0, 2.0, 4.0], "train": [1.1, 2.2, 4.4], "joint": [3.0, 8.0, 14.0]}
  lines = online_bilevel_cost.report(made, seconds).splitlines()
  assert (
    "without augmentation takes 2.000 s, under the augmenter 2.200 s, a joint one 8.000"
    in (lines[0])
  )
  assert lines[4].startswith("| 1 | 3.50x (3.25-3.75) | 3.50x | 3.7x | 5.3x |")
  assert lines[5].startswith("| 10 | 1.34x (")


def test_the_moves_of_a_tiny_network():
  space, form = SPACES["translation"]
  batch = online_bilevel_cost.batch_of(8, 8)
  made = online_bilevel_cost.moves(small_cnn(widths=(4,)), batch, space=space, form=form)
  assert made["joint"].flops > 2 * made["train"].flops
  assert made["train"].flops > made["plain"].flops
  seconds = online_bilevel_cost.measure(made, 2)
  assert {len(each) for each in seconds.values()} == {2}
