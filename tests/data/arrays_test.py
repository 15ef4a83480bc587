"""Arrays: the names they are found under, and what is said of those that do not fit."""

import io
import zipfile

import numpy as np
import pytest

from autoaug_jax.data import from_arrays, load, load_npz

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])


@pytest.fixture
def stored(tmp_path):
  """(arrays) -> a .npz file."""

  def store(**arrays):
    np.savez(tmp_path / "set.npz", **arrays)
    return tmp_path / "set.npz"

  return store


@pytest.mark.parametrize(
  ("train", "test"),
  [
    (("images", "labels"), ("test_images", "test_labels")),
    (("train_images", "train_labels"), ("test_images", "test_labels")),
    (("x_train", "y_train"), ("x_test", "y_test")),
  ],
  ids=["plain", "medmnist", "keras"],
)
def test_reads_the_usual_names(stored, train, test):
  pairs = {train[0]: IMAGES, train[1]: LABELS[:, None], test[0]: IMAGES[:2], test[1]: LABELS[:2]}
  source = load(stored(**pairs))
  assert (source.name, source.classes) == ("set", ("0", "1", "2"))
  np.testing.assert_array_equal(source.parts["train"].images, IMAGES)
  assert source.parts["train"].labels.dtype == np.int32
  assert source.parts["train"].labels.tolist() == LABELS.tolist()
  assert source.parts["test"].labels.tolist() == [0, 1]


def test_class_names_and_grey_images(stored):
  path = stored(images=IMAGES[..., 0], labels=LABELS, classes=np.array(["a", "b", "c"]))
  source = load(path)
  assert source.classes == ("a", "b", "c")
  assert source.parts["train"].shape == (5, 4, 1)
  colour = load(path, channels=3, size=4).parts["train"].images
  np.testing.assert_array_equal(colour, np.repeat(IMAGES[:, :4, :, :1], 3, -1))


def test_a_class_without_images_stops_or_leaves_no_gap(stored):
  labels = np.array([0, 0, 2, 2, 3, 2])
  path = stored(images=IMAGES, labels=labels, test_images=IMAGES, test_labels=LABELS)
  with pytest.raises(ValueError, match="2 things that cannot be used") as caught:
    load(path)
  assert "class '1': has no training images" in str(caught.value)
  assert "class '3': has 1 training image" in str(caught.value)
  source = load(path, skip_bad_files=True)
  assert source.classes == ("0", "2")
  assert source.parts["train"].labels.tolist() == [0, 0, 1, 1, 1]
  np.testing.assert_array_equal(source.parts["train"].images, IMAGES[[0, 1, 2, 3, 5]])
  assert source.parts["test"].labels.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
  ("arrays", "sentence"),
  [
    ({"a": IMAGES}, r"has the arrays a; it needs images and labels"),
    ({"images": IMAGES / 255, "labels": LABELS}, r"images are float64; uint8 from 0 to 255"),
    ({"images": IMAGES[..., :0], "labels": LABELS}, r"images have shape \(6, 5, 4, 0\)"),
    (
      {"images": np.zeros((6, 3, 8, 8), np.uint8), "labels": LABELS},
      r"shape \(6, 3, 8, 8\); channels come last",
    ),
    ({"images": IMAGES, "labels": LABELS[:5]}, r"of shape \(5,\); integers of shape \(6,\)"),
    ({"images": IMAGES, "labels": LABELS.astype(str)}, r"labels are <U\d+ of shape \(6,\)"),
    ({"images": IMAGES, "labels": np.full(6, np.nan)}, r"some of them are not finite"),
    (
      {"images": IMAGES, "labels": np.eye(3)[LABELS], "classes": ["a", "b"]},
      "has 3 labels an image and 2 names for them",
    ),
    (
      {"images": IMAGES, "labels": LABELS / 2, "test_images": IMAGES, "test_labels": LABELS},
      "labels of different kinds or shapes",
    ),
    (
      {"images": IMAGES, "labels": LABELS, "test_images": IMAGES, "test_labels": LABELS / 2},
      "are classes in train, and numbers elsewhere",
    ),
    ({"images": IMAGES, "labels": LABELS - 1}, r"the smallest label is -1; labels start at 0"),
    ({"images": IMAGES, "labels": LABELS + 2**32}, "the largest label is 4294967298; labels of"),
    ({"images": IMAGES, "labels": LABELS * 1e300}, "some of them are not finite"),
    ({"images": IMAGES, "labels": LABELS, "classes": "abc"}, r"has classes of shape \(\); a list"),
    ({"images": np.full(6, None), "labels": LABELS}, "cannot be read .* allow_pickle=False"),
    ({"images": IMAGES, "labels": LABELS * 0}, r"has one class only, '0'"),
    (
      {"images": IMAGES, "labels": LABELS, "classes": ["a", "b"]},
      r"label 2 but only 2 class names",
    ),
  ],
  ids=[
    "keys",
    "float",
    "channels",
    "first",
    "length",
    "labels",
    "infinite",
    "label names",
    "kinds",
    "kinds elsewhere",
    "negative",
    "beyond int32",
    "beyond float32",
    "one name",
    "pickled",
    "classes",
    "names",
  ],
)
def test_what_does_not_fit_is_a_sentence(stored, arrays, sentence):
  with pytest.raises(ValueError, match=sentence):
    load_npz(stored(**arrays))


@pytest.mark.parametrize(
  ("labels", "shape", "names"),
  [
    (LABELS / 2, (6,), ("value",)),
    (np.eye(3)[LABELS], (6, 3), ("0", "1", "2")),
    (np.eye(3, dtype=bool)[LABELS], (6, 3), ("0", "1", "2")),
    (np.eye(2, dtype=int)[LABELS % 2], (6, 2), ("0", "1")),
  ],
  ids=["numbers", "float", "bool", "integers"],
)
def test_labels_that_are_no_classes(stored, labels, shape, names):
  source = load(stored(images=IMAGES, labels=labels))
  found = source.parts["train"].labels
  assert (found.shape, found.dtype, source.classes) == (shape, np.float32, names)
  np.testing.assert_array_equal(found, labels)


@pytest.mark.parametrize("channels", [2, 5])
def test_channels_stay_as_they_are_and_are_resized_one_by_one(stored, channels):
  many = np.concatenate([IMAGES, IMAGES], -1)[..., :channels]
  path = stored(images=many, labels=LABELS)
  np.testing.assert_array_equal(load(path).parts["train"].images, many)
  small = load(path, size=3, channels=channels).parts["train"].images
  assert small.shape == (6, 3, 3, channels)
  with pytest.raises(ValueError, match=f"images of {channels} channels cannot be given 3"):
    load(path, channels=3)
  alone = load(stored(images=many[..., 1], labels=LABELS), size=3).parts["train"].images
  np.testing.assert_array_equal(small[..., 1:2], alone)


def test_a_damaged_file_is_a_sentence(stored, tmp_path):
  path = stored(images=IMAGES, labels=LABELS)
  path.write_bytes(path.read_bytes()[:300])
  with pytest.raises(ValueError, match=r"set.npz cannot be read as a .npz file"):
    load(path)
  with pytest.raises(FileNotFoundError, match=r"there is no file .*none.npz"):
    load(tmp_path / "none.npz")


def test_parts_must_agree():
  pair = (IMAGES, LABELS)
  with pytest.raises(ValueError, match=r"has parts \['test'\]; it needs train"):
    from_arrays({"test": pair})
  with pytest.raises(ValueError, match=r"different shapes \[\(4, 4, 3\), \(5, 4, 3\)\]"):
    from_arrays({"train": pair, "test": (IMAGES[:, :4], LABELS)})


def test_files_of_other_things_than_arrays_take_no_memory(tmp_path):
  head = io.BytesIO()
  says = {"descr": "|u1", "fortran_order": False, "shape": (10**12, 8, 8, 3)}
  np.lib.format.write_array_header_1_0(head, says)
  with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
    archive.writestr("images.npy", head.getvalue() + b"few bytes")
  with pytest.raises(ValueError, match=r"set.npz cannot be read as a .npz file \("):
    load(tmp_path / "set.npz")
  with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
    archive.writestr("classes.npy", b"cat, dog")
  with pytest.raises(ValueError, match=r"\(what it has as 'classes' is no array\)"):
    load(tmp_path / "set.npz")
  np.save(tmp_path / "one.npy", IMAGES)
  (tmp_path / "one.npy").rename(tmp_path / "one.npz")
  with pytest.raises(ValueError, match=r"it holds one array, as a .npy file does"):
    load(tmp_path / "one.npz")
