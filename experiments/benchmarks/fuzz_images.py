"""Folders, archives and arrays of images that nobody would make on purpose, drawn by Hypothesis."""

import functools
import io
import struct
import tarfile
import zipfile
import zlib
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from experiments.benchmarks.fuzz_damage import ODD, Damage, damaged, few_damages

# Folders and archives of images


@functools.cache
def image_files() -> dict[str, bytes]:
  """Good ones and bad ones, by what they are."""

  def saved(image: Image.Image, form: str) -> bytes:
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()

  def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

  def head(side: int) -> bytes:
    """A PNG that says how large it is, and has one row."""
    size = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + size + chunk(b"IDAT", zlib.compress(bytes(100)))

  color = Image.new("RGB", (6, 6), (200, 30, 90))
  return {
    "png": saved(color, "PNG"),
    "jpeg": saved(color, "JPEG"),
    "gif": saved(color.convert("P"), "GIF"),
    "grey": saved(color.convert("L"), "PNG"),
    "clear": saved(color.convert("RGBA"), "PNG"),
    "other size": saved(color.resize((7, 5)), "PNG"),
    "16 bits": saved(Image.fromarray(np.zeros((6, 6), np.uint16)), "PNG"),
    "narrow": saved(Image.new("L", (40_000, 1)), "PNG"),
    "bomb": head(50_000),
    "no pixels": head(0),
    "empty": b"",
    "text": b"n0\nn1 a\n",
    "cut": saved(color, "JPEG")[:200],
  }


class Tree(NamedTuple):
  """Files, links and pipes, and what holds them."""

  container: str  # "folder", "zip", "tar" or "tar.gz"
  entries: tuple[tuple[str, str], ...]  # (path, what lies there)
  damages: tuple[Damage, ...]  # of an archive
  options: dict[str, Any]  # of data.load


LINKS = {  # what, where it leads; {up} is a folder beside the one that is read
  "link out": "{up}/secret.png",
  "link to a folder out": "{up}",
  "link to root": "/",
  "link to itself": "loop.png",
  "link above": "..",
  "link in": "a/0.png",
}
NAMES = ("a", "b", "train", "Test", "..", ".hidden", "é", "A ", "x" * 300, "a\nb", "__MACOSX", "")
BASES = ("0.png", "1.jpg", "2.PNG", "loop.png", "wnids.txt", "images_variant_train.txt", "n.gif")
GOOD = tuple((f"{name}/{i}.png", "png") for name in "ab" for i in range(2))


@st.composite
def trees(draw: Any) -> Tree:
  """A data set, nearly."""
  deep = st.lists(st.sampled_from(NAMES), max_size=3).map("/".join)
  folder = st.one_of(st.sampled_from(("a", "b")), deep)
  path = st.tuples(folder, st.sampled_from(BASES)).map("/".join)
  what = st.one_of(st.sampled_from(tuple(image_files())), st.sampled_from((*LINKS, "pipe")))
  entries = tuple(draw(st.lists(st.tuples(path, what), max_size=4)))
  if draw(st.integers(0, 4)):
    entries = (*GOOD, *entries)
  options = {
    "size": draw(st.sampled_from((None, 4, 8))),
    "channels": draw(st.sampled_from((None, 1, 3))),
    "stretch": draw(st.booleans()),
    "skip_bad_files": draw(st.booleans()),
    "memory_budget": draw(st.sampled_from((0, 1 << 20))),
  }
  container = draw(st.sampled_from(("folder", "folder", "zip", "tar", "tar.gz")))
  return Tree(container, entries, draw(few_damages()), options)


def archive_of(tree: Tree, up: str) -> bytes:
  """The bytes of a zip or a tar that holds the tree, links as archives hold them."""
  file = io.BytesIO()
  images = image_files()
  if tree.container == "zip":
    with zipfile.ZipFile(file, "w") as archive:
      for name, what in dict(tree.entries).items():
        info = zipfile.ZipInfo(name)
        if what in LINKS:
          info.external_attr = 0o120777 << 16
        archive.writestr(info, images.get(what, LINKS.get(what, "").format(up=up).encode()))
    return damaged(file.getvalue(), tree.damages)
  with tarfile.open(fileobj=file, mode="w:gz" if tree.container == "tar.gz" else "w") as archive:
    for name, what in tree.entries:
      member = tarfile.TarInfo(name)
      if what in images:
        member.size = len(images[what])
      else:
        member.type = tarfile.SYMTYPE if what in LINKS else tarfile.FIFOTYPE
        member.linkname = LINKS.get(what, "").format(up=up)
      archive.addfile(member, io.BytesIO(images.get(what, b"")))
  return damaged(file.getvalue(), tree.damages)


# Arrays


class Alarm:
  """What a pickled array would do to whoever unpickles it."""

  def __reduce__(self) -> Any:
    return (exec, ("raise SystemError('unpickled')",))


DTYPES = ("u1", "i1", "i8", "u8", "f2", "f4", "f8", "?", "c8", "U3", "S2", "M8[s]", "m8[s]", "V3")
SHAPES = ((), (4,), (6,), (0,), (6, 1), (6, 2), (6, 4, 4), (6, 4, 4, 3), (6, 3, 8, 8), (6, 4, 0, 3))
ARRAYS = (
  *("images", "labels", "train_images", "x_train", "y_train", "test_images", "test_labels"),
  *("val_images", "val_labels", "classes", "", "../images"),
)


class Member(NamedTuple):
  """An array of an npz file; `how` is "plain", "pickled", "huge", "bytes" or "spoilt"."""

  name: str
  how: str
  shape: tuple[int, ...]
  dtype: str
  value: Any


class Arrays(NamedTuple):
  """A .npz file."""

  members: tuple[Member, ...]
  damages: tuple[Damage, ...]
  whole: bytes | None  # the file itself, where it is no archive
  options: dict[str, Any]


@st.composite
def array_files(draw: Any) -> Arrays:
  """Images and labels, and then something is wrong with them."""
  pairs = (("images", "labels"), ("x_train", "y_train"), ("train_images", "train_labels"))
  images, labels = draw(st.sampled_from(pairs))
  members = [
    Member(images, "plain", (6, 4, 4, 3), "u1", 9),
    Member(labels, "labels", (6,), "i8", 2),
  ]
  for _ in range(draw(st.integers(0, 2))):
    name = draw(st.sampled_from((images, labels, labels, *ARRAYS)))
    how = draw(st.sampled_from(("plain", "plain", "labels", "pickled", "huge", "bytes", "npy")))
    value = draw(st.sampled_from((0, 1, 2, -1, 255, 2**31, 2**62, *ODD)))
    members.append(
      Member(name, how, draw(st.sampled_from(SHAPES)), draw(st.sampled_from(DTYPES)), value)
    )
  options = {
    "size": draw(st.sampled_from((None, 3))),
    "channels": draw(st.sampled_from((None, None, 1, 3, 5))),
    "skip_bad_files": draw(st.booleans()),
  }
  raw = st.one_of(st.binary(max_size=40), st.sampled_from((_npy(members[0]), _pickled())))
  whole = draw(raw) if draw(st.integers(0, 19)) == 0 else None
  return Arrays(tuple(members), draw(few_damages()), whole, options)


def npz_of(arrays: Arrays) -> bytes:
  """The bytes of the file."""
  if arrays.whole is not None:
    return arrays.whole
  file = io.BytesIO()
  with zipfile.ZipFile(file, "w") as archive:
    for name, member in {member.name: member for member in arrays.members}.items():
      archive.writestr(f"{name}.npy", _npy(member))
  return damaged(file.getvalue(), arrays.damages)


def _npy(member: Member) -> bytes:
  if member.how == "pickled":
    return _pickled()
  if member.how == "bytes":
    return str(member.value).encode() * 9
  file = io.BytesIO()
  if member.how == "huge":
    shape = (10**12, *member.shape)
    head = {"descr": np.dtype(member.dtype).str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, head)
    return file.getvalue() + b"12345678"
  if member.how == "npy":
    file.write(b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<i8', 'shape': (" + b"(" * 60 + b"}")
    return file.getvalue()
  np.save(file, _array(member))
  return file.getvalue()


def _array(member: Member) -> np.ndarray:
  if member.how == "labels":
    return np.arange(6) % (2 + member.value % 3 if member.value == member.value else 2)
  with np.errstate(all="ignore"):
    try:
      return np.full(member.shape, member.value, member.dtype)
    except (ValueError, TypeError, OverflowError):
      return np.zeros(member.shape, member.dtype)


def _pickled() -> bytes:
  file = io.BytesIO()
  held = np.empty(6, object)
  held[:] = [Alarm()] * 6
  np.save(file, held, allow_pickle=True)
  return file.getvalue()
