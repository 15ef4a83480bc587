"""The experiment on wrong labels: its areas and lists against scikit-learn, and one small run."""

import numpy as np
import pytest
import sklearn.metrics

from experiments.recipes import autodo_noise
from experiments.recipes.autodo_noise import ROWS, Case, Found, auc, kept, precision_recall, run


@pytest.mark.parametrize("levels", [0, 3], ids=["reals", "ties"])
def test_the_area_is_scikit_learns(levels):
  random = np.random.default_rng(0)
  score, positive = random.normal(size=200), random.random(200) < 0.2
  if levels:
    score = np.round(score)
  expected = sklearn.metrics.roc_auc_score(positive, score)
  np.testing.assert_allclose(auc(score, positive), expected, rtol=1e-12)
  with pytest.raises(ValueError, match="got 0 and 3"):
    auc(np.arange(3.0), np.zeros(3))


def test_precision_and_recall_of_a_list():
  wrong = np.array([True, False, True, True, False])
  suspects = np.array([2, 1, 0, 4, 3])
  assert precision_recall(suspects, wrong, 2) == (0.5, pytest.approx(1 / 3))
  listed = np.zeros(5, bool)
  listed[suspects[:3]] = True
  expected = [
    f(wrong, listed) for f in (sklearn.metrics.precision_score, sklearn.metrics.recall_score)
  ]
  np.testing.assert_allclose(precision_recall(suspects, wrong, 3), expected)
  with pytest.raises(ValueError, match=r"1..5, not 6"):
    precision_recall(suspects, wrong, 6)


def test_wrong_labels_are_found_soon(tmp_path):
  """A few epochs of the experiment: far better than chance, from weights and soft labels alone."""
  case = Case(noise=0.2, epochs=14, begin=8, warmup=1, policy_rate=0.1)
  done = run(case, ROWS["W, S"], 0)
  assert done.found.wrong == done.wrong.sum() > 100
  assert not done.wrong[done.split.val].any()
  assert done.found.auc_label > 0.8
  assert done.found.accuracy > 0.8
  chosen = done.verdicts.suspects[np.isin(done.verdicts.suspects, done.split.train)]
  assert done.wrong[chosen[:50]].mean() > 0.5
  unseen = done.split.val
  np.testing.assert_allclose(done.verdicts.weight[unseen], 1, rtol=1e-6)


def test_results_are_kept_and_told(tmp_path, monkeypatch):
  found = Found(0.9, 0.8, 0.95, None, 0.5, 12, 3.0)
  asked = []

  def once(case, row, seed):
    asked.append(seed)
    return autodo_noise.Run(found, None, None, None, None, None)

  monkeypatch.setattr(autodo_noise, "run", once)
  path = tmp_path / "a" / "0.json"
  assert kept(path, Case(), "A, W", 0) == found
  assert kept(path, Case(), "A, W", 0) == found
  assert asked == [0]
  with pytest.raises(ValueError, match="another run's result"):
    kept(path, Case(noise=0.3), "A, W", 0)
  line = autodo_noise.table_line("A, W", [found, found._replace(accuracy=0.92)])
  assert line.startswith("| A, W | 91.00 ± ")
  assert line.endswith("| 0.950 |  | 0.500 | 3 |")
