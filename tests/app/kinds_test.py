import pytest

from autoaug_jax.app import SearchSetting, Slack, attributes, option_types, sized


def test_every_option_is_explained():
  for kind in (*option_types().values(), SearchSetting):
    assert list(attributes(kind)) == list(kind._fields)
    assert all(len(text) > 5 for text in attributes(kind).values())


def test_an_explanation_over_two_lines_is_one():
  assert attributes(Slack)["models"].endswith("a kl of 0.005 and a bound_rate of a sixtieth).")


def test_budgets_are_sizes():
  assert sized("slack", "") == Slack()
  assert sized("slack", "paper").retrain_steps == 1000
  assert sized("slack", "1m").rounds < Slack().rounds
  with pytest.raises(ValueError, match="budget must be one of 1m, 5m, 20m, paper for slack, not"):
    sized("slack", "5 minutes")
  with pytest.raises(ValueError, match="one of autodo, madao, online_bilevel, slack, not 'guess'"):
    sized("guess", "5m")
