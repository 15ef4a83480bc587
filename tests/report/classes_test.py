import builtins

import matplotlib.colors
import numpy as np
import pytest

from autoaug_jax import report
from tests.report.looks import assert_readable, texts


def test_confusion_shows_shares_of_the_true_class():
  counts = [[3, 1, 0], [0, 0, 0], [1, 0, 1]]
  figure = report.confusion(counts, ["cat", "dog", "owl"], title="Pets")
  ax = figure.axes[0]
  np.testing.assert_allclose(ax.images[0].get_array(), [[0.75, 0.25, 0], [0, 0, 0], [0.5, 0, 0.5]])
  # (column, row, percent)
  inside = {(*t.get_position(), t.get_text()) for t in ax.texts}
  assert inside == {
    (0, 0, "75"),
    (1, 0, "25"),
    (0, 2, "50"),
    (2, 2, "50"),
  }
  assert_readable(figure)


@pytest.mark.parametrize("count", [2, 20, 100])
def test_confusion_is_readable(count):
  names = [f"a class {i}" for i in range(count)]
  assert_readable(report.confusion(np.eye(count, dtype=int), names))


def test_points_have_the_colours_of_their_classes():
  points = np.random.default_rng(0).normal(size=(40, 2))
  labels = np.arange(40) % 10
  figure = report.embedding(points, labels, [f"class {i}" for i in range(12)])
  groups = figure.axes[0].collections
  assert [g.get_label() for g in groups] == [f"class {i}" for i in range(10)]
  for label, group in enumerate(groups):
    np.testing.assert_array_equal(group.get_offsets(), points[labels == label])
  looks = {
    (matplotlib.colors.to_hex(g.get_facecolor()[0]), len(g.get_paths()[0].vertices)) for g in groups
  }
  assert len(looks) == 10
  assert "class 9" in {text for text, _ in texts(figure)}
  assert_readable(figure)


def test_tsne_keeps_groups_together():
  centers = np.repeat(np.eye(3) * 20, 10, axis=0)
  features = centers + np.random.default_rng(0).normal(size=(30, 3))
  placed = report.tsne(features)
  assert placed.shape == (30, 2)
  distances = np.linalg.norm(placed[:, None] - placed[None], axis=-1) + 1e6 * np.eye(30)
  assert np.all(distances.argmin(axis=1) // 10 == np.arange(30) // 10)
  np.testing.assert_array_equal(placed, report.tsne(features))


def test_without_scikit_learn_one_sentence(monkeypatch):
  real = builtins.__import__

  def fake(name, *args, **kwargs):
    if name.startswith("sklearn"):
      raise ImportError(name)
    return real(name, *args, **kwargs)

  monkeypatch.setattr(builtins, "__import__", fake)
  with pytest.raises(ImportError, match="t-SNE needs scikit-learn"):
    report.tsne(np.zeros((9, 2)))


@pytest.mark.parametrize(
  ("call", "message"),
  [
    (lambda: report.tsne(np.zeros((3, 2))), "at least 4 images, got 3"),
    (lambda: report.confusion(np.eye(2), ["a"]), r"counts takes an array of shape \[1, 1\]"),
    (lambda: report.embedding(np.zeros((1, 2)), [3], ["a"]), "the 1 classes there are, got 3"),
  ],
  ids=["tsne", "confusion", "embedding"],
)
def test_mistakes_get_one_sentence(call, message):
  with pytest.raises(ValueError, match=message):
    call()
