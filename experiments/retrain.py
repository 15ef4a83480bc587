"""Trains a network from scratch under a policy that does not move, over several seeds.

  python -m experiments.retrain                                   # handwritten digits, a minute
  python -m experiments.retrain --data=photos --size=64 --model=wrn-16-1 --policy=standard
  python -m experiments.retrain --data=cifar10 --model=wrn-40-2 --epochs=200 --batch=128 \\
      --policy=trivial-augment-wide --seeds=4 --workdir=runs/wide

`--data` is "digits" (built in), a folder or archive with one folder of images for each class, a
.npz file, or a TFDS name; `--policy` a name or a policy file. It prints the accuracy on the test
images after the last step, with the 95% interval of its mean over seeds, and a row for a table.

With `--workdir` everything is kept there: checkpoints, metrics.jsonl, TensorBoard's files and
result.json. Started again with the same flags, a run goes on where it was, to the same bits.
"""

from absl import flags

from autoaug_jax.app import (
  How,
  Retrained,
  Setting,
  attributes,
  policy_names,
  retrain,
  table_line,
)
from experiments import launch, processes

HOW = (
  "workdir",
  "cache_dir",
  "devices",
  "sync_norm",
  "log_every",
  "save_every",
  "evaluate_every",
  "memory_budget",
)


def define_flags() -> None:
  """A flag for each field of Setting and How, explained by its docstring."""
  launch.define(Setting)
  flags.FLAGS["policy"].help += f" Names: {', '.join(policy_names())}."
  launch.define(How, only=HOW, defaults={"workdir": ""})
  flags.DEFINE_enum("on_nan", "stop", ["stop", "rewind"], attributes(How)["on_nan"])
  processes.define_flags()


def report(result: Retrained) -> str:
  """What was measured, in a few lines."""
  mean, half = result.interval
  seeds = len(result.accuracy)
  each = ", ".join(f"{100 * a:.2f}" for a in result.accuracy)
  spread = f" ± {100 * half:.2f} (95%, {seeds} seeds: {each})" if seeds > 1 else " (1 seed)"
  classes = ", ".join(
    f"{name} {'-' if value is None else f'{100 * value:.1f}'}"
    for name, value in result.per_class.items()
  )
  seen = 100 * sum(result.train_accuracy) / seeds
  return (
    f"accuracy {100 * mean:.2f}%{spread} on {result.tested_on}, {result.test_images} of them\n"
    f"on the {result.train_images} training images as they are {seen:.2f}%\n"
    f"by class: {classes}\n"
    f"{result.steps} steps, {result.seconds:.0f} s\n"
    "| data | network | policy | epochs | seeds | accuracy, % |\n"
    f"{table_line(result)}"
  )


def main() -> None:
  with processes.together(flags.FLAGS.processes):
    carry_out()


def carry_out() -> None:
  """The retraining, in as many processes as there are."""
  ways = launch.values(How, only=(*HOW, "on_nan"))
  how = How(**{**ways, "workdir": ways["workdir"] or None}, say=launch.aside)
  result = retrain(Setting(**launch.values(Setting)), how=how)
  if result is None:
    return  # asked to stop, and it has said so
  if processes.first():
    print(report(result))


if __name__ == "__main__":
  define_flags()
  launch.run("retrain", main)
