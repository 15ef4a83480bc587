"""The small protocol with every policy that does not learn: one table, a row for each.

  python -m experiments.recipes.fixed_policies --workdir=runs/digits --model=small-cnn --flip=0
  python -m experiments.recipes.fixed_policies --workdir=runs/cifar --data=cifar10.tar.xz \\
      --train_images=2000 --test_images=2000 --epochs=40

WRN-16-1, batch 64, seeds 0 to 4, the same number of steps for every policy, measured after the last
one. Rows that are there already are not run again, and a run that was stopped goes on.
"""

import pathlib

from absl import flags

from autoaug_jax.app import How, Setting, policy_names, retrain, table_line
from experiments import launch


def main() -> None:
  given = flags.FLAGS
  setting = Setting(
    data=given.data,
    model=given.model,
    epochs=given.epochs,
    seeds=given.seeds,
    batch=64,
    flip=given.flip,
    train_images=given.train_images,
    test_images=given.test_images,
  )
  print("| data | network | policy | epochs | seeds | accuracy, % | training images, % | s |")
  print("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
  for policy in given.policies or policy_names():
    how = How(workdir=pathlib.Path(given.workdir) / policy)
    result = retrain(setting._replace(policy=policy), how=how)
    if result is None:
      return  # asked to stop
    seen = 100 * sum(result.train_accuracy) / len(result.train_accuracy)
    print(f"{table_line(result)} {seen:.2f} | {result.seconds:.0f} |", flush=True)


def define_flags() -> None:
  default = Setting(model="wrn-16-1")
  flags.DEFINE_string("workdir", None, "Where the runs are kept.", required=True)
  flags.DEFINE_string("data", default.data, "digits, or what autoaug_jax.data.load takes.")
  flags.DEFINE_string("model", default.model, "The network.")
  flags.DEFINE_integer("epochs", default.epochs, "Passes over the training images.")
  flags.DEFINE_float("flip", default.flip, "The probability of the flip that policies end with.")
  flags.DEFINE_integer("train_images", 0, "A stratified subset of so many; 0 is all.")
  flags.DEFINE_integer("test_images", 0, "The same for test images.")
  flags.DEFINE_integer("seeds", 5, "How many seeds, from 0 on.", lower_bound=1)
  flags.DEFINE_list("policies", [], "Only these; empty: all.")


if __name__ == "__main__":
  define_flags()
  launch.run("fixed_policies", main)
