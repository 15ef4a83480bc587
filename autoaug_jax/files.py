"""Files that are there whole, or not at all."""

import contextlib
import os
import pathlib
import secrets
from collections.abc import Iterator
from typing import BinaryIO


@contextlib.contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
  """A file that takes its place at `path` when all of it is written, and never in part.

  It is written beside its place, where nothing remains of it if writing fails; what was at `path`
  before stays until then. Missing folders are made.
  """
  path = pathlib.Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
  try:
    with draft.open("xb") as file:
      yield file
      file.flush()
      os.fsync(file.fileno())  # else a crash may leave the new name with nothing behind it
    os.replace(draft, path)
  finally:
    draft.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike[str], content: str | bytes) -> None:
  """Writes text, as UTF-8, or bytes."""
  with whole(path) as file:
    file.write(content.encode() if isinstance(content, str) else content)
