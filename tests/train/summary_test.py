import jax.numpy as jnp
import numpy as np

from autoaug_jax.train.summary import Bad, Made, fetch, first_bad, summary

MADE = [
  Made(0, 1, {"loss": jnp.float32(4), "rate": jnp.float32(0.5)}),
  Made(1, 2, {"loss": jnp.asarray([2.0, 3.0]), "rate": jnp.asarray([0.4, 0.3])}),
  Made(3, 1, {"outer": jnp.float32(7)}),
  Made(4, 1, {}),
]


def test_means_over_the_moves_that_have_a_metric():
  found = summary(fetch(MADE))
  assert {name: round(value, 5) for name, value in found.items()} == {
    "loss": 3.0,
    "rate": 0.3,
    "outer": 7.0,
  }


def test_a_list_over_seeds():
  one = Made(0, 1, {"loss": jnp.asarray([1.0, 2.0])})
  two = Made(1, 2, {"loss": jnp.asarray([[4.0, 5.0], [1.0, 2.0]])})
  assert summary(fetch([one, two])) == {"loss": [2.0, 3.0]}


def test_the_first_number_that_is_not_finite_is_found():
  assert first_bad(fetch(MADE)) is None
  nan = np.nan
  later = Made(7, 1, {"loss": jnp.float32(nan)})
  several = Made(
    4,
    3,
    {
      "gradient": jnp.asarray([1, nan, nan]),
      "loss": jnp.asarray([1, np.inf, 1]),
      "rate": jnp.asarray([0.1, 0.2, 0.3]),
    },
  )
  bad = first_bad(fetch([*MADE[:3], several, later]))
  assert bad._replace(rate=None) == Bad(5, "loss", None)
  assert round(bad.rate, 5) == 0.2
  seeds = Made(2, 1, {"loss": jnp.asarray([1.0, nan])})
  assert first_bad(fetch([seeds])) == Bad(2, "loss", None)
