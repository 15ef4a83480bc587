"""Images that are arrays already."""

import os
from collections.abc import Mapping, Sequence
from typing import BinaryIO

import numpy as np

from autoaug_jax.data.files import expanded
from autoaug_jax.data.scan import reason, scan_classes, settle
from autoaug_jax.data.source import Examples, Source, in_memory, require_two_classes

NAMES = {
  "train": (("images", "labels"), ("train_images", "train_labels"), ("x_train", "y_train")),
  "val": (("val_images", "val_labels"), ("x_val", "y_val")),
  "test": (("test_images", "test_labels"), ("x_test", "y_test")),
}
MOST_CLASSES = 100_000
CHANNELS_FIRST = 4  # up to so many channels in front of a square are believed to be a mistake


def load_npz(path: str | os.PathLike[str], *, skip_bad_files: bool = False) -> Source:
  """A .npz file of `images` and `labels`, and perhaps `val_...` and `test_...` of each.

  The names of MedMNIST (`train_images`) and Keras (`x_train`, `y_train`) are read too, and names of
  classes, or of several labels, from `classes`.
  """
  path = expanded(path)
  if not path.is_file():
    raise FileNotFoundError(f"there is no file {path}")
  try:
    with path.open("rb") as file:
      arrays = _arrays(file)
  except Exception as error:  # damaged files fail in ways of their own
    raise ValueError(f"{path} cannot be read as a .npz file ({reason(error)})") from error
  parts = {}
  for part, pairs in NAMES.items():
    for images, labels in pairs:
      if images in arrays and labels in arrays:
        parts[part] = (arrays[images], arrays[labels])
        break
  if "train" not in parts:
    raise ValueError(
      f"{path} has the arrays {', '.join(sorted(arrays)) or 'none'}; it needs images and labels"
    )
  names = arrays.get("classes")
  if names is not None and names.ndim != 1:
    raise ValueError(f"{path} has classes of shape {names.shape}; a list of names is read")
  classes = None if names is None else [str(name) for name in names]
  return from_arrays(parts, classes=classes, name=path.stem, skip_bad_files=skip_bad_files)


def _arrays(file: BinaryIO) -> dict[str, np.ndarray]:
  found = np.load(file, allow_pickle=False)
  if isinstance(found, np.ndarray):
    raise ValueError("it holds one array, as a .npy file does")
  with found:
    arrays = {name: found[name] for name in found.files}
  for name, array in arrays.items():
    if not isinstance(array, np.ndarray):
      raise ValueError(f"what it has as {name!r} is no array")
  return arrays


def from_arrays(
  parts: Mapping[str, tuple[np.ndarray, np.ndarray]],
  *,
  classes: Sequence[str] | None = None,
  name: str = "arrays",
  skip_bad_files: bool = False,
) -> Source:
  """A source of (images uint8 [N, H, W] or [N, H, W, C], labels) under "train", "test", ...

  Labels are integers [N], the classes; or floats [N] or [N, L] (integers [N, L] too), which are
  for `train.multi_label` and `train.regression`: `classes` are then the names of the L labels.
  """
  if "train" not in parts or set(parts) - set(NAMES):
    raise ValueError(f"{name} has parts {sorted(parts)}; it needs train, and may have val and test")
  checked = {part: _checked(f"{name}, {part}", *pair) for part, pair in parts.items()}
  shapes = {images.shape[1:] for images, _ in checked.values()}
  if len(shapes) > 1:
    raise ValueError(f"the parts of {name} have images of different shapes {sorted(shapes)}")
  if not _are_classes(checked["train"][1]):
    return _with_numbers(name, classes, checked)
  if not all(_are_classes(labels) for _, labels in checked.values()):
    raise ValueError(f"the labels of {name} are classes in train, and numbers elsewhere")
  top = max(int(labels.max()) for _, labels in checked.values())
  if classes is None:
    classes = [str(i) for i in range(top + 1)]
  elif top >= len(classes):
    raise ValueError(f"{name} has label {top} but only {len(classes)} class names")
  return without_bad_classes(
    name, classes, {part: in_memory(*pair) for part, pair in checked.items()}, skip=skip_bad_files
  )


def _are_classes(labels: np.ndarray) -> bool:
  return labels.dtype == np.int32


def _with_numbers(
  name: str, names: Sequence[str] | None, parts: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> Source:
  """A source whose labels are float32 [N] or [N, L], the names those of L labels."""
  shapes = {labels.shape[1:] for _, labels in parts.values()}
  if len(shapes) > 1 or any(_are_classes(labels) for _, labels in parts.values()):
    raise ValueError(f"the parts of {name} have labels of different kinds or shapes")
  shape = shapes.pop()
  given = [str(i) for i in range(shape[0])] if shape else ["value"]
  if names is not None and len(names) != len(given):
    raise ValueError(f"{name} has {len(given)} labels an image and {len(names)} names for them")
  return Source(
    name, tuple(names or given), {part: in_memory(*pair) for part, pair in parts.items()}
  )


def without_bad_classes(
  name: str, classes: Sequence[str], parts: Mapping[str, Examples], *, skip: bool
) -> Source:
  """A source after the scan of its classes; dropped classes leave no gap in the labels."""
  count = np.bincount(parts["train"].labels, minlength=len(classes))
  findings, out = scan_classes(classes, dict(zip(classes, count.tolist(), strict=True)))
  if len(set(classes)) < len(classes):
    raise ValueError(f"{name} names a class twice: {', '.join(classes)}")
  require_two_classes(name, classes)
  skipped = settle(name, findings, skip)
  kept = tuple(one for one in classes if one not in out)
  require_two_classes(f"{name}, without what cannot be used,", kept)
  if out:
    number = np.asarray([kept.index(one) if one in kept else -1 for one in classes], np.int32)
    parts = {part: _kept(examples, number[examples.labels]) for part, examples in parts.items()}
  return Source(name, kept, {part: one for part, one in parts.items() if len(one.labels)}, skipped)


def _kept(examples: Examples, labels: np.ndarray) -> Examples:
  rows = np.flatnonzero(labels >= 0)
  return in_memory(examples.fetch(rows), labels[rows])


def _checked(name: str, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  return _checked_images(name, np.asarray(images)), _checked_labels(
    name, np.asarray(labels), len(images)
  )


def _checked_images(name: str, images: np.ndarray) -> np.ndarray:
  """uint8 [N, H, W, C]."""
  if images.ndim == 3:
    images = images[..., None]
  if images.ndim != 4 or 0 in images.shape:
    raise ValueError(
      f"{name}: images have shape {images.shape}; [N, H, W] or [N, H, W, channels] is read"
    )
  _, first, second, third = images.shape
  if first < second == third and first <= CHANNELS_FIRST:
    raise ValueError(
      f"{name}: images have shape {images.shape}; channels come last, [N, H, W, channels]"
    )
  if images.dtype != np.uint8:
    raise ValueError(f"{name}: images are {images.dtype}; uint8 from 0 to 255 is read")
  return np.ascontiguousarray(images)


def _checked_labels(name: str, labels: np.ndarray, count: int) -> np.ndarray:
  """int32 [N] for classes, else float32 [N] or [N, L]."""
  if labels.ndim == 2 and labels.shape[1] == 1:
    labels = labels[:, 0]
  whole = np.issubdtype(labels.dtype, np.integer) or labels.dtype == bool
  number = whole or np.issubdtype(labels.dtype, np.floating)
  if labels.ndim not in (1, 2) or len(labels) != count or not number or 0 in labels.shape:
    raise ValueError(
      f"{name}: labels are {labels.dtype} of shape {labels.shape}; integers of shape ({count},) are"
      f" needed for {count} images, or floats of shape ({count},) or ({count}, labels)"
    )
  if labels.ndim == 2 or not whole:
    with np.errstate(over="ignore"):
      labels = labels.astype(np.float32)
    if not np.isfinite(labels).all():
      raise ValueError(f"{name}: labels are numbers, and some of them are not finite")
    return labels
  if labels.min() < 0:
    raise ValueError(f"{name}: the smallest label is {labels.min()}; labels start at 0")
  if labels.max() >= MOST_CLASSES:
    raise ValueError(
      f"{name}: the largest label is {labels.max()}; labels of classes are below {MOST_CLASSES}"
    )
  return labels.astype(np.int32)
