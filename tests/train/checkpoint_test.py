import json
import pathlib
import shutil

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autoaug_jax.train import SearchState, checkpoint
from autoaug_jax.train.checkpoint import store

CONFIG = {"lr": 0.1, "policy": "none", "seeds": [0, 1]}


def state(value: float = 0.0) -> SearchState:
  """All that is hard to save: scalars, bfloat16, nothing at all, named tuples."""
  theta = {
    "a": {"kernel": jnp.full((2, 3), float(value))},
    "b": jnp.full((2,), value, jnp.bfloat16),
  }
  opt_state = (jnp.int32(3), {"m": jnp.ones(4) + value})
  return SearchState(theta, {}, opt_state, jnp.zeros((0, 3)), (), (), jnp.int32(5))


def saved(folder, moves, *, keep=9, best=None, **kwargs):
  kept = store(folder, config=CONFIG, keep=keep, **kwargs)
  for move in moves:
    kept.save(move, state(move), {"best_move": best, "text": f"at {move}"})
  kept.close()
  return kept


def opened(folder, said, **config):
  return store(folder, config=CONFIG | config, say=said.append)


def names(folder: pathlib.Path) -> list[str]:
  return sorted(path.name for path in folder.iterdir())


def test_what_was_saved_comes_back(tmp_path):
  saved(tmp_path, [10, 20])
  said = []
  kept = opened(tmp_path, said)
  loaded = kept.load(state())
  assert (loaded.move, loaded.note["text"], said) == (20, "at 20", [])
  chex.assert_trees_all_equal(loaded.state, state(20))
  chex.assert_trees_all_equal_shapes_and_dtypes(loaded.state, state())
  assert kept.latest() == str(tmp_path / "20")


def test_nothing_saved_is_no_mistake(tmp_path):
  said = []
  kept = opened(tmp_path / "new" / "folder", said)
  assert kept.load(state()) is None
  assert kept.latest() is None
  assert said == []


def test_saving_does_not_wait_and_drops_nothing(tmp_path):
  saved(tmp_path, range(6))
  assert names(tmp_path) == list("012345")


def test_the_last_and_the_best_stay(tmp_path):
  saved(tmp_path, [1, 2], best=2, keep=2)
  saved(tmp_path, [3, 4, 5], best=2, keep=2)
  assert names(tmp_path) == ["2", "4", "5"]
  # A run that goes on knows which was the best.
  kept = store(tmp_path, config=CONFIG, keep=2)
  kept.load(state())
  kept.save(6, state(), {"best_move": 2})
  kept.close()
  assert names(tmp_path) == ["2", "5", "6"]


def test_a_state_is_saved_as_it_was_when_asked(tmp_path):
  kept = store(tmp_path, config=CONFIG)
  give_away = jax.jit(
    lambda s: jax.tree.map(lambda x: x + jnp.ones((), x.dtype), s), donate_argnums=0
  )
  here = state(7)
  kept.save(1, here, {})
  for _ in range(3):
    here = give_away(here)
  kept.close()
  chex.assert_trees_all_equal(kept.load(state()).state, state(7))


def cut_note(folder):
  shutil.rmtree(folder / "note")


def cut_arrays(folder):
  # Each of them: most are left over from writing and never read, and their sizes differ by run.
  for path in folder.glob("state/**/d/*"):
    path.write_bytes(b"")


def empty(folder):
  shutil.rmtree(folder)
  folder.mkdir()


def foreign(folder):
  shutil.rmtree(folder)
  folder.mkdir()
  (folder / "weights.bin").write_bytes(b"1234")


@pytest.mark.parametrize("damage", [cut_note, cut_arrays, empty, foreign])
def test_a_damaged_checkpoint_is_said_and_the_previous_one_used(tmp_path, damage):
  saved(tmp_path, [1, 2])
  damage(tmp_path / "2")
  said = []
  kept = opened(tmp_path, said)
  assert kept.load(state()).move == 1
  assert len(said) == 1
  assert str(tmp_path / "2") in said[0]
  assert "damaged" in said[0]
  # The run comes to its number again: what is there is not lost, and not in the way.
  kept.save(2, state(2), {})
  kept.close()
  assert names(tmp_path) == ["1", "2", "2.unread0"]
  assert opened(tmp_path, said).load(state()).move == 2


def test_an_array_that_changed_is_noticed(tmp_path, monkeypatch):
  saved(tmp_path, [1])
  monkeypatch.setattr("autoaug_jax.train.checkpoint.zlib.crc32", lambda data: 0)
  saved(tmp_path, [2])
  monkeypatch.undo()
  said = []
  assert opened(tmp_path, said).load(state()).move == 1
  assert "is not what was saved" in said[0]


def test_another_structure_is_said(tmp_path):
  saved(tmp_path, [1])
  said = []
  wider = state().replace(opt_state=(jnp.int32(3), {"m": jnp.ones(5)}))
  assert opened(tmp_path, said).load(wider) is None
  assert "opt_state.1.m is float32[4] there and float32[5] here" in said[0]
  fewer = state().replace(opt_state=())
  assert opened(tmp_path, said).load(fewer) is None
  assert "opt_state.0 is in only one of" in said[1]


def test_another_run_is_refused_by_name(tmp_path):
  saved(tmp_path, [1])
  with pytest.raises(ValueError, match=r"made with lr=0.1, and this run has lr=0.2") as raised:
    opened(tmp_path, [], lr=0.2).load(state())
  assert str(tmp_path) in str(raised.value)
  with pytest.raises(ValueError, match=r"made with epochs='unset', and this run has epochs=3"):
    opened(tmp_path, [], epochs=3).load(state())
  # JSON has no tuples.
  assert opened(tmp_path, [], seeds=(0, 1)).load(state()).move == 1


def test_what_a_kill_left_is_swept(tmp_path):
  saved(tmp_path, [1])
  (tmp_path / "2.orbax-checkpoint-tmp" / "state").mkdir(parents=True)
  (tmp_path / "0.deleted").mkdir()
  (tmp_path / "notes.txt").write_text(json.dumps({}))
  assert opened(tmp_path, []).load(state()).move == 1
  assert names(tmp_path) == ["1", "notes.txt"]


def test_at_least_one_is_kept(tmp_path):
  with pytest.raises(ValueError, match="keep must be at least 1, not 0"):
    store(tmp_path, keep=0)


def test_numbers_are_bitwise(tmp_path):
  odd = np.asarray([np.nextafter(1, 2), -0.0, 1e-42, np.float32(1) / 3], np.float32)
  kept = store(tmp_path)
  kept.save(1, state().replace(pinned=jnp.asarray(odd)), {})
  back = kept.load(state().replace(pinned=jnp.asarray(odd))).state.pinned
  assert back.tobytes() == odd.tobytes()


def test_a_full_disk_is_said_and_what_was_saved_stays(tmp_path, monkeypatch):
  saved(tmp_path, [10])
  kept = opened(tmp_path, [])

  class Failed:
    def result(self):
      raise ValueError("RESOURCE_EXHAUSTED: ...: No space left on device [os_error_code='28']")

  monkeypatch.setattr(checkpoint.ocp, "save_checkpointables_async", lambda *_, **__: Failed())
  kept.save(20, state(20), {"text": "at 20"})
  with pytest.raises(OSError, match=r"the disk is full: .* those before it are whole"):
    kept.close()
  monkeypatch.undo()
  assert opened(tmp_path, []).load(state()).move == 10
