from typing import NamedTuple

import pytest

from autoaug_jax.app import Autodo, Madao, OnlineBilevel, SearchSetting, Slack, search
from autoaug_jax.app.checks import at_least, at_most, one_of, positive


class Options(NamedTuple):
  count: float = 1
  name: str = "a"


NAN = float("nan")


@pytest.mark.parametrize("count", [0.5, -1, NAN])
def test_what_is_below_the_least_is_named(count):
  at_least(Options(), 1, ["count"])
  with pytest.raises(ValueError, match=f"^count must be at least 1, not {count}$"):
    at_least(Options(count), 1, ["count"])


@pytest.mark.parametrize("count", [2, NAN])
def test_what_is_above_the_most_is_named(count):
  at_most(Options(), 1, ["count"])
  with pytest.raises(ValueError, match=f"^count must be at most 1, not {count}$"):
    at_most(Options(count), 1, ["count"])


@pytest.mark.parametrize("count", [0, -1, NAN])
def test_what_is_not_positive_is_named(count):
  positive(Options(0.1), ["count"])
  with pytest.raises(ValueError, match=f"^count must be positive, not {count}$"):
    positive(Options(count), ["count"])


def test_what_is_not_accepted_is_named():
  one_of(Options(), "name", ("a", "b"))
  with pytest.raises(ValueError, match=r"^name must be one of 'a', 'b', not 'c'$"):
    one_of(Options(name="c"), "name", ("a", "b"))


@pytest.mark.parametrize(
  ("options", "message"),
  [
    (Slack(rounds=0), "rounds must be at least 1"),
    (Madao(rate=NAN), "rate must be positive"),
    (OnlineBilevel(augmenter_rate=0.0), "augmenter_rate must be positive"),
    (OnlineBilevel(augmenter="none", spread=0.0), "spread must be above 0"),
    (OnlineBilevel(learned="all"), "learned must be one of"),
    (Autodo(terms=0), "terms must be at least 1"),
  ],
  ids=["slack", "madao", "rate", "spread", "online_bilevel", "autodo"],
)
def test_options_are_checked_before_data_are_read(options, message):
  with pytest.raises(ValueError, match=message):
    search(SearchSetting(data="there/is/no/such/folder"), options)
