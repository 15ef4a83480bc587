import numpy as np
import pytest

from tests.app.cases import squares


@pytest.fixture(scope="session")
def npz(tmp_path_factory):
  path = tmp_path_factory.mktemp("data") / "squares.npz"
  (x, y), (u, v) = squares(64, 0), squares(21, 1)
  np.savez(path, train_images=x, train_labels=y, test_images=u, test_labels=v)
  return str(path)
