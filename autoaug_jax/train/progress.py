"""What a run tells whoever watches it: one line that changes, or plain lines in a log."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple, TextIO


class Progress(NamedTuple):
  """show: a line that the next may replace; say: a line that stays; close: ends the last one."""

  show: Callable[[str], None]
  say: Callable[[str], None]
  close: Callable[[], None]


def progress_on(
  stream: TextIO,
  *,
  every: float = 30.0,
  rewrites: bool | None = None,
  clock: Callable[[], float] = time.monotonic,
) -> Progress:
  """Told to `stream`.

  In a terminal or a notebook the line is written over itself; in a file a line comes at most every
  `every` seconds, and the last one always. `rewrites` overrides the guess.
  """
  over = _rewrites(stream) if rewrites is None else rewrites
  width, last = 0, float("-inf")
  waiting: list[str] = []

  def show(line: str) -> None:
    nonlocal width, last
    if over:
      stream.write("\r" + line.ljust(width))
      width = len(line)
    elif clock() - last >= every:
      stream.write(line + "\n")
      last = clock()
      waiting.clear()
    else:
      waiting[:] = [line]
    stream.flush()

  def end() -> None:
    nonlocal width
    if over and width:
      stream.write("\n")
      width = 0
    elif waiting:
      stream.write(waiting.pop() + "\n")
    stream.flush()

  def say(line: str) -> None:
    end()
    stream.write(line + "\n")
    stream.flush()

  return Progress(show, say, end)


def silent() -> Progress:
  """Says nothing."""
  return Progress(lambda line: None, lambda line: None, lambda: None)


def titled(title: str, progress: Progress) -> Progress:
  """The same, with `title` before each line."""
  if not title:
    return progress
  return Progress(
    lambda line: progress.show(f"{title}  {line}"),
    lambda line: progress.say(f"{title}: {line}"),
    progress.close,
  )


def line(move: int, moves: int, values: dict[str, Any], *, speed: float, seconds: float) -> str:
  """`move 50/200  loss 1.234  accuracy 56.7%  812 images/s  1:05 left`; means over seeds."""
  parts = [f"move {move}/{moves}"]
  for name, told in (*((n, n) for n in ("loss", "accuracy", "outer")), ("phi/entropy", "entropy")):
    if name in values:
      value = mean(values[name])
      parts.append(f"{told} {value:.1%}" if name == "accuracy" else f"{told} {value:.4g}")
  if speed > 0:
    parts.append(f"{speed:.0f} images/s" if speed >= 10 else f"{speed:.2g} images/s")
  return "  ".join([*parts, f"{_duration(seconds)} left"])


def _duration(seconds: float) -> str:
  """`h:mm:ss`, or `m:ss` below an hour."""
  minutes, rest = divmod(round(seconds), 60)
  hours, minutes = divmod(minutes, 60)
  return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def mean(value: Any) -> float:
  """Of a number, or of one for each seed."""
  return sum(value) / len(value) if isinstance(value, list) else float(value)


def _rewrites(stream: TextIO) -> bool:
  if stream.isatty():
    return True
  # A notebook's stream is no terminal, and yet understands a carriage return.
  return type(stream).__module__.startswith("ipykernel")
