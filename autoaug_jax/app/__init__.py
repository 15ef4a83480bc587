"""The whole job as Python functions: data in, trained networks and reports out."""

from autoaug_jax.app.intervals import Interval, interval, student_quantile
from autoaug_jax.app.networks import network

__all__ = ["Interval", "interval", "network", "student_quantile"]
