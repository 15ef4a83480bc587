"""One strict JAX for all tests: no silent promotion, 4 virtual CPU devices, a compile cache."""

import os
import pathlib
from collections.abc import Iterator

import jax
import pytest

# Tests compile far more than they compute: this halves a compilation. Set before JAX has a backend.
_QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_QUICK}".strip()

jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
_cache = pathlib.Path(__file__).parent.parent / ".cache" / "jax"
jax.config.update("jax_compilation_cache_dir", str(_cache))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


@pytest.fixture
def x64() -> Iterator[None]:
  """Double precision for one test."""
  with jax.enable_x64(True):
    yield
