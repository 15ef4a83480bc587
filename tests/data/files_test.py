"""Files of folders and archives: names, sizes and bytes."""

import os
import tarfile
import zipfile

import pytest

from autoaug_jax.data.files import open_files

CONTENT = {"a.txt": b"1", "deep/b.txt": b"22", "deep/er/c.txt": b"333"}


@pytest.fixture
def folder(tmp_path):
  for name, data in CONTENT.items():
    (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "set" / name).write_bytes(data)
  return tmp_path / "set"


@pytest.fixture
def stored(folder, tmp_path):
  """(kind) -> the folder itself, or an archive of it."""

  def make(kind):
    path = tmp_path / f"set.{kind}"
    if kind == "zip":
      with zipfile.ZipFile(path, "w") as archive:
        for name in CONTENT:
          archive.write(folder / name, name)
    elif kind.startswith("tar"):
      with tarfile.open(path, f"w:{kind[4:]}") as archive:
        archive.add(folder, ".")
    return path if path.exists() else folder

  return make


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "tar.gz", "tar.xz"])
def test_names_sizes_and_bytes(stored, kind):
  files = open_files(stored(kind))
  assert dict(zip(files.names, files.sizes, strict=True)) == {n: len(d) for n, d in CONTENT.items()}
  assert {name: files.read(name) for name in files.names} == CONTENT
  assert files.random_access == (not kind.startswith("tar"))
  below = open_files(stored(kind) / "deep")
  assert {name: below.read(name) for name in below.names} == {"b.txt": b"22", "er/c.txt": b"333"}


def test_links_are_followed_once_and_broken_ones_listed(folder):
  os.symlink(folder, folder / "deep/loop")
  os.symlink(folder / "nowhere", folder / "broken.png")
  files = open_files(folder)
  assert set(files.names) == {*CONTENT, "broken.png"}
  with pytest.raises(OSError):
    files.read("broken.png")


def test_a_stamp_changes_when_a_file_does(folder):
  before = open_files(folder).stamp
  os.utime(folder / "a.txt", ns=(10**18, 2 * 10**18))
  assert open_files(folder).stamp != before
