import pytest

from autoaug_jax.train import alternating, epochs, few_moves, rounds, together, training
from autoaug_jax.train.learner import MOVES


def initials(schedule: tuple[str, ...]) -> str:
  assert set(schedule) <= set(MOVES)
  return "".join(name[0] for name in schedule)


def test_schedules_letter_by_letter():
  assert initials(training(3)) == "ttt"
  assert initials(alternating(3)) == "tststs"
  assert initials(alternating(8, every=3, warmup=1)) == "tttts" + "ttts" + "t"
  assert initials(alternating(2, every=3, warmup=5)) == "tt"
  assert initials(together(4, warmup=1)) == "tjjj"
  assert initials(epochs(3, train=2, search=1, warmup=1)) == "tt" + "tts" * 2
  assert initials(rounds(2, retrain=3, search=2)) == "rttjj" * 2
  assert initials(training(0)) == ""


def test_counts_of_the_papers():
  # MADAO, CIFAR-10: 352 steps an epoch, 300 epochs, a search every 60 steps after 30 epochs.
  madao = alternating(300 * 352, every=60, warmup=30 * 352)
  assert (madao.count("train"), madao.count("search")) == (105600, 1584)
  # SLACK, CIFAR: 10 rounds of 1399 steps, the last 400 with an update of the policy.
  slack = rounds(10, retrain=1000, search=400)
  assert slack.count("train") + slack.count("joint") == 13990
  assert slack.count("joint") == 4000


@pytest.mark.parametrize(
  "make",
  [
    lambda: few_moves(50_000_001),
    lambda: training(2**31),
    lambda: alternating(2**31, every=2),
    lambda: together(2**31),
    lambda: epochs(2**31, train=1, search=1),
    lambda: rounds(10**6, retrain=100, search=100),
  ],
  ids=["few", "training", "alternating", "together", "epochs", "rounds"],
)
def test_moves_that_would_fill_the_memory_are_refused(make):
  with pytest.raises(ValueError, match="a run has at most 50000000 moves, and this one would have"):
    make()


@pytest.mark.parametrize(
  ("make", "name"),
  [
    (lambda: training(-1), "steps"),
    (lambda: alternating(3, every=0), "every"),
    (lambda: alternating(3, warmup=-1), "warmup"),
    (lambda: rounds(1, retrain=0, search=1), "retrain"),
    (lambda: epochs(-1, train=1, search=1), "epochs"),
  ],
  ids=["steps", "every", "warmup", "retrain", "epochs"],
)
def test_numbers_that_make_no_sense_are_named(make, name):
  with pytest.raises(ValueError, match=f"^{name} must be at least"):
    make()
