"""One entrance to every set of images."""

import os

import numpy as np

from autoaug_jax.data.arrays import load_npz
from autoaug_jax.data.catalog import load_tfds
from autoaug_jax.data.digits import load_digits
from autoaug_jax.data.files import ARCHIVES, expanded
from autoaug_jax.data.folder import MEMORY_BUDGET, load_folder
from autoaug_jax.data.images import fit
from autoaug_jax.data.source import Examples, Source, in_memory

LARGEST = 4096  # pixels of a side that images are resized to


def load(
  name: str | os.PathLike[str],
  *,
  size: int | None = None,
  channels: int | None = None,
  stretch: bool = False,
  skip_bad_files: bool = False,
  data_dir: str | os.PathLike[str] | None = None,
  cache_dir: str | os.PathLike[str] | None = None,
  memory_budget: int = MEMORY_BUDGET,
) -> Source:
  """The images of `name`: "digits", a folder, a zip or tar archive, a .npz file, or a TFDS name.

  What exists on disk is read as a path; `archive.zip/folder` names a folder inside an archive.
  With a `size`, images are resized and cropped to [size, size] (`images.decode` has the rule);
  images of different sizes need it. With `stretch` both sides are resized, and nothing is cropped.
  `channels` is 1 or 3; left out, digits have 1, image files 3, and arrays as many as they have,
  which may be another number: it can be asked for, and no other be made of them. A
  file or class that cannot be used stops with a list, or with `skip_bad_files` is left out and
  named in `Source.skipped`. Images that take more than `memory_budget` bytes once decoded are
  decoded batch by batch. TFDS data sets and digits are prepared in `data_dir`
  ($AUTOAUG_DATA_DIR, ~/.cache/autoaug_jax); what was read of a folder or an archive is kept in a
  `cache_dir`, if there is one, and need not be decoded again.
  """
  text = os.fspath(name)
  _check(size, channels, memory_budget, arrays=text.endswith(".npz"))
  path = expanded(text)
  if text == "digits":
    return load_digits(size=size or 32, channels=channels or 1, data_dir=data_dir)
  if text.endswith(".npz"):
    source = load_npz(path, skip_bad_files=skip_bad_files)
    parts = {
      part: _fitted(one, size, channels, stretch=stretch) for part, one in source.parts.items()
    }
    return source._replace(parts=parts)
  looks = path.exists() or text.startswith((".", "/", "~")) or any(s in text for s in ARCHIVES)
  if looks:
    return load_folder(
      path,
      size=size,
      channels=channels or 3,
      stretch=stretch,
      skip_bad_files=skip_bad_files,
      cache_dir=cache_dir,
      memory_budget=memory_budget,
    )
  return load_tfds(
    text,
    size=size,
    channels=channels,
    stretch=stretch,
    skip_bad_files=skip_bad_files,
    data_dir=data_dir,
    memory_budget=memory_budget,
  )


def _check(size: int | None, channels: int | None, memory_budget: int, *, arrays: bool) -> None:
  if size is not None and not 1 <= size <= LARGEST:
    raise ValueError(f"size must be 1 to {LARGEST} pixels, not {size}")
  if channels not in (None, 1, 3) and (not arrays or channels < 1):
    raise ValueError(f"channels must be 1 or 3, not {channels}")
  if memory_budget < 0:
    raise ValueError(f"memory_budget must be 0 bytes or more, not {memory_budget}")


def _fitted(
  examples: Examples, size: int | None, channels: int | None, *, stretch: bool
) -> Examples:
  images = examples.fetch(np.arange(len(examples.labels)))
  if channels is None:
    channels = images.shape[-1]
  if images.shape[-1] == channels and (size is None or images.shape[1:3] == (size, size)):
    return examples
  return in_memory(
    np.stack([fit(image, size=size, channels=channels, stretch=stretch) for image in images]),
    examples.labels,
  )
