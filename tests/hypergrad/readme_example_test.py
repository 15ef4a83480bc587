"""The README's example of one estimator in one's own code, run as it stands there."""

import pathlib
import re

import jax.numpy as jnp
import numpy as np

README = pathlib.Path(__file__).parents[2] / "README.md"
MARK = "<!-- estimator -->"

EXAMPLE = """
import jax
import jax.numpy as jnp
import optax

from autoaug_jax.hypergrad import conjugate_gradient, implicit

x, x_val = jax.random.normal(jax.random.key(0), (2, 50, 5))
y, y_val = x[:, 0], x_val[:, 0] + 0.1

def inner(theta, phi):  # what training minimises: ridge regression, one decay a coefficient
  return jnp.mean((x @ theta - y) ** 2) + jnp.vdot(jax.nn.sigmoid(phi), theta**2)

def outer(theta, phi):  # what theta is judged by: held-out data
  return jnp.mean((x_val @ theta - y_val) ** 2)

sgd, adam = optax.sgd(0.1), optax.adam(0.1)
hypergradient = implicit(conjugate_gradient(5))  # or unrolled(sgd), finite_difference(sgd), ...

@jax.jit
def step(theta, phi, opt_state, phi_opt_state):
  value, gradient = hypergradient(inner, outer, theta, phi, opt_state)
  moves, phi_opt_state = adam.update(gradient, phi_opt_state)
  updates, opt_state = sgd.update(jax.grad(inner)(theta, phi), opt_state)
  theta, phi = optax.apply_updates(theta, updates), optax.apply_updates(phi, moves)
  return theta, phi, opt_state, phi_opt_state, value

theta, phi = jnp.zeros(5), jnp.zeros(5)
state = theta, phi, sgd.init(theta), adam.init(phi)
for _ in range(200):
  *state, value = step(*state)
print(value, jax.nn.sigmoid(state[1]))  # only the first coefficient is real: its decay goes to 0
"""


def example():
  """The first block of Python after the mark in the README, or what is meant to stand there."""
  _, mark, after = README.read_text().partition(MARK)
  if not mark:
    return EXAMPLE
  block = re.search(r"```python\n(.*?)```", after, re.DOTALL)
  assert block, f"no block of Python after {MARK} in {README.name}"
  return block.group(1)


def test_readme_example(optax_promotion, capsys):
  names = {}
  exec(compile(example(), "README.md", "exec"), names)
  phi = names["state"][1]
  before = names["outer"](jnp.zeros(5), None)
  assert names["value"] < 0.1 * before
  assert np.argmin(phi) == 0
  assert str(names["value"]) in capsys.readouterr().out
