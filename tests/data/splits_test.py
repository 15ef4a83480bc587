"""Splits by their counts, against scikit-learn's and AutoDO's definitions."""

import numpy as np
import pytest
from sklearn.model_selection import StratifiedShuffleSplit

from autoaug_jax.data import feeds, in_memory, load_split, save_split, sequential, split
from autoaug_jax.data.source import Take


def examples(counts):
  """Tiny images with so many of each class, shuffled."""
  labels = np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts))
  images = np.random.default_rng(2).integers(0, 256, (len(labels), 1, 1, 3), np.uint8)
  return in_memory(images, labels)


CIFAR = examples([500] * 10)
SKEWED = examples([130, 70, 11, 333, 2])


@pytest.mark.parametrize("val", [0.5, 0.1, 0.2, 777], ids=["slack", "madao", "autodo", "number"])
@pytest.mark.parametrize("data", [CIFAR, SKEWED], ids=["even", "skewed"])
def test_counts_are_scikit_learns(data, val):
  if val == 777 and data is SKEWED:
    val = 177
  total = len(data.labels)
  number = val if isinstance(val, int) else round(val * total)
  made = split(data, val=val, seed=0)
  assert (len(made.val), len(made.train)) == (number, total - number)
  np.testing.assert_array_equal(np.sort(np.r_[made.train, made.val]), np.arange(total))
  theirs = StratifiedShuffleSplit(1, test_size=number, random_state=0)
  _, expected = next(theirs.split(data.labels, data.labels))
  ours = np.bincount(data.labels[made.val], minlength=10)
  difference = np.abs(ours - np.bincount(data.labels[expected], minlength=10))
  assert difference.max() <= (0 if data is CIFAR and number % 10 == 0 else 1)
  share = np.bincount(data.labels, minlength=10) * number / total
  assert np.all(np.abs(ours - share) < 1)


def test_folds_and_seeds_are_independent_draws():
  made = {(s, f): split(CIFAR, val=0.5, seed=s, fold=f) for s in (0, 1) for f in range(4)}
  sets = [set(one.val.tolist()) for one in made.values()]
  for i, one in enumerate(sets):
    for other in sets[:i]:
      assert abs(len(one & other) - 1250) < 120  # half of a half, 4.8 standard deviations
  again = split(CIFAR, val=0.5, seed=1, fold=3)
  for field, value in again._asdict().items():
    np.testing.assert_array_equal(value, getattr(made[1, 3], field))


def test_the_first_draw_is_pinned():
  assert split(SKEWED, val=5, seed=7).val.tolist() == [52, 130, 158, 224, 535]


def test_a_subset_is_stratified_and_the_same_in_all_folds():
  first, second = (split(CIFAR, val=0.2, seed=3, fold=f, subset=2000) for f in (0, 1))
  for one in (first, second):
    assert (len(one.train), len(one.val)) == (1600, 400)
    assert np.bincount(CIFAR.labels[one.train]).tolist() == [160] * 10
  union = np.union1d(first.train, first.val)
  np.testing.assert_array_equal(union, np.union1d(second.train, second.val))
  assert not np.array_equal(first.val, second.val)


@pytest.mark.parametrize("ratio", [1, 10, 100])
def test_imbalance_is_autodos(ratio):
  clean = split(CIFAR, val=0.2, seed=0)
  made = split(CIFAR, val=0.2, seed=0, imbalance=ratio)
  np.testing.assert_array_equal(made.val, clean.val)
  count = np.bincount(CIFAR.labels[made.train], minlength=10)
  assert count[:5].tolist() == [400] * 5
  assert count[5:].sum() == 2000 // ratio
  if ratio == 10:  # drawn from the five classes together, not class by class
    assert len(set(count[5:])) > 1
  assert set(made.train.tolist()) <= set(clean.train.tolist())


def test_imbalance_of_an_odd_number_of_classes():
  data = examples([40] * 5)
  count = np.bincount(data.labels[split(data, val=0, seed=0, imbalance=4).train], minlength=5)
  assert count[:3].tolist() == [40] * 3  # classes 0, 1, 2 lie below 5 / 2
  assert count[3:].sum() == 30


def test_noise_is_autodos():
  made = split(CIFAR, val=0.2, seed=0, imbalance=10, noise=0.3)
  np.testing.assert_array_equal(made.labels[made.val], CIFAR.labels[made.val])
  outside = np.setdiff1d(np.arange(5000), made.train)
  np.testing.assert_array_equal(made.labels[outside], CIFAR.labels[outside])
  wrong = made.labels[made.train] != CIFAR.labels[made.train]
  hit = int(0.3 * len(made.train))  # 660 of 2,200, a tenth of them unchanged by chance
  assert abs(wrong.sum() - 0.9 * hit) < 4 * np.sqrt(hit * 0.09)
  given = np.bincount(made.labels[made.train][wrong], minlength=10)
  assert np.all(np.abs(given - wrong.sum() / 10) < 4.5 * np.sqrt(wrong.sum() / 10))
  all_hit = split(examples([50, 50]), val=0, seed=0, noise=1.0)
  assert 25 < np.sum(all_hit.labels) < 75
  np.testing.assert_array_equal(split(CIFAR, val=0.2, seed=0).labels, CIFAR.labels)


def test_saved_and_loaded(tmp_path):
  made = split(SKEWED, val=0.2, seed=4, fold=2, imbalance=2, noise=0.1)
  save_split(made, tmp_path / "split.npz")
  again = load_split(tmp_path / "split.npz", examples=SKEWED)
  for field, value in made._asdict().items():
    np.testing.assert_array_equal(getattr(again, field), value)
    assert type(getattr(again, field)) is type(value)
  stream = SKEWED._replace(images=None, fetch=Take(SKEWED.images))
  load_split(tmp_path / "split.npz", examples=stream)
  other = in_memory(SKEWED.images[::-1], SKEWED.labels[::-1])
  with pytest.raises(ValueError, match=r"split.npz was made from other data"):
    load_split(tmp_path / "split.npz", examples=other)
  assert [path.name for path in tmp_path.iterdir()] == ["split.npz"]


def test_mistakes_are_sentences(tmp_path):
  with pytest.raises(ValueError, match="a number of examples below 5000, not 5000"):
    split(CIFAR, val=5000, seed=0)
  with pytest.raises(ValueError, match=r"share between 0 and 1 .* not 1.5"):
    split(CIFAR, val=1.5, seed=0)
  with pytest.raises(ValueError, match=r"imbalance ratio must be at least 1, not 0.5"):
    split(CIFAR, val=0.2, seed=0, imbalance=0.5)
  with pytest.raises(ValueError, match="noise ratio must lie between 0 and 1, not 10"):
    split(CIFAR, val=0.2, seed=0, noise=10)
  with pytest.raises(ValueError, match="cannot choose 9000 of 5000"):
    split(CIFAR, val=0.2, seed=0, subset=9000)
  with pytest.raises(ValueError, match="must be 0 or more, not -1 and 0"):
    split(CIFAR, val=0.2, seed=-1)
  (tmp_path / "split.npz").write_bytes(b"PK")
  with pytest.raises(ValueError, match="is not a saved split"):
    load_split(tmp_path / "split.npz")
  with pytest.raises(FileNotFoundError, match="there is no split at"):
    load_split(tmp_path / "none.npz")


@pytest.mark.parametrize("shape", [(40,), (40, 3)], ids=["numbers", "several"])
def test_labels_that_are_no_classes_are_split_at_random(shape, tmp_path):
  labels = np.random.default_rng(0).normal(size=shape).astype(np.float32)
  examples = in_memory(np.zeros((40, 2, 2, 1), np.uint8), labels)  # not this file's `examples`
  made = split(examples, val=0.25, seed=1, subset=24)
  assert (len(made.train), len(made.val)) == (18, 6)
  assert not set(made.train) & set(made.val)
  np.testing.assert_array_equal(made.labels, labels)
  assert not np.array_equal(made.val, split(examples, val=0.25, seed=2, subset=24).val)
  save_split(made, tmp_path / "split.npz")
  assert load_split(tmp_path / "split.npz", examples=examples).labels.dtype == np.float32
  other = in_memory(np.zeros((40, 2, 2, 1), np.uint8), labels + 1)
  assert made.data != split(other, val=0.25, seed=1).data
  (feed,) = feeds(examples, sequential(made.train, 6), labels=made.labels)
  batch = feed.batch(feed.held, feed.draw(0))
  np.testing.assert_array_equal(batch.label, labels[made.train[:6]])
  with pytest.raises(ValueError, match="about classes, and these labels are none"):
    split(examples, val=0, seed=0, noise=0.1)
