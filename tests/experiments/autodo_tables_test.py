"""Tables of comparisons: which cases and rows they hold, and their differences against SciPy."""

import json

import numpy as np
import pytest
import scipy.stats

from experiments.recipes import autodo_noise, autodo_tables
from experiments.recipes.autodo_noise import Found
from experiments.recipes.autodo_tables import ORDER, SMALL, Table, differences, table_of

PAIR = Table((), ("a", "b"), ((0, 1),))
NOTHING = {"data": "", "epochs": 0, "begin": 0, "noise": []}


def found(*accuracies):
  return [Found(a, a, None, None, None, 0, 1.0) for a in accuracies]


def test_the_rows_are_table_1s_in_their_order():
  assert ORDER.rows == ("baseline", "A shared", "A", "A, W", "A, W, S")
  assert {(case.noise, case.imbalance) for case in ORDER.cases} == {(0.1, 1), (0.1, 10), (0, 10)}
  assert ORDER.pairs == ((0, 1), (1, 2), (2, 3), (3, 4))
  assert SMALL.pairs == ((0, 1), (0, 2), (1, 2))
  assert {*ORDER.rows, *SMALL.rows} <= set(autodo_noise.ROWS)
  small = table_of("small", {**NOTHING, "data": "x.npz", "epochs": 10, "begin": 3})
  assert [case.noise for case in small.cases] == [0.1, 0.3]
  case = small.cases[0]
  assert (case.train_images, case.test_images, case.batch, case.epochs) == (2000, 2000, 64, 10)
  assert (case.data, case.model, case.size, case.begin) == ("x.npz", "wrn-16-1-celu", 32, 3)
  (only,) = table_of("small", {**NOTHING, "data": "x.npz", "noise": ["0.3"]}).cases
  assert only.noise == 0.3


def test_differences_are_paired_by_seed():
  first, second = (0.5, 0.6, 0.75), (0.52, 0.63, 0.76)
  (line,) = differences(PAIR, [found(*first), found(*second)])
  test = scipy.stats.ttest_rel(second, first)
  mean = 100 * (np.mean(second) - np.mean(first))
  half = 100 * test.confidence_interval(0.95).high - mean
  assert line == f"| b less a | {mean:+.2f} ± {half:.2f} | not told apart |"
  (line,) = differences(PAIR, [found(0.5, 0.6), found(0.7, 0.8001)])
  assert line.endswith("| above |")
  (line,) = differences(PAIR, [found(0.7, 0.8001), found(0.5, 0.6)])
  assert line.endswith("| below |")


@pytest.mark.parametrize(
  ("name", "change", "message"),
  [
    ("2", {}, "table must be one of order, small, not '2'"),
    ("small", {}, "--data says which"),
    ("order", {"noise": ["0.2"]}, "noise must be of 0, 0.1 in this table, not 0.2"),
  ],
  ids=["table", "data", "noise"],
)
def test_mistakes_get_one_sentence(name, change, message):
  with pytest.raises(ValueError, match=message):
    table_of(name, {**NOTHING, **change})


def test_a_table_is_made_of_what_is_kept(tmp_path, monkeypatch, capsys):
  """Every run is made once, in the recipe's own places."""
  asked = []

  def once(case, row, seed):
    asked.append((case.noise, case.imbalance, seed))
    return autodo_noise.Run(found(0.5 + 0.01 * seed)[0], None, None, None, None, None)

  monkeypatch.setattr(autodo_noise, "run", once)
  given = {**NOTHING, "table": "order", "workdir": str(tmp_path), "seeds": 2, "noise": ["0"]}
  monkeypatch.setattr(autodo_tables.flags, "FLAGS", Flags(given))
  autodo_tables.main()
  autodo_tables.main()
  assert len(asked) == len(ORDER.rows) * 2
  printed = capsys.readouterr().out
  assert printed.count("| A, W | 50.50 ± ") == 2
  assert "0% wrong labels, imbalance 10:1" in printed
  kept = tmp_path / "noise0-imbalance10" / "A-W-S" / "1.json"
  assert json.loads(kept.read_text())["config"]["row"] == "A, W, S"


class Flags:
  def __init__(self, values):
    self.values = values

  def flag_values_dict(self):
    return self.values
