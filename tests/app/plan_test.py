"""Plans as files, and what is said of files that are none."""

import json

import pytest

from autoaug_jax.app import Plan, SearchSetting, Slack, load_plan, save_plan
from autoaug_jax.app.builtin import DIGITS


def test_a_plan_comes_back_as_it_was(tmp_path):
  plan = Plan(
    600.0,
    SearchSetting(data="photos", model="wrn-16-1", flip=0.0),
    "slack",
    Slack(ops=2, draws="per_image"),
    epochs=3,
    steps=5,
    longer=4,
    seeds=(4, 5),
    estimates={"search": 1.5},
    reasons=("because",),
  )
  for one in (plan, DIGITS):
    save_plan(one, tmp_path / "plan.json")
    assert load_plan(tmp_path / "plan.json") == one


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"format": "recipe"}, "a plan says format"),
    ({"version": 2}, "has version 2"),
    ({"method": "magic"}, "method must be one of"),
    ({"setting": {"colour": 1}}, "setting has the unknown field 'colour'"),
    ({"setting": {"batch": "many"}}, "batch of setting takes a whole number, not 'many'"),
    ({"options": []}, "options takes an object"),
    ({"setting": {"batch": True}}, "batch of setting takes a whole number, not True"),
    ({"setting": {"batch": 1}}, "batch must be at least 2, not 1"),
    ({"setting": {"seed": 10**19}}, "seed of setting is beyond"),
    ({"options": {"ops": 0}}, "ops must be at least 1, not 0"),
    ({"method": ["slack"]}, "method must be one of"),
    ({"budget": "20m"}, "budget of the plan takes a number, not '20m'"),
    ({"search_cost": float("nan")}, "search_cost of the plan takes a finite number, not nan"),
    ({"estimates": {"search": "long"}}, "estimates of the plan takes a number, not 'long'"),
    ({"epochs": 0}, "epochs must be at least 1, not 0"),
    ({"epochs": 2.5}, "epochs of the plan takes a whole number, not 2.5"),
    ({"seeds": []}, "seeds of the plan"),
    ({"seeds": ["0"]}, "seeds of the plan takes a whole number, not '0'"),
    ({"rows": ["cutmix"]}, "rows of the plan may hold"),
    ({"extra": 1}, "the plan has the unknown field 'extra'"),
  ],
  ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_defects_get_one_sentence(change, message, tmp_path):
  path = tmp_path / "plan.json"
  save_plan(DIGITS, path)
  path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
  with pytest.raises(ValueError, match=message) as caught:
    load_plan(path)
  assert str(path) in str(caught.value)
  assert "\n" not in str(caught.value)


def test_no_file_and_no_json(tmp_path):
  with pytest.raises(ValueError, match="there is no plan"):
    load_plan(tmp_path / "plan.json")
  for content, message in (
    (b"{", "cannot be read"),
    (b"\xff", "cannot be read"),
    (b"1" * 5000, "cannot be read"),
    (b"[" * 100_000, "nested deeper"),
  ):
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(ValueError, match=message):
      load_plan(tmp_path / "plan.json")
