import json
import struct
import sys
import types

import pytest

from autoaug_jax.train.records import records


def lines(folder):
  return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_lines_are_json(tmp_path):
  log = records(tmp_path / "run")
  log.write(10, {"loss": 0.5, "accuracy": [0.1, 0.2]})
  assert lines(tmp_path / "run") == [{"move": 10, "loss": 0.5, "accuracy": [0.1, 0.2]}]
  log.close()


def test_a_resumed_run_drops_what_it_makes_again(tmp_path):
  log = records(tmp_path)
  for move in (10, 20, 30):
    log.write(move, {})
  log.close()
  with (tmp_path / "metrics.jsonl").open("a") as file:
    file.write('{"move": 40, "lo')  # a kill in the middle of a line
  again = records(tmp_path, since=20)
  again.write(30, {"loss": 1.0})
  again.close()
  assert lines(tmp_path) == [{"move": 10}, {"move": 20}, {"move": 30, "loss": 1.0}]


def test_a_rewound_run_drops_them_too(tmp_path):
  log = records(tmp_path)
  for move in (10, 20):
    log.write(move, {})
  log.back(10)
  log.write(15, {})
  log.close()
  assert [row["move"] for row in lines(tmp_path)] == [10, 15]


def test_no_folder_no_lines():
  log = records(None)
  log.write(1, {"loss": 1.0})
  log.back(0)
  log.close()


def test_tensorboard_gets_the_numbers(tmp_path, monkeypatch):
  written = fake_tensorboardx(monkeypatch)
  log = records(tmp_path, since=5)
  log.write(6, {"loss": 0.5, "accuracy": [0.1, None, 0.2], "note": "text"})
  log.back(5)
  log.close()
  assert written == [
    str(tmp_path / "tensorboard/events"),
    (6, "START"),
    (6, {"loss": 0.5, "accuracy/0": 0.1, "accuracy/2": 0.2}),
    "closed",
    str(tmp_path / "tensorboard/events"),
    (6, "START"),
    "closed",
  ]


def fake_tensorboardx(monkeypatch):
  """What is used of it, written into a list."""
  written = []

  class EventsWriter:
    def __init__(self, prefix, suffix):
      written.append(prefix)

    def write_event(self, event):
      written.append((event["step"], event.get("summary", event.get("session_log"))))

    def flush(self):
      pass

    def close(self):
      written.append("closed")

  def value(tag, simple_value):
    return {tag: simple_value}

  def summary(value):
    return {tag: number for one in value for tag, number in one.items()}

  def session(status):
    return status

  summary.Value, session.START = value, "START"
  parts = {
    "tensorboardX": {},
    "tensorboardX.event_file_writer": {"EventsWriter": EventsWriter},
    "tensorboardX.proto": {
      "event_pb2": types.SimpleNamespace(Event=dict, SessionLog=session),
      "summary_pb2": types.SimpleNamespace(Summary=summary),
    },
  }
  for name, content in parts.items():
    fake = types.ModuleType(name)
    vars(fake).update(content)
    monkeypatch.setitem(sys.modules, name, fake)
  return written


@pytest.mark.parity
def test_tensorboardx_writes_what_tensorboard_reads(tmp_path):
  """Events as TFRecords: length, its checksum, the event, its checksum."""
  pytest.importorskip("tensorboardX")
  from tensorboardX.proto.event_pb2 import Event

  log = records(tmp_path)
  log.write(1, {"loss": 0.5, "accuracy": [0.25, None]})
  log.write(2, {"loss": 0.125})
  log.close()
  again = records(tmp_path, since=1)
  again.write(2, {"loss": 0.75})
  again.close()
  found, restarts = [], []
  for path in sorted((tmp_path / "tensorboard").iterdir()):
    content = path.read_bytes()
    while content:
      (length,) = struct.unpack("<Q", content[:8])
      event = Event.FromString(content[12 : 12 + length])
      content = content[16 + length :]
      found += [(v.tag, v.simple_value, event.step) for v in event.summary.value]
      if event.session_log.status == event.session_log.START:
        restarts.append(event.step)  # from here on TensorBoard forgets what came before
  assert sorted(found, key=str) == sorted(
    [("loss", 0.5, 1), ("accuracy/0", 0.25, 1), ("loss", 0.125, 2), ("loss", 0.75, 2)], key=str
  )
  assert 2 in restarts
