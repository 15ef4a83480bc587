"""What makes a search this search, whatever its method."""

from typing import NamedTuple

from autoaug_jax.app.checks import at_least


class SearchSetting(NamedTuple):
  """Two searches of one setting and one method's options make the same numbers, bit for bit.

  0 or "" leaves a thing out.

  Attributes:
    data: "digits", a folder or archive of images, a .npz file, or a TFDS name.
    model: the network of the search: "wrn-40-2", "resnet-18", ...; see `network`.
    flip: the probability of a left-right flip beside what is learned; 0 for digits and letters.
    seed: of initialisation, batches and augmentation.
    fold: which of the independent splits into training and validation images.
    batch: images a training step, of all devices together.
    dtype: of the computation, "float32" or "bfloat16"; parameters are float32.
    size: images are resized and cropped to [size, size].
    stretch: resizes both sides instead, and cuts nothing off.
    crop: images are then cut to [crop, crop], at random places to train, else in the middle.
    channels: 1 or 3; the arrays of a .npz file may have another number, and keep it.
    train_images: of how many training images a stratified subset is used, validation included.
    test_images: the same for test images.
    imbalance: how many times rarer the second half of the classes is (AutoDO's IR).
    noise: the share of training labels drawn anew (AutoDO's NR); validation labels stay.
    split_seed: of subsets, splits, imbalance and noise.
    skip_bad_files: leaves out what cannot be used, and says what, instead of stopping.
    data_dir: where TFDS keeps its data.
    clean_val: a folder, archive or .npz file of images with labels that can be trusted, of the same
      classes, to validate on.
  """

  data: str = "digits"
  model: str = "small-cnn"
  flip: float = 0.5
  seed: int = 0
  fold: int = 0
  batch: int = 64
  dtype: str = "float32"
  size: int = 0
  stretch: bool = False
  crop: int = 0
  channels: int = 0
  train_images: int = 0
  test_images: int = 0
  imbalance: float = 1.0
  noise: float = 0.0
  split_seed: int = 0
  skip_bad_files: bool = False
  data_dir: str = ""
  clean_val: str = ""


def check_search(setting: SearchSetting) -> None:
  """ValueError, with the value and what is accepted, for what could only fail later."""
  at_least(setting, 2, ["batch"])
  at_least(
    setting, 0, ["seed", "fold", "size", "crop", "train_images", "test_images", "split_seed"]
  )
  if not 0 <= setting.flip <= 1:
    raise ValueError(f"flip must lie between 0 and 1, not {setting.flip}")
