"""What makes a retraining this retraining."""

from typing import NamedTuple

import jax
import optax

from autoaug_jax.app.checks import at_least, at_most, positive
from autoaug_jax.train import optim

MOST_SEEDS = 1000


class Setting(NamedTuple):
  """Two runs of one setting make the same numbers, bit for bit, on the same devices.

  0 or "" leaves a thing out. The optimizer is SGD with Nesterov's momentum and a cosine down to 0,
  its defaults TrivialAugment's for CIFAR but for the batch of 128; epochs, network and data are
  small enough for a CPU.

  Attributes:
    data: "digits", a folder or archive of images, a .npz file, or a TFDS name.
    model: "wrn-40-2", "resnet-18", ...; see `network`.
    policy: a name (see `named_policy`) or a .json file that a search or `export.save` wrote.
    flip: the probability of the left-right flip that policies end with; 0 for digits and letters.
    epochs: passes over the training images.
    seeds: how many networks are trained at once, with seeds from `seed` on.
    seed: the first; of initialisation, batches and augmentation. The data are the same for all.
    batch: images a step, of all devices together.
    rate: the highest learning rate.
    warmup: in how many epochs the learning rate rises to it.
    momentum: Nesterov's; 0 is plain SGD.
    weight_decay: coupled (L2).
    decay_norm: whether normalisations and biases decay too.
    clip: the largest norm of a gradient.
    label_smoothing: the share of a label that goes to all classes.
    ema: the decay of a moving average of the weights, which is then what is measured.
    dtype: of the computation, "float32" or "bfloat16"; parameters are float32.
    size: images are resized and cropped to [size, size].
    stretch: resizes both sides instead, and cuts nothing off.
    crop: images are then cut to [crop, crop], at random places to train, else in the middle.
    channels: 1 or 3; the arrays of a .npz file may have another number, and keep it.
    train_images: of how many training images a stratified subset is used.
    test_images: the same for test images.
    imbalance: how many times rarer the second half of the classes is (AutoDO's IR).
    noise: the share of training labels drawn anew (AutoDO's NR).
    split_seed: of subsets, hold-out, imbalance and noise.
    skip_bad_files: leaves out what cannot be used, and says what, instead of stopping.
    data_dir: where TFDS keeps its data.
    clean_val: a folder, archive or .npz file of images with labels that can be trusted, of the same
      classes, to validate on.
  """

  data: str = "digits"
  model: str = "small-cnn"
  policy: str = "trivial-augment-wide"
  flip: float = 0.5
  epochs: int = 30
  seeds: int = 1
  seed: int = 0
  batch: int = 64
  rate: float = 0.1
  warmup: int = 0
  momentum: float = 0.9
  weight_decay: float = 5e-4
  decay_norm: bool = True
  clip: float = 0.0
  label_smoothing: float = 0.0
  ema: float = 0.0
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


def check(setting: Setting) -> None:
  """ValueError, with the value and what is accepted, for what could only fail later."""
  at_least(setting, 1, ["epochs", "seeds", "batch"])
  sizes = ["size", "crop", "train_images", "test_images"]
  at_least(setting, 0, ["seed", "warmup", *sizes, "split_seed", "clip"])
  at_most(setting, MOST_SEEDS, ["seeds"])
  if not 0 <= setting.flip <= 1:
    raise ValueError(f"flip must lie between 0 and 1, not {setting.flip}")
  if setting.warmup >= setting.epochs:
    raise ValueError(f"warmup must be below the {setting.epochs} epochs, not {setting.warmup}")
  positive(setting, ["rate"])


def optimizer(setting: Setting, epoch: int) -> optax.GradientTransformation:
  """SGD for epochs of `epoch` steps."""
  rate = optim.cosine(setting.rate, setting.epochs * epoch, warmup=setting.warmup * epoch)
  return optim.sgd(
    rate,
    momentum=setting.momentum,
    nesterov=setting.momentum > 0,
    weight_decay=setting.weight_decay,
    decayed=None if setting.decay_norm else optim.kernels_only,
    clip=setting.clip or None,
    ema=setting.ema or None,
  )


def check_devices(count: int) -> None:
  """ValueError for a part of the devices where several processes work together."""
  if count and jax.process_count() > 1:
    raise ValueError(
      f"devices must be 0 with {jax.process_count()} processes, which is all of theirs, not {count}"
    )


def check_crop(crop: int, shape: tuple[int, int, int]) -> None:
  """ValueError for a crop that does not fit into images [H, W, C]."""
  if crop > min(shape[:2]):
    raise ValueError(f"crop must be at most the images' {min(shape[:2])} pixels, not {crop}")
