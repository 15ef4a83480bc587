"""One strict JAX for all tests: no silent promotion, 4 virtual CPU devices, a compile cache."""

import pathlib
from collections.abc import Iterator

import jax
import pytest

jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
_cache = pathlib.Path(__file__).parent.parent / ".cache" / "jax"
jax.config.update("jax_compilation_cache_dir", str(_cache))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


@pytest.fixture
def x64() -> Iterator[None]:
  """Double precision for one test."""
  with jax.enable_x64(True):
    yield
