"""Training and validation indices: drawn from a seed and a fold, distorted, saved with a run."""

import json
import os
import pathlib
import zipfile
from typing import NamedTuple

import numpy as np

from autoaug_jax.data.order import permutation
from autoaug_jax.data.source import Examples, fingerprint
from autoaug_jax.files import whole

SPLIT, SUBSET, IMBALANCE, NOISE = range(4)  # keeps their draws apart


class Split(NamedTuple):
  """Which examples train and which validate, and the label that each is given."""

  train: np.ndarray  # int32, ascending
  val: np.ndarray  # int32, ascending; disjoint from `train`
  labels: np.ndarray  # int32 [N], one for every example of the set; wrong only within `train`.
  # Or float32 [N] or [N, L], as the examples have them.
  seed: int
  fold: int
  data: str  # the fingerprint of the examples


def split(
  examples: Examples,
  *,
  val: float | int,
  seed: int,
  fold: int = 0,
  within: np.ndarray | None = None,
  subset: int | None = None,
  imbalance: float = 1.0,
  noise: float = 0.0,
) -> Split:
  """A subset of the examples, its stratified split, then the distortions of its training side.

  Only examples whose numbers are in `within` are used, where it is given: the training side of an
  earlier split, say.

  `val` is a share below 1 or a number of examples; 0 trains on all. Folds are independent draws,
  as SLACK's and AutoDO's (stratified shuffles; not a partition): SLACK takes val=0.5 and folds
  0-3, MADAO 0.1, AutoDO 0.2 (23,257 on SVHN). `imbalance` and `noise` are AutoDO's IR and NR.
  Labels that are no classes are left as they are, and the split is random, not stratified.
  """
  if seed < 0 or fold < 0:
    raise ValueError(f"seed and fold must be 0 or more, not {seed} and {fold}")
  labels = np.asarray(examples.labels)
  if not np.issubdtype(labels.dtype, np.integer):
    if imbalance != 1 or noise:
      raise ValueError("imbalance and noise are about classes, and these labels are none")
    alike = examples._replace(labels=np.zeros(len(labels), np.int32))
    made = split(alike, val=val, seed=seed, fold=fold, within=within, subset=subset)
    return made._replace(labels=labels, data=fingerprint(examples))
  labels = labels.astype(np.int32)
  classes = int(labels.max()) + 1
  chosen = np.arange(len(labels), dtype=np.int32)
  if within is not None:
    chosen = np.unique(np.asarray(within, np.int32))
  if subset is not None:
    chosen = _stratified(labels, chosen, subset, (seed, SUBSET))
  count = _count(val, len(chosen))
  held_out = _stratified(labels, chosen, count, (seed, SPLIT, fold))
  train = np.setdiff1d(chosen, held_out)
  train = _imbalanced(labels, train, imbalance, (seed, IMBALANCE, fold), classes=classes)
  noisy = _noised(labels, train, noise, (seed, NOISE, fold), classes=classes)
  return Split(train, held_out, noisy, seed, fold, fingerprint(examples))


Words = tuple[int, ...]  # what a draw is derived from


def _stratified(labels: np.ndarray, chosen: np.ndarray, count: int, words: Words) -> np.ndarray:
  """`count` of the `chosen`, each class within one of its share; ascending.

  Whole shares first, then the largest remainders, of equal ones the lower class.
  """
  if not 0 <= count <= len(chosen):
    raise ValueError(f"cannot choose {count} of {len(chosen)} examples")
  if count == 0:
    return np.zeros(0, np.int32)
  own = labels[chosen]
  sizes = np.bincount(own).astype(np.int64)
  quota, rest = np.divmod(sizes * count, len(chosen))
  quota[np.argsort(-rest, kind="stable")[: count - quota.sum()]] += 1
  shuffled = permutation(len(chosen), *words)
  parts = [shuffled[own[shuffled] == label][:n] for label, n in enumerate(quota)]
  return np.sort(chosen[np.concatenate(parts)]).astype(np.int32)


def _imbalanced(
  labels: np.ndarray, train: np.ndarray, ratio: float, words: Words, *, classes: int
) -> np.ndarray:
  """AutoDO's class imbalance (Section 4): the first half of the classes in full, fewer of the rest.

  Of the classes from C/2 on, a random subset is kept, drawn from them together, that is 1/ratio as
  large as what the classes below C/2 have. Ratio 1 changes nothing.
  """
  if ratio < 1:
    raise ValueError(f"the imbalance ratio must be at least 1, not {ratio}")
  if ratio == 1:
    return train
  lower = labels[train] < classes / 2
  rare = train[~lower]
  keep = min(len(rare), int(lower.sum() / ratio))
  kept = rare[permutation(len(rare), *words)[:keep]]
  return np.sort(np.concatenate([train[lower], kept])).astype(np.int32)


def _noised(
  labels: np.ndarray, train: np.ndarray, ratio: float, words: Words, *, classes: int
) -> np.ndarray:
  """AutoDO's label noise: a share of the training examples gets a class drawn from all C.

  The drawn class may be the true one, so a share ratio (1 - 1/C) ends up wrong on average.
  """
  if not 0 <= ratio <= 1:
    raise ValueError(f"the noise ratio must lie between 0 and 1, not {ratio}")
  noisy = labels.copy()
  hit = train[permutation(len(train), *words, 0)[: int(ratio * len(train))]]
  raw = np.random.Philox(np.random.SeedSequence((*words, 1))).random_raw(len(hit))
  noisy[hit] = (raw % np.uint64(classes)).astype(np.int32)
  return noisy


def save_split(made: Split, path: str | os.PathLike[str]) -> None:
  """Writes a split as .npz, whole or not at all."""
  head = {"seed": made.seed, "fold": made.fold, "data": made.data}
  with whole(path) as file:
    np.savez_compressed(
      file, train=made.train, val=made.val, labels=made.labels, head=np.array(json.dumps(head))
    )


def load_split(path: str | os.PathLike[str], *, examples: Examples | None = None) -> Split:
  """A saved split; with `examples`, a ValueError where it was made from other ones."""
  path = pathlib.Path(path)
  if not path.is_file():
    raise FileNotFoundError(f"there is no split at {path}")
  try:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
      head = json.loads(str(stored["head"]))
      made = Split(stored["train"], stored["val"], stored["labels"], **head)
  except (zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, EOFError) as error:
    raise ValueError(f"{path} is not a saved split ({error})") from error
  if examples is not None and made.data != fingerprint(examples):
    raise ValueError(
      f"the split {path} was made from other data: {len(made.labels)} examples with fingerprint"
      f" {made.data}, not {len(examples.labels)} with {fingerprint(examples)}"
    )
  return made


def _count(val: float | int, total: int) -> int:
  if isinstance(val, float) and 0 < val < 1:
    return round(val * total)
  if val < 0 or val >= total or val != int(val):
    raise ValueError(
      f"val must be a share between 0 and 1 or a number of examples below {total}, not {val}"
    )
  return int(val)
