"""Batches decoded ahead of their step, by Grain."""

import collections
import dataclasses
import gc
import multiprocessing
import os
import threading
import warnings
import weakref
from typing import Any

import jax
import numpy as np

from autoaug_jax.data.extras import cores, need
from autoaug_jax.data.order import Order
from autoaug_jax.data.source import Examples

AHEAD = 2  # batches on the device before their step
ENDLESS = 2**31 - 1
DIED = "terminated unexpectedly"  # how Grain says that a worker was killed


@dataclasses.dataclass(frozen=True)
class Batches:
  """A sequence of whole batches, as Grain's workers read it."""

  examples: Examples
  order: Order
  labels: np.ndarray
  start: int

  def __len__(self) -> int:
    return ENDLESS - self.start

  def __getitem__(self, position: Any) -> Any:
    indices = self.order(self.start + int(position))
    index = np.maximum(indices, 0).astype(np.int32)
    weight = (indices >= 0).astype(np.float32)
    return self.examples.fetch(index), self.labels[index], weight, index


class Stream:
  """step -> (image, label, weight, index): a pure function, fast where steps come in turn.

  A worker process that dies is replaced, with a warning; one that dies twice at a step is an error.
  """

  def __init__(
    self, examples: Examples, order: Order, labels: np.ndarray, *, workers: int | None
  ) -> None:
    if workers is None:
      workers = min(8, cores())
    if workers < 0:
      raise ValueError(f"workers must be 0 or more, not {workers}")
    self._grain = need("grain", "streaming data that exceed the memory budget")
    self._source = (examples, order, labels)
    self._workers = workers
    self._next = -1
    self._died_at = -1
    self._ready: collections.deque[Any] = collections.deque()
    self._batches: list[Any] = []  # the iterator, once there is one
    # Workers end with their stream, and before the interpreter is taken apart.
    weakref.finalize(self, _end, self._batches)

  def __call__(self, step: int) -> Any:
    if step != self._next:
      self._ready.clear()
      self._start(step)
    while len(self._ready) <= AHEAD:
      # Copied, for Grain's arrays lie in shared memory that is freed behind the device's back.
      batch = tuple(np.array(part) for part in self._decoded(step + len(self._ready)))
      self._ready.append(jax.device_put(batch))
    self._next = step + 1
    return self._ready.popleft()

  def _decoded(self, step: int) -> Any:
    """The next batch, that of `step`, from new workers where one has died."""
    try:
      return next(self._batches[0])
    except RuntimeError as error:
      if DIED not in str(error):
        raise
    if step == self._died_at:
      raise ChildProcessError(
        f"a process that decodes images was killed twice at step {step}, for lack of memory perhaps"
      )
    self._died_at = step
    warnings.warn(
      f"a process that decodes images was killed; others go on at step {step}",
      RuntimeWarning,
      stacklevel=2,
    )
    self._start(step)
    return self._decoded(step)

  def _start(self, step: int) -> None:
    """Grain begins at a step as cheaply as at the first: every batch is a function of its step."""
    _end(self._batches)
    data = self._grain.MapDataset.source(Batches(*self._source, step))
    options = self._grain.ReadOptions(num_threads=4, prefetch_buffer_size=4)
    batches = data.to_iter_dataset(options)
    if self._workers:
      from absl import flags

      if not flags.FLAGS.is_parsed():  # Grain's workers read flags, which a library user has not
        flags.FLAGS.mark_as_parsed()
      batches = batches.mp_prefetch(
        self._grain.MultiprocessingOptions(num_workers=self._workers, per_worker_buffer_size=2),
        worker_init_fn=_end_with_the_run,
      )
    self._batches.append(iter(batches))


def _end_with_the_run(worker: int, workers: int) -> None:
  """In a worker: its process ends when the run's does, be it by a SIGKILL that tells nobody."""
  del worker, workers
  run = multiprocessing.parent_process()

  def wait() -> None:
    if run is not None:
      run.join()
      os._exit(1)

  threading.Thread(target=wait, daemon=True).start()


def _end(batches: list[Any]) -> None:
  """Ends an iterator's workers and lets go of what they had decoded."""
  while batches:
    batches.pop().close()
  gc.collect()
