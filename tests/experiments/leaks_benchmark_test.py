import gc
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.benchmarks import leaks, steady


def test_a_search_compiles_at_its_beginning_only_and_leaves_nothing_open(tmp_path):
  leaks.measure("slack-per-image", 120, tmp_path / "first", every=20)  # loads what stays loaded
  gc.collect()
  files, threads = steady.open_files(), set(threading.enumerate())
  found = leaks.measure("slack-per-image", 300, tmp_path / "second", every=20)
  gc.collect()
  for thread in set(threading.enumerate()) - threads:
    thread.join(timeout=10)  # it may have been told to end, no more
  assert set(threading.enumerate()) <= threads
  assert steady.open_files() <= files
  assert found.samples[-1].move == 300
  assert found.samples[-1].compiles >= 3, "a move of each kind"
  assert found.late == 0
  # So few samples make no line: files that are open while a checkpoint is written come and go.
  before, after = found.samples[3:9], found.samples[9:]
  assert min(s.files for s in after) < min(s.files for s in before) + leaks.FEW
  # Threads meanwhile are for the long run, because pools fill by and by, and so is memory: here XLA
  # and the allocator still settle.
  assert found.trends["memory"].growth < 0.1
  assert "| files |" in leaks.table(found)


def test_one_more_at_each_checkpoint_is_too_many():
  places = np.arange(200)
  for grows, flat in ((0, True), (1, False)):
    found = steady.trend(places, 12 + grows * (places // 2), least=True)
    assert leaks.still("files", found) == leaks.still("threads", found) == flat
  assert leaks.still("memory", steady.Trend(1e9, 0.04, 0.03, 0.05))
  assert not leaks.still("memory", steady.Trend(1e9, 0.06, 0.05, 0.07))


def test_moves_go_round_and_round():
  assert leaks.lasting(("a", "b", "c"), 5) == ("a", "b", "c", "a", "b")


def test_a_program_that_is_compiled_again_is_counted():
  double = jax.jit(lambda x: 2 * x)
  double(jnp.zeros(3))
  with steady.counted() as counts:
    double(jnp.zeros(3))
    assert counts[steady.TRACES] == counts[steady.COMPILES] == 0
    double(np.zeros(4, np.float32))
  assert counts[steady.TRACES] >= 1
  before = dict(counts)
  double(np.zeros(5, np.float32))
  assert counts == before, "nobody listens any more"


NOISE = np.random.default_rng(0).normal(0, 1, 400)


@pytest.mark.parametrize(
  ("values", "flat"),
  [
    (1000 + NOISE, True),
    (1000 + NOISE + 0.2 * np.arange(400), False),  # 8% over the run
    (1000 + NOISE + 0.02 * np.arange(400), True),  # 0.8%, less than is looked at
    (1000 - 0.2 * np.arange(400), True),
  ],
  ids=["still", "grows", "hardly grows", "shrinks"],
)
def test_what_is_flat(values, flat):
  assert steady.trend(np.arange(400), values).flat(0.02) == flat


def test_the_line_is_scipys():
  """Against a fit of all samples: of as many as there are stretches, it is that fit."""
  x, y = np.arange(20.0), 50 + NOISE[:20]
  found = steady.trend(x, y, skip=0.0)
  slope, offset = np.polyfit(x, y, 1)
  left = y - slope * x - offset
  error = np.sqrt(left @ left / 18 / ((x - x.mean()) @ (x - x.mean())))
  np.testing.assert_allclose(found.growth, slope * 19 / y.mean(), rtol=1e-9)
  np.testing.assert_allclose(found.high - found.growth, 2.1009 * error * 19 / y.mean(), rtol=1e-4)


def test_what_comes_and_goes_is_seen_from_below():
  """A floor that rises is a leak, whatever is above it."""
  busy = 12 + 20 * (np.arange(400) % 3 == 0)
  assert steady.trend(np.arange(400), busy, least=True).growth == 0
  assert not steady.trend(np.arange(400), busy + np.arange(400) // 40, least=True).flat(0.02)


def test_the_beginning_is_left_out():
  values = [500.0] * 20 + [1000.0] * 80
  assert steady.trend(range(100), values).growth == 0
  with pytest.raises(ValueError, match="at least 4 samples behind its beginning, not 3"):
    steady.trend(range(4), [1.0] * 4)


def test_this_process_is_seen(tmp_path):
  before, files = steady.memory(), steady.open_files()
  held = np.ones(2**23)
  with (tmp_path / "file").open("w"):
    assert steady.open_files() == files + 1
  assert steady.memory() > before + held.nbytes // 2
  assert steady.memory(2**30) == 0
  assert steady.threads() >= 1
