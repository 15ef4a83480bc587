import io

import pytest

from autoaug_jax.train.progress import _duration, line, mean, progress_on, silent


class Terminal(io.StringIO):
  def isatty(self):
    return True


class Notebook(io.StringIO):
  pass


Notebook.__module__ = "ipykernel.iostream"


@pytest.mark.parametrize("kind", [Terminal, Notebook])
def test_where_a_line_can_be_written_over_it_is(kind):
  stream = kind()
  told = progress_on(stream)
  told.show("a long line")
  told.show("short")
  told.say("stays")
  told.show("new")
  told.close()
  assert stream.getvalue() == "\ra long line\rshort      \nstays\n\rnew\n"


def test_a_file_gets_plain_lines_now_and_then_and_the_last_one():
  stream, now = io.StringIO(), [0.0]
  told = progress_on(stream, every=30, clock=lambda: now[0])
  for second in range(0, 100, 10):
    now[0] = float(second)
    told.show(f"at {second}")
  told.say("said")
  told.show("at 95")
  told.close()
  assert stream.getvalue() == "at 0\nat 30\nat 60\nat 90\nsaid\nat 95\n"


def test_what_a_line_says():
  values = {"loss": [1.0, 2.0], "accuracy": 0.5, "rate": 0.1}
  text = line(50, 200, values, speed=812.3, seconds=65.2)
  assert text == "move 50/200  loss 1.5  accuracy 50.0%  812 images/s  1:05 left"
  assert line(1, 2, {"outer": 0.25}, speed=0, seconds=0) == "move 1/2  outer 0.25  0:00 left"
  assert "2.5 images/s" in line(1, 2, {}, speed=2.5, seconds=0)


def test_durations():
  assert [_duration(s) for s in (0, 59.6, 61, 3600, 36125)] == [
    "0:00",
    "1:00",
    "1:01",
    "1:00:00",
    "10:02:05",
  ]


def test_means():
  assert mean([1.0, 2.0]) == 1.5
  assert mean(3) == 3.0


def test_silence(capsys):
  told = silent()
  told.show("a")
  told.say("b")
  told.close()
  assert capsys.readouterr() == ("", "")
