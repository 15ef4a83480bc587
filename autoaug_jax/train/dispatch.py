"""Every choice that depends on the machine is made here."""

from typing import Any

import jax

STEPS_ON_ACCELERATORS = 16


def steps_per_dispatch(choice: int | str = "auto") -> int:
  """How many equal moves go into one dispatch.

  On CPUs one: in a loop of XLA gradients of convolutions fall to a kernel that is 30 times slower,
  and a dispatch costs 0.1 ms. A number overrides that.
  """
  if choice == "auto":
    return 1 if _on_cpu() else STEPS_ON_ACCELERATORS
  if not isinstance(choice, int) or choice < 1:
    raise ValueError(f"steps_per_dispatch must be 'auto' or a positive number, not {choice!r}")
  return choice


def unrolls_seeds(choice: bool | None = None) -> bool:
  """Whether many seeds stand one after the other in a program; None decides.

  On CPUs they do, where mapping the weights of convolutions makes them 3 times slower.
  """
  return _on_cpu() if choice is None else choice


def in_flight(device_count: int) -> int:
  """How many dispatches may be on their way when the host prepares the next one.

  Programs with collectives that overtake each other on virtual CPU devices abort, hence none there.
  Elsewhere two hide the host, and let it hear a signal soon.
  """
  return 0 if device_count > 1 and _on_cpu() else 2


def quick_compilation() -> dict[str, Any]:
  """Compiler options for what runs once: unoptimised code halves the compilation on CPUs."""
  if not _on_cpu():
    return {}
  return {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


def _on_cpu() -> bool:
  """Whether computations run on CPUs where nothing else is said."""
  return jax.default_backend() == "cpu"
