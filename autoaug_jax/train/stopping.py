"""Being asked to stop: by SIGTERM, as schedulers of jobs do, or by Ctrl-C."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import jax
from jax.experimental import multihost_utils


@contextlib.contextmanager
def asked_to_stop() -> Iterator[Callable[[int], bool]]:
  """Yields (move) -> whether a signal has come; a second Ctrl-C interrupts as always.

  A signal that comes after the last question is passed on to what handled signals before. Of
  several processes all answer yes at the same move, whichever of them was asked.
  """
  asked: list[int] = []
  heard = False

  def stop(move: int) -> bool:
    nonlocal heard
    heard = bool(asked)
    return heard

  def note(number: int, frame: Any) -> None:
    del frame
    asked.append(number)
    signal.signal(signal.SIGINT, signal.default_int_handler)

  if jax.process_count() > 1:
    # JAX's own service catches SIGTERM there.
    yield lambda move: bool(multihost_utils.reached_preemption_sync_point(move))
  elif threading.current_thread() is not threading.main_thread():
    yield lambda move: False
  else:
    before = {n: signal.signal(n, note) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
      yield stop
    finally:
      for number, handler in before.items():
        signal.signal(number, handler)
      if asked and not heard:
        signal.raise_signal(asked[0])
