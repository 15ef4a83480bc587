"""Lists of doubted labels: areas, precision and recall against scikit-learn, and by hand."""

import numpy as np
import pytest
import sklearn.metrics

from autoaug_jax.app.caught import auc, caught, caught_line, of_training, precision_recall
from autoaug_jax.methods import Verdicts

WEIGHT = np.array([0.1, 1.0, 0.4, 1.0, 0.9, 1.0])
OFF = np.array([0.9, 0.05, 0.02, 0.09, 0.6, 0.09])
LEARNED = Verdicts(WEIGHT, OFF, np.zeros(6, np.int32), np.argsort(-OFF, kind="stable"))
WRONG = np.array([True, False, True, False, False, False])
TRAIN = np.array([0, 1, 2, 4])


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


def test_only_training_images_count():
  """By hand: wrong ones weigh 0.1 and 0.4 of 0.1, 0.4, 0.9, 1; labels rank them first and last."""
  assert of_training(LEARNED, TRAIN).tolist() == [0, 4, 1, 2]
  found = caught(LEARNED, WRONG, TRAIN)
  assert found == (2, 1.0, 0.5, 0.5)
  assert caught_line(found) == (
    "wrong labels: 50.0% of the first 2 suspects, of 2 wrong ones in all; area under the ROC "
    "curve 1.000 by weight, 0.500 by soft label"
  )


def test_what_was_not_learned_is_not_judged():
  still = LEARNED._replace(weight=np.ones(6))
  assert caught(still, WRONG, TRAIN) == (2, None, 0.5, 0.5)
  nothing = still._replace(off_label=np.zeros(6))
  assert caught(nothing, WRONG, TRAIN) == (2, None, None, None)
  assert caught_line(caught(nothing, WRONG, TRAIN)) == ""
  assert caught(LEARNED, np.zeros(6, bool), TRAIN) == (0, None, None, None)
