"""Our own TFDS builders: labelled images written as ArrayRecord files, without TensorFlow."""

import contextlib
import io
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

VERSION = "1.0.0"
Row = tuple[Any, int]  # what the image feature encodes, and a label


class Dataset(NamedTuple):
  """What a builder writes."""

  name: str
  classes: tuple[str, ...]
  parts: Mapping[str, Callable[[], Iterator[Row]]]
  shape: tuple[int, int, int] | None = None  # of uint8 arrays; None for encoded image files
  description: str = ""


def prepare(dataset: Dataset, root: str | os.PathLike[str]) -> pathlib.Path:
  """Writes a data set below `root` unless it is there; returns its folder.

  It is written beside its place and renamed, so several processes may start at once, and one that
  is killed leaves nothing that looks whole.
  """
  target = pathlib.Path(root, dataset.name, VERSION)
  if target.exists():
    return target
  try:
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = tempfile.mkdtemp(prefix=".writing-", dir=target.parent)
  except OSError as error:
    raise ValueError(f"cannot write to {target.parent} ({error}); give another data_dir") from error
  try:
    _write(dataset, scratch)
    with contextlib.suppress(OSError):  # another process was first
      os.rename(pathlib.Path(scratch, dataset.name, VERSION), target)
  finally:
    shutil.rmtree(scratch, ignore_errors=True)
  return target


def _write(dataset: Dataset, folder: str) -> None:
  import tensorflow_datasets as tfds

  image = tfds.features.Image(shape=(None, None, 3), use_colormap=False)
  if dataset.shape is not None:
    image = tfds.features.Tensor(shape=dataset.shape, dtype=np.uint8)
  label = tfds.features.ClassLabel(names=list(dataset.classes))

  class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    name = dataset.name
    VERSION = tfds.core.Version(VERSION)
    code_path = None  # no checksums lie beside this file; looking wants importlib_resources

    def _info(self) -> Any:
      return tfds.core.DatasetInfo(
        builder=self,
        description=dataset.description,
        features=tfds.features.FeaturesDict({"image": image, "label": label}),
        supervised_keys=("image", "label"),
        disable_shuffling=True,
      )

    def _split_generators(self, dl_manager: Any) -> Any:
      return {part: self._generate_examples(rows) for part, rows in dataset.parts.items()}

    def _generate_examples(self, rows: Callable[[], Iterator[Row]]) -> Any:
      for i, (pixels, number) in enumerate(rows()):
        yield i, {"image": pixels, "label": number}

  quiet = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
  with quiet[0], quiet[1]:
    Builder(data_dir=folder, file_format="array_record").download_and_prepare()
