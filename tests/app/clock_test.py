"""Time that goes on counting after a job was killed."""

from autoaug_jax.app.clock import clock


def test_stages_add_up_over_starts(tmp_path):
  moment = [100.0]
  path = tmp_path / "clock.json"
  first = clock(path, now=lambda: moment[0])
  moment[0] += 5
  first.done("search")
  moment[0] += 3
  assert first.spent() == 8
  moment[0] += 1000  # killed, and started again later
  second = clock(path, now=lambda: moment[0])
  assert second.spent() == 5
  moment[0] += 2
  second.done("search")
  assert second.stages() == {"search": 7}
  assert second.spent() == 7


def test_without_a_file_it_counts_too():
  moment = [0.0]
  only = clock(None, now=lambda: moment[0])
  moment[0] = 2.0
  only.done("a")
  assert only.stages() == {"a": 2.0}
