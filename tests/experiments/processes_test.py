"""Several processes as one job: what the flag says, and what is said where one is gone."""

import jax
import pytest

from autoaug_jax.app import How, SearchSetting, Setting, Slack, retrain, search
from experiments import processes


@pytest.mark.parametrize(
  "where", ["here", "host:1,2", "host:1,2,2", "host:1,two,0", "host,2,0", "host:1,2,0,0"]
)
def test_what_is_no_place_is_named(where):
  with pytest.raises(ValueError, match=rf"host:port,count,number .* not {where!r}"):  # noqa: SIM117
    with processes.together(where):
      pass


def test_nothing_is_looked_for_unless_it_is_asked(monkeypatch):
  monkeypatch.setattr(jax.distributed, "initialize", lambda *args, **options: 1 / 0)
  with processes.together(""):
    assert processes.first()


def test_the_flag_is_what_jax_is_told(monkeypatch):
  told = []
  monkeypatch.setattr(jax.distributed, "initialize", lambda *args, **options: told.append(args))
  with processes.together("10.0.0.1:1234,2,1"), processes.together("auto"):
    pass
  assert told == [("10.0.0.1:1234", 2, 1), (None, None, None)]


def test_a_place_without_a_cluster_gets_a_sentence(monkeypatch):
  def nothing(*args, **options):
    raise ValueError("coordinator_address should be defined.")

  monkeypatch.setattr(jax.distributed, "initialize", nothing)
  with pytest.raises(ValueError, match=r"processes='auto' finds no other process .* say host:port"):  # noqa: SIM117
    with processes.together("auto"):
      pass


class Left(Exception):
  """In the place of the end of this process."""


@pytest.mark.parametrize("count", [1, 2], ids=["alone", "of two"])
def test_what_fails_in_all_ends_at_once(count, monkeypatch, capsys):
  def leave(code):
    raise Left(code)

  monkeypatch.setattr(jax.distributed, "initialize", lambda *args, **options: None)
  monkeypatch.setattr(jax, "process_count", lambda: count)
  monkeypatch.setattr(processes.os, "_exit", leave)
  expected = Left if count == 2 else jax.errors.JaxRuntimeError
  with pytest.raises(expected), processes.together("auto"):
    raise jax.errors.JaxRuntimeError("Gloo all-reduce failed: Connection closed\nmore of it")
  said = capsys.readouterr().err
  assert said.endswith("again (Gloo all-reduce failed: Connection closed)\n" if count == 2 else "")
  assert bool(said) == (count == 2)


@pytest.mark.parametrize(
  "job",
  [lambda: retrain(Setting()), lambda: search(SearchSetting(), Slack())],
  ids=["retrain", "search"],
)
def test_some_of_the_devices_are_not_enough(job, monkeypatch):
  monkeypatch.setattr(jax, "process_count", lambda: 2)
  assert How().devices == 1
  with pytest.raises(ValueError, match=r"devices must be 0 with 2 processes, .* not 1"):
    job()
