"""How users compile, for the few tests whose bits depend on it; all others compile quickly."""

USUAL = {"xla_backend_optimization_level": 3, "xla_llvm_disable_expensive_passes": False}
