"""Two hundred spoilt inputs for whatever reads a user's files and flags; and laws that can fail."""

import pickle

import pytest
from hypothesis import strategies as st

from experiments import launch
from experiments.benchmarks import fuzz, fuzz_targets
from experiments.benchmarks.fuzz_laws import REFUSED, Broken, refused, watched
from experiments.benchmarks.fuzz_targets import ACCEPTED, Target, outcome

SHARES = fuzz.shares(["policy", "plan", "folder", "npz", "flags"], 200)


@pytest.mark.parametrize("name", SHARES)
def test_every_input_is_taken_or_refused_in_words(name):
  row = fuzz.fuzz(name, inputs=SHARES[name])
  assert not row.broken, row.broken
  assert row.tried >= SHARES[name]
  assert min(row.accepted, row.refused) > SHARES[name] // 50
  again = fuzz.fuzz(name, inputs=10)
  assert again[1:4] == fuzz.fuzz(name, inputs=10)[1:4]  # the same seed, the same inputs


@pytest.mark.parametrize(
  ("words", "said"),
  [
    ((), ACCEPTED),
    (("--memory_budget=0",), ACCEPTED),
    (("--rate=nan",), REFUSED),
    (("--seed=99999999999999999999",), REFUSED),
    (("--data=nowhere",), REFUSED),
  ],
  ids=["valid", "streamed", "nan", "large", "no data"],
)
def test_flags_reach_the_first_step_or_a_sentence(words, said):
  with fuzz_targets.defined("retrain"):
    target = fuzz_targets.program("retrain")
    assert outcome(target, (*fuzz_targets.MAINS["retrain"][1], *words)) == said


def reads_elsewhere(folder):
  (folder.parent / "secret.png").read_bytes()


def writes_elsewhere(folder):
  (folder.parent / "new").write_text("")


def unpickles(folder):
  pickle.loads(pickle.dumps(Target))


@pytest.mark.parametrize("wrong", [reads_elsewhere, writes_elsewhere, unpickles])
def test_what_leaves_its_folder_is_caught(wrong):
  def attempt(one, folder):
    with watched(folder):
      (folder / "own").write_text("")
      if one:
        wrong(folder)
    return ACCEPTED

  assert outcome(Target("own", st.booleans(), attempt), False) == ACCEPTED
  with pytest.raises(Broken, match=r"open|pickle"):
    outcome(Target("own", st.booleans(), attempt), True)


@pytest.mark.parametrize(
  "mistake", [lambda: int("x"), lambda: {}["x"], lambda: [].pop()], ids=["value", "key", "index"]
)
def test_other_peoples_errors_are_no_sentences(mistake):
  with pytest.raises((ValueError, LookupError)) as caught:
    mistake()
  with pytest.raises(Broken):
    refused(caught.value)


def test_a_broken_law_is_shown_with_its_smallest_input(monkeypatch):
  def attempt(number, folder):
    if number >= 7:
      raise Broken("too large")
    return ACCEPTED

  target = Target("numbers", st.integers(0, 1000), attempt)
  monkeypatch.setattr(fuzz_targets, "TARGETS", {"numbers": lambda: target})
  row = fuzz.fuzz("numbers", inputs=100)
  assert row.broken == "too large\n  for 7"
  assert "| numbers |" in fuzz.table([row])
  with pytest.raises(ValueError, match="targets are some of numbers, flags, not 'flag'"):
    fuzz.shares(["flag"], 1)


def test_too_little_memory_is_said(capsys):
  def main():
    raise MemoryError

  with pytest.raises(SystemExit) as caught:
    launch.attempt("name", main, ["name"])
  assert caught.value.code == launch.MISTAKE
  assert capsys.readouterr().err == "name: there is not enough memory (no more is known)\n"
