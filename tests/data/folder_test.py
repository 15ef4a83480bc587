"""Folders and archives: layouts, classes, pixels, and what the scan says of bad ones."""

import io
import pickle
import shutil
import struct
import tarfile
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from autoaug_jax.data import load, load_folder, load_tfds, prepare_folder

SIX = ["cat/a.png", "cat/b.png", "cat/c.jpg", "dog/a.png", "dog/b.png", "dog/c.PNG"]


def archived(root, path):
  """The folder as an archive."""
  if path.suffix == ".zip":
    with zipfile.ZipFile(path, "w") as archive:
      for file in sorted(root.rglob("*")):
        archive.write(file, file.relative_to(root))
  else:
    with tarfile.open(path, "w:xz") as archive:
      archive.add(root, ".")
  return path


def test_class_folders(tmp_path, write):
  root = write(tmp_path / "pets", SIX)
  source = load_folder(root)
  assert (source.name, source.classes, set(source.parts)) == ("pets", ("cat", "dog"), {"train"})
  train = source.parts["train"]
  assert train.labels.dtype == np.int32
  assert (train.labels.tolist(), train.shape) == ([0, 0, 0, 1, 1, 1], (8, 8, 3))
  expected = [np.asarray(Image.open(root / name).convert("RGB")) for name in SIX]
  np.testing.assert_array_equal(train.images, np.stack(expected))
  np.testing.assert_array_equal(train.fetch(np.array([4, 0])), np.stack(expected)[[4, 0]])


def test_parts_by_any_of_their_names(tmp_path, write):
  names = [f"{part}/{name}" for part in ("training", "Valid", "test") for name in SIX]
  source = load_folder(write(tmp_path / "pets", names))
  assert {part: one.labels.tolist() for part, one in source.parts.items()} == {
    "train": [0, 0, 0, 1, 1, 1],
    "val": [0, 0, 0, 1, 1, 1],
    "test": [0, 0, 0, 1, 1, 1],
  }
  first = np.asarray(Image.open(tmp_path / "pets/test/dog/b.png"))
  np.testing.assert_array_equal(source.parts["test"].images[4], first)


@pytest.mark.parametrize("kind", ["pets.zip", "pets.tar.xz"])
def test_archives_read_as_their_folder(tmp_path, write, kind):
  outer = tmp_path / "outer"
  folder = load_folder(write(outer / "pets", SIX))
  path = archived(outer, tmp_path / kind)  # one folder around everything, as archives often have
  for name in (path, path / "pets"):
    source = load(name)
    assert (source.classes, source.skipped) == (folder.classes, ())
    np.testing.assert_array_equal(source.parts["train"].images, folder.parts["train"].images)


def test_a_domain_is_named_by_its_path(tmp_path, write):
  root = write(tmp_path / "pacs", [f"{domain}/{n}" for domain in ("photo", "sketch") for n in SIX])
  path = archived(root, tmp_path / "pacs.zip")
  with pytest.raises(ValueError, match=r"lie 3 levels deep .* such as \S*pacs.zip/photo$"):
    load(path)
  assert load(path / "sketch").parts["train"].labels.tolist() == [0, 0, 0, 1, 1, 1]
  with pytest.raises(FileNotFoundError, match="no folder 'clipart' with files in"):
    load(path / "clipart")


def test_a_stream_reads_what_memory_holds(tmp_path, write):
  root = write(tmp_path / "pets", SIX, 12, 9)
  held = load_folder(root, size=8).parts["train"]
  for path in (root, archived(root, tmp_path / "pets.zip")):
    stream = load_folder(path, size=8, memory_budget=6 * 8 * 8 * 3 - 1).parts["train"]
    assert stream.images is None
    assert stream.shape == held.shape
    again = pickle.loads(pickle.dumps(stream))  # as Grain's workers get it
    indices = np.array([5, 0, 0, 3])
    np.testing.assert_array_equal(again.fetch(indices), held.images[indices])
  with pytest.raises(ValueError, match="a tar archive cannot be read at random; unpack it first"):
    load_folder(archived(root, tmp_path / "pets.tar.xz"), size=8, memory_budget=100)


def test_mixed_sizes_need_a_size(tmp_path, write):
  root = write(tmp_path / "pets", SIX)
  write(root, ["cat/d.png"], 9, 8)
  with pytest.raises(ValueError, match=r"differ in size \(8 x 8, but 8 x 9 for cat/d.png\); give"):
    load_folder(root)
  assert load_folder(root, size=6).parts["train"].images.shape == (7, 6, 6, 3)


@pytest.fixture
def broken(tmp_path, write, encoded):
  """Six good images, and one of every bad thing."""
  root = write(tmp_path / "pets", SIX)
  write(root, ["bird/only.png", "Dog /a.png", "Dog /b.png"])
  whole = encoded(7, 64, 64, "JPEG")
  (root / "cat/cut.jpg").write_bytes(whole[: len(whole) // 2])
  (root / "cat/zero.png").write_bytes(b"")
  (root / "dog/page.png").write_bytes(b"<html></html>")
  (root / "dog/notes.txt").write_text("a note")
  (root / "README.md").write_text("pets")
  (root / "loose.png").write_bytes(encoded(8))
  (root / ".DS_Store").write_bytes(b"x")
  (root / "empty").mkdir()
  return root


PROBLEMS = {
  "README.md": "is not an image file by its name",
  "cat/cut.jpg": "is truncated",
  "cat/zero.png": "is empty (0 bytes)",
  "class 'Dog '": "has the same name as class 'dog'",
  "class 'bird'": "has 1 training image; at least 2 are needed",
  "class 'empty'": "has no training images; at least 2 are needed",
  "dog/notes.txt": "is not an image file by its name",
  "dog/page.png": "is not an image that Pillow can read",
  "loose.png": "does not lie directly in a class's folder",
}


@pytest.mark.parametrize("budget", [1 << 30, 0], ids=["memory", "stream"])
def test_the_scan_stops_with_a_list(broken, budget):
  with pytest.raises(ValueError) as caught:
    load_folder(broken, memory_budget=budget)
  first, *lines = str(caught.value).splitlines()
  assert first.startswith(f"{broken} has 9 things that cannot be used (--skip_bad_files")
  assert sorted(lines) == [f"  {where}: {why}" for where, why in PROBLEMS.items()]


@pytest.mark.parametrize("budget", [1 << 30, 0], ids=["memory", "stream"])
def test_skipping_drops_and_names_them(broken, budget):
  source = load_folder(broken, skip_bad_files=True, memory_budget=budget)
  hidden = {".DS_Store": "is a hidden file"}
  assert {found.where: found.problem for found in source.skipped} == PROBLEMS | hidden
  assert source.classes == ("cat", "dog")
  train = source.parts["train"]
  assert train.labels.tolist() == [0, 0, 0, 1, 1, 1]
  expected = [np.asarray(Image.open(broken / name).convert("RGB")) for name in SIX]
  np.testing.assert_array_equal(train.fetch(np.arange(6)), np.stack(expected))


def test_a_long_list_is_cut_with_its_count(tmp_path, write):
  root = write(tmp_path / "pets", SIX)
  for i in range(25):
    (root / f"note{i:02}.txt").write_text("")
  with pytest.raises(ValueError, match=r"note19.txt: [^\n]*\n  and 5 more$"):
    load_folder(root)


def test_a_damaged_member_of_a_zip_is_a_finding(tmp_path, write):
  root = write(tmp_path / "pets", SIX)
  path = archived(root, tmp_path / "pets.zip")
  data = bytearray(path.read_bytes())
  start = data.index((root / "dog/b.png").read_bytes()[20:])
  data[start : start + 4] = b"abcd"
  path.write_bytes(data)
  with pytest.raises(ValueError, match=r"  dog/b.png: cannot be read .*CRC"):
    load(path)
  skipped = load(path, skip_bad_files=True)
  assert [found.where for found in skipped.skipped] == ["dog/b.png"]
  assert skipped.parts["train"].labels.tolist() == [0, 0, 0, 1, 1]


def test_what_cannot_be_a_data_set_is_one_sentence(tmp_path, write):
  (tmp_path / "none").mkdir()
  with pytest.raises(ValueError, match=r"none holds no images in folders of classes$"):
    load(tmp_path / "none")
  with pytest.raises(ValueError, match="has one class only, 'cat'; at least two are needed"):
    load(write(tmp_path / "one", ["cat/a.png", "cat/b.png"]))
  with pytest.raises(FileNotFoundError, match=r"there is no folder or archive at .*missing"):
    load(tmp_path / "missing")
  for name in ("bad.zip", "bad.tar.xz"):
    whole = archived(write(tmp_path / "pets", SIX), tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=f"{name}.* (damaged|readable)"):
      load(tmp_path / name)
  (tmp_path / "list.csv").write_text("a,b")
  with pytest.raises(ValueError, match=r"list.csv is not a folder, a readable zip or one of"):
    load(tmp_path / "list.csv")


def test_a_cache_stands_in_for_the_files(tmp_path, broken, monkeypatch):
  cache = tmp_path / "cache"
  first = load(broken, skip_bad_files=True, cache_dir=cache)
  with monkeypatch.context() as patch:
    patch.setattr("autoaug_jax.data.reading._read", None)  # nothing is decoded any more
    again = load(broken, skip_bad_files=True, cache_dir=cache)
  assert again.skipped == first.skipped
  np.testing.assert_array_equal(again.parts["train"].images, first.parts["train"].images)
  shutil.copy(broken / "cat/a.png", broken / "dog/c.PNG")  # the file is another one now
  changed = load(broken, skip_bad_files=True, cache_dir=cache).parts["train"].images
  np.testing.assert_array_equal(changed[5], first.parts["train"].images[0])


def test_tiny_imagenet_form(tmp_path, write):
  names = [f"train/n{c}/images/n{c}_{i}.JPEG" for c in (1, 2) for i in range(3)]
  root = write(tmp_path / "tiny", [*names, "val/images/val_0.JPEG", "val/images/val_1.JPEG"])
  write(root, ["test/images/test_0.JPEG"])
  (root / "wnids.txt").write_text("n2\nn1\n")
  (root / "words.txt").write_text("n1\tcat\n")
  (root / "val/val_annotations.txt").write_text(
    "val_0.JPEG\tn2\t0\t0\t9\t9\nval_1.JPEG\tn1\t0\t0\t9\t9\n"
  )
  source = load(root)
  assert source.classes == ("n1", "n2")
  assert {p: e.labels.tolist() for p, e in source.parts.items()} == {
    "train": [0, 0, 0, 1, 1, 1],
    "test": [1, 0],
  }
  assert "test/images/test_0.JPEG: has no label" in map(str, source.skipped)


def test_aircraft_form(tmp_path, write):
  root = write(tmp_path / "aircraft", [f"data/images/{i:04}.jpg" for i in range(7)])
  rows = ["Boeing 737-300", "DC-3", "Boeing 737-300", "DC-3", "DC-3", "DC-3", "Boeing 737-300"]
  for part, numbers in {"train": (0, 1, 2, 3), "val": (4,), "test": (5, 6)}.items():
    text = "".join(f"{i:04} {rows[i]}\n" for i in numbers)
    (root / f"data/images_variant_{part}.txt").write_text(text)
  source = load(root)
  assert source.classes == ("Boeing 737-300", "DC-3")
  assert {part: one.labels.tolist() for part, one in source.parts.items()} == {
    "train": [0, 1, 0, 1],
    "val": [1],
    "test": [1, 0],
  }
  (root / "data/images/0002.jpg").unlink()
  with pytest.raises(ValueError, match=r"images/0002.jpg: is named by the index files but missing"):
    load(root)


def test_a_prepared_folder_reads_as_the_folder(tmp_path, broken):
  prepare_folder(broken, name="pets", skip_bad_files=True, data_dir=tmp_path)
  folder = load_folder(broken, skip_bad_files=True)
  for budget in (1 << 30, 0):
    source = load_tfds("pets", data_dir=tmp_path, memory_budget=budget)
    assert source.classes == folder.classes
    train = source.parts["train"]
    assert train.labels.tolist() == folder.parts["train"].labels.tolist()
    np.testing.assert_array_equal(train.fetch(np.arange(6)), folder.parts["train"].images)
  with pytest.raises(ValueError, match=r"'pets' is prepared in .* already"):
    prepare_folder(broken, name="pets", skip_bad_files=True, data_dir=tmp_path)
  with pytest.raises(ValueError, match="unlike 'My pets'"):
    prepare_folder(broken, name="My pets", data_dir=tmp_path)


def test_images_of_16_bits_are_named(tmp_path, write):
  root = write(tmp_path / "pets", SIX)
  deep = io.BytesIO()
  Image.fromarray(np.zeros((8, 8), np.uint16)).save(deep, "PNG")
  (root / "cat/deep.png").write_bytes(deep.getvalue())
  with pytest.raises(ValueError, match=r"cat/deep.png: has pixels of mode I;16"):
    load(root)


def test_images_that_would_fill_the_memory_are_named(tmp_path, write):
  root = write(tmp_path / "pets", SIX)
  Image.new("1", (30_000, 2)).save(root / "cat/narrow.png")
  png = bytearray((root / "cat/a.png").read_bytes())
  png[16:24] = struct.pack(">II", 50_000, 50_000)
  png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
  (root / "dog/bomb.png").write_bytes(png)
  with pytest.raises(ValueError, match="has 2 things that cannot be used") as caught:
    load(root, size=8)
  assert "cat/narrow.png: has 30000 x 2 pixels; a side is at most 200 times the" in str(
    caught.value
  )
  assert "dog/bomb.png: cannot be decoded (Image size (2500000000 pixels)" in str(caught.value)


def test_links_that_lead_out_are_findings(tmp_path, write):
  root = write(tmp_path / "pets", SIX)
  write(tmp_path / "other", ["bird/a.png", "bird/b.png"])
  (root / "bird").symlink_to(tmp_path / "other/bird")
  (root / "cat/d.png").symlink_to(tmp_path / "other/bird/a.png")
  (root / ".cache").symlink_to(tmp_path)
  with pytest.raises(
    ValueError, match=r"2 things .*\n  bird: is a link .*\n  cat/d.png: is a link"
  ):
    load(root)
  source = load(root, skip_bad_files=True)
  assert source.classes == ("cat", "dog")
  assert len(source.parts["train"].labels) == 6


def test_index_files_that_say_nothing_are_named(tmp_path, write):
  root = write(tmp_path / "tiny", ["train/n1/images/a.JPEG"])
  (root / "wnids.txt").write_bytes(b"n1\xff")
  with pytest.raises(ValueError, match=r"wnids.txt in .*tiny cannot be read as text \("):
    load(root)
  (root / "wnids.txt").write_text("n1\nn2\n")
  (root / "val").mkdir()
  (root / "val/val_annotations.txt").write_text("val_0.JPEG\n")
  with pytest.raises(
    ValueError, match=r"the line 'val_0.JPEG' of val/val_annotations.txt in .* no"
  ):
    load(root)
