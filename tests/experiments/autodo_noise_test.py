"""The experiment on wrong labels: one small run, what is kept of it, and tables made of that."""

import json

import numpy as np
import pytest

from experiments.recipes import autodo_noise
from experiments.recipes.autodo_noise import ROWS, Case, Found, kept, run


def test_wrong_labels_are_found_soon(tmp_path):
  """A few epochs of the experiment: far better than chance, from weights and soft labels alone."""
  case = Case(noise=0.2, epochs=14, begin=8, warmup=1, policy_rate=0.1)
  done = run(case, ROWS["W, S"], 0)
  assert done.found.wrong == done.wrong.sum() > 100
  assert not done.wrong[done.split.val].any()
  assert done.found.auc_label > 0.8
  assert done.found.accuracy > 0.8
  chosen = done.verdicts.suspects[np.isin(done.verdicts.suspects, done.split.train)]
  assert done.wrong[chosen[:50]].mean() > 0.5
  unseen = done.split.val
  np.testing.assert_allclose(done.verdicts.weight[unseen], 1, rtol=1e-6)


def test_results_are_kept_and_told(tmp_path, monkeypatch):
  found = Found(0.9, 0.8, 0.95, None, 0.5, 12, 3.0)
  asked = []

  def once(case, row, seed):
    asked.append(seed)
    return autodo_noise.Run(found, None, None, None, None, None)

  monkeypatch.setattr(autodo_noise, "run", once)
  path = tmp_path / "a" / "0.json"
  assert kept(path, Case(), "A, W", 0) == found
  assert kept(path, Case(), "A, W", 0) == found
  assert asked == [0]
  with pytest.raises(ValueError, match="another run's result"):
    kept(path, Case(noise=0.3), "A, W", 0)
  old = json.loads(path.read_text())
  del old["config"]["flip"], old["config"]["train_images"]  # as it was before there were these
  path.write_text(json.dumps(old))
  assert kept(path, Case(), "A, W", 0) == found
  with pytest.raises(ValueError, match="another run's result"):
    kept(path, Case(train_images=50), "A, W", 0)
  line = autodo_noise.table_line("A, W", [found, found._replace(accuracy=0.92)])
  assert line.startswith("| A, W | 91.00 ± ")
  assert line.endswith("| 0.950 |  | 0.500 | 3 |")


def test_a_subset_is_drawn_for_each_seed_and_tested_on_one():
  """What the small protocol asks for, on fewer images than there are."""
  case = Case(train_images=200, test_images=100, noise=0.1)
  source = autodo_noise._source(case)
  feed = autodo_noise._test_feed(case, source)
  numbers = [np.asarray(feed.draw(i)) for i in range(feed.steps_per_epoch)]
  chosen = np.concatenate(numbers)
  chosen = chosen[chosen >= 0]
  assert len(np.unique(chosen)) == 100
  sizes = np.bincount(source.parts["test"].labels[chosen])
  assert sizes.min() >= 9 <= sizes.max() <= 11
