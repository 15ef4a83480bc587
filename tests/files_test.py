"""A reader finds the old file or the new one, and nothing beside them."""

import os

import pytest

from autoaug_jax.files import whole, write_whole


def content(folder):
  return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("written", ["ä\n", "ä\n".encode()], ids=["text", "bytes"])
def test_it_is_there_and_alone(tmp_path, written):
  write_whole(tmp_path / "a.txt", "old and longer")
  write_whole(tmp_path / "a.txt", written)
  assert content(tmp_path) == {"a.txt": b"\xc3\xa4\n"}


def test_nothing_is_seen_of_it_before_the_end(tmp_path):
  write_whole(tmp_path / "a", "old")
  with whole(tmp_path / "a") as file:
    file.write(b"new")
    file.flush()
    assert (tmp_path / "a").read_bytes() == b"old"
  assert content(tmp_path) == {"a": b"new"}


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_nothing_of_it_remains_where_writing_failed(tmp_path, error):
  write_whole(tmp_path / "a", "old")

  def fail():
    with whole(tmp_path / "a") as file:
      file.write(b"half")
      raise error

  with pytest.raises(error):
    fail()
  assert content(tmp_path) == {"a": b"old"}


def test_it_is_on_the_disk_before_it_has_the_name(tmp_path, monkeypatch):
  calls = []
  for name in ("fsync", "replace"):
    real = getattr(os, name)
    monkeypatch.setattr(os, name, lambda *a, n=name, f=real: (calls.append(n), f(*a)))
  write_whole(tmp_path / "a", "new")
  assert calls == ["fsync", "replace"]


def test_folders_are_made_and_rights_are_those_of_any_file(tmp_path):
  write_whole(tmp_path / "b" / "c" / "a", "new")
  (tmp_path / "plain").write_text("new")
  written = tmp_path / "b" / "c" / "a"
  assert written.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_two_writers_at_once_are_both_whole(tmp_path):
  with whole(tmp_path / "a") as first, whole(tmp_path / "a") as second:
    first.write(b"one")
    second.write(b"two")
  assert content(tmp_path) == {"a": b"one"}  # the outer one ends last
