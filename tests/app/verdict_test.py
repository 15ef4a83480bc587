"""One sentence on what to use, for every way in which a comparison may come out."""

import numpy as np
import pytest
from scipy import stats

from autoaug_jax.app.verdict import Row, differences, verdict

WIDE = "trivial-augment-wide"
NOISE = np.asarray([0.0, 0.01, -0.01])


def row(policy, mean, *, longer=False, noise=NOISE):
  accuracy = tuple(float(a) for a in mean + noise)
  return Row(policy, longer, 10, 10.0, accuracy, {}, 1.0)


def rows(learned, wide, *, long=None, none=0.5):
  """With spreads of their own, so that paired differences have intervals."""
  found = [row("learned", learned), row(WIDE, wide, noise=NOISE[[0, 2, 1]] / 2), row("none", none)]
  return found if long is None else [*found, row(WIDE, long, longer=True, noise=NOISE / 3)]


@pytest.mark.parametrize(
  ("found", "begins", "holds"),
  [
    (rows(0.9, 0.8), "Use the learned policy:", "beats TrivialAugment-Wide by 10.00"),
    (rows(0.9, 0.8, long=0.82), "Use the learned policy:", "and by 8.00"),
    (rows(0.9, 0.8, long=0.9), "Use the learned policy if you train often:", "and by 0.00"),
    (rows(0.8, 0.9), "Use TrivialAugment-Wide:", "beats the learned policy by 10.00"),
    (rows(0.901, 0.9), "No difference found: use TrivialAugment-Wide", "by 0.10 ±"),
    (rows(0.9, 0.8, none=0.95), "Use no augmentation:", "beats TrivialAugment-Wide by 15.00"),
    (rows(0.7, 0.8, none=0.95), "Use no augmentation:", "differs from it by -25.00"),
  ],
  ids=["better", "better at both", "only at equal steps", "worse", "alike", "none", "none, worse"],
)
def test_sentences(found, begins, holds):
  said = verdict(found)
  assert said.startswith(begins)
  assert holds in said
  assert said.endswith(".")
  assert "\n" not in said


@pytest.mark.parametrize(("seeds", "said"), [(1, "1 seed is"), (2, "2 seeds are")])
def test_two_seeds_decide_nothing(seeds, said):
  """Two differences may be equal by chance: no interval at all."""
  found = [row("learned", 0.9, noise=np.zeros(seeds)), row(WIDE, 0.1, noise=np.zeros(seeds))]
  assert verdict(found).startswith(f"Undecided: {said} too few to tell")


def test_without_both_there_is_no_verdict():
  assert verdict([row("none", 0.5)]).startswith("Not compared")


def test_differences_are_paired_t_intervals():
  found = rows(0.9, 0.8, long=0.85)
  learned, wide = np.asarray(found[0].accuracy), np.asarray(found[1].accuracy)
  first = differences(found)[0]
  assert (first.other, first.longer) == (WIDE, False)
  oracle = stats.ttest_rel(learned, wide).confidence_interval(0.95)
  np.testing.assert_allclose(first.accuracy.mean - first.accuracy.half_width, oracle.low, rtol=1e-5)
  np.testing.assert_allclose(
    first.accuracy.mean + first.accuracy.half_width, oracle.high, rtol=1e-5
  )
  assert [d.longer for d in differences(found)] == [False, False, True]
