import numpy as np

from experiments.benchmarks import loop

TINY = loop.Case("small-cnn", batch=4, size=8, images=16, steps=2, log_every=1)


def test_every_row_runs():
  for call in loop.rows(TINY).values():
    call()


def test_the_plain_step_and_the_engine_see_the_same_batch():
  feed = loop.resident(TINY)
  batch = feed.batch(feed.held, feed.draw(5))
  assert batch.image.shape == (4, 8, 8, 3)
  assert batch.image.dtype == np.uint8
  np.testing.assert_array_equal(batch.index, feed.draw(1))
  assert loop.engine(TINY, feed).images == 4
