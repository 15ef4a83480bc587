"""A run for tests to kill: `python -m tests.train.killed WORKDIR MOVES`. It saves all the time."""

import pathlib
import sys

import jax
import numpy as np
import optax

from autoaug_jax import hypergrad
from autoaug_jax.train import Every, alternating, evaluation, fit, learner, optim, program
from autoaug_jax.train.task import classification
from tests.train import cases


def main(workdir: str, moves: int) -> None:
  optimizer = optim.sgd(optim.cosine(0.2, moves), nesterov=True, weight_decay=1e-3, ema=0.9)
  problem = cases.problem()
  learned = learner(
    problem,
    optimizer,
    phi_optimizer=optax.adam(1e-2),
    estimator=hypergrad.unrolled(optimizer),
  )
  feed = cases.feed()
  schedule = alternating(moves, every=3, warmup=5)[:moves]
  fitted = fit(
    program(learned, feed, valid=cases.feed(seed=1)),
    schedule,
    workdir=workdir,
    config={"moves": moves},
    every=Every(log=2, save=3, evaluate=15),
    keep=2,
    evaluate=evaluation(classification(cases.Tiny()), feed, classes=cases.CLASSES),
  )
  if not fitted.finished:
    sys.exit(3)
  leaves = jax.tree.leaves(jax.device_get(fitted.state))
  partial = pathlib.Path(workdir) / "end.partial.npz"
  np.savez(partial, *leaves)
  partial.rename(pathlib.Path(workdir) / "end.npz")


if __name__ == "__main__":
  main(sys.argv[1], int(sys.argv[2]))
