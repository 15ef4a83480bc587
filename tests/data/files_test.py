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


def test_links_inside_are_followed_and_broken_ones_listed(folder):
  os.symlink(folder, folder / "deep/loop")
  os.symlink(folder / "nowhere", folder / "broken.png")
  os.symlink("round.png", folder / "round.png")
  os.symlink("../a.txt", folder / "deep/link.txt")
  files = open_files(folder)
  assert set(files.names) == {*CONTENT, "broken.png", "round.png", "deep/link.txt"}
  assert files.read("deep/link.txt") == b"1"
  for name in ("broken.png", "round.png"):
    with pytest.raises(OSError):
      files.read(name)
  (loop,) = files.unread
  assert (loop.where, loop.stops) == ("deep/loop", False)


def test_what_leads_out_of_a_folder_is_never_read(folder, tmp_path):
  (tmp_path / "secret").mkdir()
  (tmp_path / "secret/d.txt").write_bytes(b"secret")
  os.symlink(tmp_path / "secret/d.txt", folder / "file.txt")
  os.symlink("../../secret", folder / "deep/folder")
  os.symlink("folder/d.txt", folder / "deep/through.txt")
  os.mkfifo(folder / "pipe.txt")  # reading it would wait for ever
  files = open_files(folder)
  assert dict(zip(files.names, files.sizes, strict=True)) == {n: len(d) for n, d in CONTENT.items()}
  link = "is a link that leads out of the folder, and is not followed"
  assert {one.where: one.problem for one in files.unread} == {
    "deep/folder": link,
    "deep/through.txt": link,
    "file.txt": link,
    "pipe.txt": "is no file but a pipe, a socket or a device",
  }
  assert all(one.stops for one in files.unread)
  os.symlink(folder, tmp_path / "by another name")  # the folder itself may be named by a link
  assert open_files(tmp_path / "by another name").names == files.names


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_in_archives_that_lead_out_are_not_read(tmp_path, kind):
  path = tmp_path / f"set.{kind}"
  names = ["a/1.png", "../up.png", "/root.png", "a/../../up.png"]
  if kind == "zip":
    with zipfile.ZipFile(path, "w") as archive:
      for name in names:
        archive.writestr(name, b"1")
  else:
    with tarfile.open(path, "w") as archive:
      for name in names:
        archive.addfile(tarfile.TarInfo(name))
      link = tarfile.TarInfo("link.png")
      link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
      archive.addfile(link)
  files = open_files(path)
  assert files.names == ("a/1.png",)
  links = {"link.png"} if kind == "tar" else set()
  assert {one.where for one in files.unread} == {*names[1:], *links}
  assert all(one.stops for one in files.unread)


def test_a_zip_that_is_written_anew_is_read_anew(tmp_path):
  for content in (b"old", b"new"):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
      archive.writestr("a.txt", content)
    os.utime(tmp_path / "set.zip", ns=(0, hash(content) % 10**18))
    assert open_files(tmp_path / "set.zip").read("a.txt") == content


def test_a_user_who_is_not_there_is_a_sentence():
  with pytest.raises(ValueError, match="there is no home folder for '~nobody-at-all/x'"):
    open_files("~nobody-at-all/x")


def test_a_stamp_changes_when_a_file_does(folder):
  stamps = [open_files(folder).stamp]
  for moment in (2 * 10**18, 10**18):  # later, and then as if the clock had gone back
    os.utime(folder / "a.txt", ns=(moment, moment))
    stamps.append(open_files(folder).stamp)
  assert len(set(stamps)) == 3
  assert open_files(folder).stamp == stamps[-1]
