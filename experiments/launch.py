"""What every main does: flags from NamedTuples, one sentence for a mistake, exit code 2."""

import contextlib
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import jax
from absl import app, flags, logging

from autoaug_jax.app import attributes
from autoaug_jax.data import data_root

flags.disclaim_key_flags()  # what is defined here belongs to the main that asks for it

MISTAKE = 2  # the exit code
KINDS: dict[type, Any] = {
  bool: flags.DEFINE_bool,
  int: flags.DEFINE_integer,
  float: flags.DEFINE_float,
  str: flags.DEFINE_string,
}

LARGEST = 2**31 - 1  # of whole numbers
MOST_BYTES = 2**62


def define(
  kind: Any,
  *,
  only: Iterable[str] = (),
  defaults: dict[str, Any] | None = None,
  prefix: str = "",
) -> None:
  """A flag for each field of a NamedTuple, explained by its docstring.

  With a prefix, as of a method's options, the default is shown but left open.
  """
  texts, values = attributes(kind), {**kind._field_defaults, **(defaults or {})}
  for name in only or kind._fields:
    value = values[name]
    text = f"{texts[name]} [{value}]" if prefix else texts[name]
    KINDS[type(value)](prefix + name, None if prefix else value, text)
    _bounded(prefix + name, value)


def _bounded(flag: str, default: Any) -> None:
  """Refuses numbers that nothing below is made for."""
  if type(default) is float:
    flags.register_validator(flag, lambda x: x is None or math.isfinite(x), "it must be finite")
  if type(default) is int:
    most = LARGEST if default <= LARGEST else MOST_BYTES
    said = f"it must be a whole number of at most {most}"
    flags.register_validator(flag, lambda x: x is None or abs(x) <= most, said)


def values(kind: Any, *, only: Iterable[str] = ()) -> dict[str, Any]:
  """What the flags of its fields say."""
  return {name: flags.FLAGS[name].value for name in only or kind._fields}


def given(kind: Any, *, prefix: str = "") -> dict[str, Any]:
  """The fields whose flags were given."""
  return {name: flags.FLAGS[prefix + name].value for name in kind._fields if _said(prefix + name)}


def _said(flag: str) -> bool:
  return bool(flags.FLAGS[flag].present)


def run(name: str, main: Callable[[], None]) -> None:
  """Runs a main; a mistake is one sentence on standard error."""

  def whole(args: Sequence[str]) -> None:
    logging.set_verbosity(logging.WARNING)
    # orbax's threads log what they raise, and what they raise reaches us.
    logging.get_absl_logger().addFilter(lambda record: "/orbax/" not in record.pathname)
    _keep_programs()
    with _ending_when_asked(name):
      attempt(name, main, args)

  app.run(whole, flags_parser=lambda args: parsed(name, args))


def attempt(name: str, main: Callable[[], None], args: Sequence[str]) -> None:
  """A main, of whose mistakes none is a traceback; `args` is what flags have left over."""
  if len(args) > 1:
    stop(name, f"only flags are taken, not {args[1]!r}")
  try:
    main()
  except (ValueError, OSError, ImportError, FloatingPointError) as error:
    stop(name, str(error))
  except MemoryError as error:
    stop(name, f"there is not enough memory ({str(error) or 'no more is known'})")


def stop(name: str, sentence: str) -> None:
  """Ends the program."""
  print(f"{name}: {sentence}", file=sys.stderr)
  raise SystemExit(MISTAKE)


def aside(line: str) -> None:
  """What is said beside the results."""
  print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _ending_when_asked(name: str) -> Iterator[None]:
  """SIGTERM where nothing is to be saved is a clean end; training, which saves, has its own way."""
  asked, ended = threading.Event(), threading.Event()

  def again() -> None:
    # What a signal raises is lost in a finalizer, hence it is sent until it has come through.
    while not ended.wait(1.0):
      os.kill(os.getpid(), signal.SIGTERM)

  def end(number: int, frame: Any) -> None:
    del number, frame
    if not asked.is_set():
      asked.set()
      # Not by print: what was interrupted may be a print.
      os.write(2, f"{name}: asked to stop, and it stops; what is done stays\n".encode())
      threading.Thread(target=again, daemon=True).start()
    raise SystemExit(0)

  signal.signal(signal.SIGTERM, end)
  try:
    yield
  except SystemExit:
    if asked.is_set():
      # The interpreter is not taken down: under JAX's threads, if they compute, that has crashed.
      with contextlib.suppress(OSError):
        sys.stdout.flush()
      os._exit(0)
    raise
  finally:
    ended.set()


def _keep_programs() -> None:
  """Compiled programs stay for the next run, unless the user says where or that they do not."""
  if not getattr(jax.config, "jax_compilation_cache_dir", None):
    jax.config.update("jax_compilation_cache_dir", str(data_root() / "programs"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def parsed(name: str, args: Sequence[str]) -> list[str]:
  """What flags leave over of the words of a command line, the program's name first."""
  try:
    return flags.FLAGS(args)
  except flags.Error as error:
    stop(name, f"{error} (--help lists all flags)")
    raise
