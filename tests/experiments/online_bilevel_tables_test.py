"""The rows of the small tables are the paper's, and each asks for what its name says."""

from types import SimpleNamespace

import pytest

from autoaug_jax.app import Interval, SearchSetting
from experiments.recipes import online_bilevel as recipes
from experiments.recipes import online_bilevel_tables as tables
from experiments.recipes import retraining

SETTING = SearchSetting(data="squares", model="small-cnn", flip=0.5, seed=3)


@pytest.fixture
def asked(monkeypatch):
  """What the jobs are asked for, instead of their doing it."""
  calls = []

  def job(result):
    def called(setting, options=None, *, how):
      calls.append((setting, options, how))
      return result

    return called

  searched = SimpleNamespace(accuracy=0.5)
  monkeypatch.setattr(tables, "search", job(searched))
  monkeypatch.setattr(tables, "train_invariant", job(0.6))
  monkeypatch.setattr(tables, "validated_magnitude", job(SimpleNamespace(final=searched)))
  monkeypatch.setattr(retraining, "retrain", job(SimpleNamespace(interval=Interval(0.7, 0.1))))
  return calls


# a row of ours -> the recipe of the paper's row
PAPER = {
  ("1", "baseline"): "t1-baseline",
  ("1", "predefined translation"): "t1-predefined-translation",
  ("1", "predefined affine"): "t1-predefined-affine",
  ("1", "invariant translation"): "t1-invariant-translation",
  ("1", "invariant affine"): "t1-invariant-affine",
  ("1", "magnitude translation"): "t1-magnitude-translation",
  ("1", "magnitude affine"): "t1-magnitude-affine",
  ("4", "baseline"): "t1-baseline",
  ("4", "jitter"): "t4-jitter",
  ("4", "predefined affine"): "t1-predefined-affine",
  ("4", "predefined affine + jitter"): "t4-affine-jitter",
  ("4", "color"): "t4-color",
  ("4", "color + jitter"): "t4-color-jitter",
  ("4", "affine + color"): "t4-full",
  ("4", "affine + color + jitter"): "t4-full-jitter",
}


@pytest.mark.parametrize("row", PAPER, ids="-".join)
def test_rows_are_the_papers(row, asked, tmp_path):
  table, name = row
  recipe = recipes.RECIPES[PAPER[row]]
  found = tables.accuracy(tables.TABLES[table][name], SETTING, 7, tmp_path / "row")
  ((setting, options, how),) = asked
  assert found == (0.6 if recipe.kind == "invariant" else 0.5)
  assert setting.flip == recipe.flip
  assert how.workdir == tmp_path / "row" / "3"
  assert options.epochs == 7
  for field in ("learned", "predefined", "jitter"):
    assert getattr(options, field) == getattr(recipe.options, field)


def test_all_of_table_4_is_there():
  assert {name for table, name in PAPER if table == "4"} == set(tables.TABLES["4"])


def test_what_is_retrained_trains_as_many_steps_with_its_own_seeds_policy(asked, tmp_path):
  learned = tmp_path / "affine" / "3" / "policy.json"
  learned.parent.mkdir(parents=True)
  learned.touch()
  for name, policy in (
    ("affine, retrained", str(learned)),
    ("TrivialAugment-Wide", "trivial-augment-wide"),
  ):
    row = tables.TABLES["1"][name]
    assert tables.accuracy(row, SETTING, 60, tmp_path / tables.slug(name)) == 0.7
    setting = asked.pop()[0]
    assert (setting.policy, setting.epochs, setting.seed, setting.seeds) == (policy, 48, 3, 1)
    assert (setting.data, setting.model, setting.batch) == ("squares", "small-cnn", 64)


def test_the_paper_step_is_the_only_difference():
  ours, paper = (tables.TABLES["1"][name].options for name in ("affine", "affine, as published"))
  assert {**ours, "same_length": False} == paper
