"""Several processes as one job: how they find each other, and what is said when one is gone."""

import contextlib
import os
import sys
from collections.abc import Iterator

import jax
from absl import flags

AUTO = "auto"
GONE = 3  # the exit code where another process is gone
SILENCE = 100  # seconds without a sign after which a process counts as gone
TOGETHER = 300  # seconds within which all have to be there, and to have ended


def define_flags() -> None:
  """The flag that makes several processes one job."""
  flags.DEFINE_string(
    "processes",
    "",
    "Empty for one process; auto where JAX finds the others by itself (Slurm, Open MPI, "
    "Kubernetes, TPU slices); else host:port,count,number, as 10.0.0.1:1234,2,0 of two. All take "
    "the same flags otherwise, --devices=0 and one --workdir that all of them see.",
  )


@contextlib.contextmanager
def together(where: str) -> Iterator[None]:
  """The others are found before, and a process that is left alone ends with a sentence.

  `where` is the flag's value. What was saved stays: all processes are to be started again.
  """
  if not where:
    yield
    return
  address, count, number = (None, None, None) if where == AUTO else _three(where)
  try:
    jax.distributed.initialize(
      address,
      count,
      number,
      initialization_timeout=TOGETHER,
      heartbeat_timeout_seconds=SILENCE,
      shutdown_timeout_seconds=TOGETHER,
    )
  except ValueError as error:
    raise ValueError(
      f"processes={where!r} finds no other process ({error}): say host:port,count,number"
    ) from None
  try:
    yield
  except jax.errors.JaxRuntimeError as error:
    if jax.process_count() == 1:
      raise
    _leave(str(error))


def first() -> bool:
  """Whether this is the process that speaks and writes."""
  return jax.process_index() == 0


def _three(where: str) -> tuple[str, int, int]:
  parts = where.split(",")
  try:
    address, count, number = parts[0], int(parts[1]), int(parts[2])
    if len(parts) != 3 or ":" not in address or not 0 <= number < count:
      raise IndexError
  except (ValueError, IndexError):
    raise ValueError(
      f"processes must be auto or host:port,count,number with a number below count, not {where!r}"
    ) from None
  return address, count, number


def _leave(why: str) -> None:
  """Ends at once: the usual end waits for processes that are gone."""
  line = why.strip().splitlines()[0] if why.strip() else "no reason given"
  said = f"a computation of all processes failed, as where one is gone: start them again ({line})"
  print(said, file=sys.stderr, flush=True)
  os._exit(GONE)
