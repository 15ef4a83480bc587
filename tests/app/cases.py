"""What the tests of jobs learn from."""

from experiments.benchmarks.squares import squares

__all__ = ["squares"]
