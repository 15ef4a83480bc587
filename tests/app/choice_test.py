"""The rule that chooses a method, on four constructed cases, and the estimate it rests on."""

import numpy as np
import pytest

from autoaug_jax.app.choice import choose_method
from autoaug_jax.app.doubts import Doubts

NONE = np.zeros(0)


@pytest.mark.parametrize(
  ("ratio", "wrong", "method", "because"),
  [
    (4.9, None, "slack", "even enough"),
    (5.0, None, "autodo", "5.0 times"),
    (1.0, 0.1, "autodo", "10% of the labels"),
    (1.0, 0.04, "slack", "no labels are known"),
  ],
  ids=["even", "uneven", "wrong labels", "clean labels"],
)
def test_the_rule(ratio, wrong, method, because):
  choice = choose_method(ratio, wrong=wrong)
  assert choice.method == method
  assert because in choice.reason


def test_the_share_of_wrong_labels_is_recovered():
  """A network that errs on a tenth of clean images, on labels of which a share was made wrong."""
  random = np.random.default_rng(0)
  count, classes, share = 200_000, 10, 0.2
  true = random.integers(0, classes, count)
  likely = np.where(random.random(count) < 0.1, (true + 1) % classes, true)
  given = np.where(random.random(count) < share, (true + random.integers(2, 10, count)) % 10, true)
  found = Doubts(NONE, NONE, NONE, NONE, np.mean(given != likely), np.mean(true != likely))
  # One wrong answer in nine agrees with the wrong label by chance: 0.1 / 9 of a share of 0.2.
  assert found.wrong == pytest.approx(share, abs=0.01)


def test_without_clean_images_nothing_is_known():
  assert Doubts(NONE, NONE, NONE, NONE, 0.5, None).wrong is None
