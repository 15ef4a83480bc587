import os
import signal
import threading

import pytest

from autoaug_jax.train.stopping import asked_to_stop


def test_a_signal_is_heard_and_the_handlers_come_back():
  before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
  with asked_to_stop() as stop:
    assert not stop(0)
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop(1)
  assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_the_second_interrupt_interrupts():
  with asked_to_stop() as stop:
    os.kill(os.getpid(), signal.SIGINT)
    assert stop(1)
    with pytest.raises(KeyboardInterrupt):
      os.kill(os.getpid(), signal.SIGINT)


def test_what_is_not_asked_about_any_more_is_passed_on():
  came = []
  before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
  try:
    with asked_to_stop() as stop:
      assert not stop(0)
      os.kill(os.getpid(), signal.SIGTERM)
    assert came == [signal.SIGTERM]
    with asked_to_stop() as stop:
      os.kill(os.getpid(), signal.SIGTERM)
      assert stop(0)
    assert came == [signal.SIGTERM]
  finally:
    signal.signal(signal.SIGTERM, before)


def test_another_thread_is_never_asked():
  seen = []

  def run():
    with asked_to_stop() as stop:
      seen.append(stop(0))

  thread = threading.Thread(target=run)
  thread.start()
  thread.join()
  assert seen == [False]
