"""Time as people write it."""

import pytest

from autoaug_jax.app.budget import seconds_of, spoken


@pytest.mark.parametrize(
  ("text", "seconds"),
  [("20m", 1200), ("90s", 90), ("1h30m", 5400), ("2h", 7200), ("1h1m1s", 3661), (" 5m ", 300)],
)
def test_seconds(text, seconds):
  assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "20", "m", "-5m", "1.5h", "20 minutes", "0s", "5m1h"])
def test_what_is_no_time(text):
  with pytest.raises(ValueError, match="such as 20m, 1h30m or 90s"):
    seconds_of(text)


@pytest.mark.parametrize(
  ("seconds", "text"),
  [(0, "0s"), (59.2, "1m"), (95, "1m 35s"), (1200, "20m"), (3601, "1h 1m"), (7200, "2h")],
)
def test_spoken(seconds, text):
  assert spoken(seconds) == text
