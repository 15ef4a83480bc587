import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from experiments.benchmarks import large_data, steady

COUNT = 2000


@pytest.fixture(scope="module")
def done(tmp_path_factory):
  """What the script prints and leaves."""
  workdir = tmp_path_factory.mktemp("large")
  command = [sys.executable, "-m", large_data.__name__, f"--images={COUNT}", "--workers=1"]
  command += ["--every=0.1", f"--workdir={workdir}"]
  environment = os.environ | {"JAX_NUM_CPU_DEVICES": "1"}
  ran = subprocess.run(command, capture_output=True, text=True, env=environment)
  assert ran.returncode in (0, 1), ran.stderr  # 1: not flat, as far as so short a run can tell
  return workdir, ran.stdout, json.loads((workdir / "large_data.json").read_text())


def test_images_stream_and_are_let_go(done):
  _, said, found = done
  assert found["images"] == COUNT // 64 * 64
  assert f"{found['images']} images streamed" in said
  samples = np.asarray(found["samples"])
  half = found["images"] * 3 * large_data.SIDE**2 / 2
  for name, values in zip(("main", "workers"), samples[:, 1:].T, strict=True):
    behind = values[len(values) // 2 :]
    assert np.ptp(behind) < half, f"{name} keeps what it has seen"
  assert set(found["trends"]) == {"main", "workers"}


def test_decoding_is_the_limit(done):
  _, _, found = done
  assert found["step"] > 2 * found["decoding"]
  assert 0 < found["streamed"] < found["step"]


def test_memory_is_drawn(done):
  workdir, *_ = done
  with Image.open(workdir / "memory.png") as picture:
    assert picture.width > 500
    assert len(picture.convert("RGB").getcolors(2**20)) > 10


def test_files_are_as_large_as_photographs(done):
  workdir, *_ = done
  files = sorted((workdir / f"images-{COUNT}").glob("*/*.jpg"))
  assert len(files) == COUNT
  # Photographs of this size and quality take 20 to 60 kB; noise takes 90, a plain area 1.
  assert 15e3 < np.mean([path.stat().st_size for path in files[:100]]) < 70e3
  assert len({path.read_bytes() for path in files[:100]}) == 100


def test_children_are_found():
  code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
  child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
  try:
    while len(family := steady.descendants(os.getpid())) < 2:
      assert child.poll() is None
    assert child.pid in family
    assert all(steady.memory(one) > 0 for one in family)
  finally:
    child.communicate(b"\n", timeout=30)
  assert child.pid not in steady.descendants(os.getpid())
