"""Metrics on disk: JSON lines, and TensorBoard's files where tensorboardX is installed."""

import json
import pathlib
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from autoaug_jax.files import write_whole


class Records(NamedTuple):
  """write: (move, values) appends a line; back: drops those after a move; close: flushes."""

  write: Callable[[int, dict[str, Any]], None]
  back: Callable[[int], None]
  close: Callable[[], None]


def records(folder: str | pathlib.Path | None, *, since: int = 0) -> Records:
  """`metrics.jsonl` in `folder`; None writes nothing.

  Lines of moves after `since`, which a killed run made and a resumed one makes again, are dropped.
  Numbers and lists of numbers (one for each seed) also go to TensorBoard, in `folder`/tensorboard.
  """
  if folder is None:
    return Records(lambda move, values: None, lambda move: None, lambda: None)
  path = pathlib.Path(folder) / "metrics.jsonl"
  path.parent.mkdir(parents=True, exist_ok=True)
  _truncate(path, since)
  board = _board(pathlib.Path(folder) / "tensorboard", since)

  def write(move: int, values: dict[str, Any]) -> None:
    with path.open("a") as file:
      file.write(json.dumps({"move": move, **values}) + "\n")
    if board is not None:
      board.write(move, dict(_numbers(values)))

  def back(move: int) -> None:
    nonlocal board
    _truncate(path, move)
    if board is not None:
      board.close()
      board = _board(pathlib.Path(folder) / "tensorboard", move)

  def close() -> None:
    if board is not None:
      board.close()

  return Records(write, back, close)


def _truncate(path: pathlib.Path, since: int) -> None:
  if not path.exists():
    return
  kept = [line for line in path.read_text().splitlines() if _move(line) <= since]
  write_whole(path, "".join(line + "\n" for line in kept))


def _move(line: str) -> float:
  try:
    return int(json.loads(line)["move"])
  except (ValueError, KeyError, TypeError):  # the line that a kill cut off
    return float("inf")


def _numbers(values: dict[str, Any]) -> Iterator[tuple[str, float]]:
  """Numbers by name, those of lists by name/place."""
  for name, value in values.items():
    each = value if isinstance(value, list) else [value]
    for i, number in enumerate(each):
      if isinstance(number, int | float):
        yield (f"{name}/{i}" if isinstance(value, list) else name), number


class Board(NamedTuple):
  """TensorBoard's file. write: (move, numbers by name)."""

  write: Callable[[int, dict[str, float]], None]
  close: Callable[[], None]


def _board(folder: pathlib.Path, since: int) -> Board | None:
  """None where tensorboardX is not installed.

  Not by its SummaryWriter, whose thread dies of a full disk unseen, and then blocks who writes.
  """
  try:
    from tensorboardX.event_file_writer import EventsWriter
    from tensorboardX.proto import event_pb2, summary_pb2
  except ImportError:
    return None
  folder.mkdir(parents=True, exist_ok=True)
  # Its files are named by the second, and a second one of that name would replace the first.
  file = EventsWriter(str(folder / "events"), f".{time.time_ns() % 10**9:09}")

  def add(move: int, **content: Any) -> None:
    file.write_event(event_pb2.Event(wall_time=time.time(), step=move, **content))
    file.flush()

  def write(move: int, numbers: dict[str, float]) -> None:
    values = [summary_pb2.Summary.Value(tag=n, simple_value=x) for n, x in numbers.items()]
    add(move, summary=summary_pb2.Summary(value=values))

  # What earlier files have from here on is forgotten.
  add(since + 1, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))
  return Board(write, file.close)
