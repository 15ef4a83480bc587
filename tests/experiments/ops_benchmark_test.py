import numpy as np
import pytest

from experiments.benchmarks import ops, timing
from experiments.benchmarks.by_hand import pillow_loop
from experiments.benchmarks.peers import PEERS, Peer


def missing(images: np.ndarray, count: int) -> ops.Call:
  raise ImportError("No module named 'absent'")


PILLOW, ABSENT = PEERS[0], Peer("absent", missing)


def test_images_are_repeatable_and_differ():
  images = ops.load_images(ops.PICTURES, 40, 15)
  assert images.shape == (15, 40, 40, 3)
  assert images.dtype == np.uint8
  np.testing.assert_array_equal(images, ops.load_images(ops.PICTURES, 40, 15))
  assert len({image.tobytes() for image in images}) == 15


def test_a_folder_without_pictures_is_named(tmp_path):
  with pytest.raises(ValueError, match=tmp_path.name):
    ops.load_images(tmp_path, 8, 1)


def test_turns_are_taken_with_an_untimed_call_first():
  seen = []
  seconds = timing.take_turns({n: (lambda n=n: seen.append(n)) for n in "ab"}, rounds=2)
  assert "".join(seen) == "aabb" * 3  # the first round is not counted
  assert {name: len(times) for name, times in seconds.items()} == {"a": 2, "b": 2}


def test_a_ratio_is_taken_within_a_round():
  assert timing.ratio([2.0, 9.0, 8.0], [1.0, 3.0, 2.0]) == (3.0, 2.0, 4.0)


def test_the_pillow_loop_changes_most_images():
  images = ops.load_images(ops.PICTURES, 32, 40)
  out = pillow_loop(images, 2)()
  assert out.dtype == np.uint8
  assert out.shape == images.shape
  assert (out != images).any((1, 2, 3)).mean() > 0.8


def test_who_is_missing_is_named():
  present, absent = ops.installed([PILLOW, ABSENT])
  assert present == [PILLOW]
  assert absent == {"absent": "No module named 'absent'"}


def test_a_small_table():
  images = ops.load_images(ops.PICTURES, 16, 4)
  cells = {1: ops.measure(images, 1, [PILLOW], rounds=1)}
  cell = cells[1]
  assert cell.ratios[ops.OURS] == (1.0, 1.0, 1.0)
  assert cell.microseconds[PILLOW.name] > 0
  lines = ops.table(16, cells, [PILLOW], step_ms=16.0).splitlines()
  assert len(lines) == 2 + 3
  assert len({line.count("|") for line in lines[1:]}) == 1
  assert "K=1" in ops.costs(16, cells)


def test_missed_goals_are_named():
  spread = timing.Spread(5.0, 4.0, 6.0)
  times = {ops.OURS: 300.0, PILLOW.name: 1500.0}
  cells = {2: ops.Cell(times, dict.fromkeys(times, spread), 4.0, 0.0)}
  said = ops.missed(32, cells, step_ms=16.0)
  assert len(said) == 3
  assert "first call" in said[0]
  assert "1%" in said[1]
  assert "Pillow" in said[2]
