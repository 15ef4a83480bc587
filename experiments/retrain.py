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

import sys
from collections.abc import Sequence
from typing import Any

from absl import app, flags, logging

from autoaug_jax.app import How, Retrained, Setting, policy_names, retrain, table_line

# flag -> (default, help); the type of the default is the flag's.
SETTINGS: dict[str, str] = {
  "data": "The images: digits, a folder, archive or .npz file, or a TFDS name.",
  "model": "The network: wrn-40-2, resnet-18, densenet-bc-40-12, badgan, small-cnn ...",
  "policy": f"The augmentation: {', '.join(policy_names())}; or a policy file (.json).",
  "flip": "The probability of the flip that policies end with; 0 for digits and letters.",
  "epochs": "Passes over the training images.",
  "seeds": "How many networks, trained at once.",
  "seed": "The first seed.",
  "batch": "Images a step, of all devices together.",
  "rate": "The highest learning rate; it falls to 0 along a cosine.",
  "warmup": "In how many epochs the learning rate rises to it.",
  "momentum": "Nesterov's momentum; 0 is plain SGD.",
  "weight_decay": "Weight decay, coupled (L2).",
  "decay_norm": "Whether normalisations and biases decay too.",
  "clip": "The largest norm of a gradient; 0 is any.",
  "label_smoothing": "The share of a label that goes to all classes.",
  "ema": "The decay of a moving average of the weights, which is then measured; 0 is none.",
  "dtype": "Of the computation: float32 or bfloat16.",
  "size": "Resizes and crops images to squares of so many pixels; 0 leaves them.",
  "crop": "Then cuts squares of so many pixels, at random places to train, else in the middle.",
  "channels": "1 or 3; 0 leaves images as they are.",
  "train_images": "Uses a stratified subset of so many training images; 0 is all.",
  "test_images": "The same for test images.",
  "imbalance": "How many times rarer the second half of the classes is (AutoDO's IR).",
  "noise": "The share of training labels that is drawn anew (AutoDO's NR).",
  "split_seed": "The seed of subsets, hold-out, imbalance and noise.",
  "skip_bad_files": "Leaves out files that cannot be used, and says which, instead of stopping.",
  "data_dir": "Where TFDS keeps its data.",
}
HOW: dict[str, str] = {
  "workdir": "A folder for checkpoints, metrics and the result; a run goes on from its own.",
  "devices": "How many devices share a batch; 0 is all.",
  "sync_norm": "Whether batch normalisation sees the batch of all devices.",
  "log_every": "Steps between two entries of the metrics.",
  "save_every": "Steps between two checkpoints.",
  "evaluate_every": "Steps between two evaluations on the test images; 0 is at the end only.",
  "memory_budget": "Over how many bytes images are streamed instead of held.",
  "cache_dir": "Where what was read of a folder or an archive is kept for the next run.",
}


def define_flags() -> None:
  """A flag for each field of Setting and How."""
  defaults = {**Setting()._asdict(), **How()._asdict(), "workdir": ""}
  for name, text in {**SETTINGS, **HOW}.items():
    default = defaults[name]
    define: Any = {
      bool: flags.DEFINE_bool,
      int: flags.DEFINE_integer,
      float: flags.DEFINE_float,
      str: flags.DEFINE_string,
    }[type(default)]
    define(name, default, text)
  flags.DEFINE_enum(
    "on_nan",
    "stop",
    ["stop", "rewind"],
    "At a loss that is not finite: stops, or goes back to the last checkpoint and on at a smaller "
    "learning rate.",
  )


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


def main(args: Sequence[str]) -> None:
  if len(args) > 1:
    raise app.UsageError(f"only flags are taken, not {args[1]!r}")
  logging.set_verbosity(logging.WARNING)
  given = flags.FLAGS
  what: dict[str, Any] = {name: given[name].value for name in SETTINGS}
  ways: dict[str, Any] = {name: given[name].value for name in (*HOW, "on_nan")}
  ways["workdir"] = given.workdir or None
  setting = Setting(**what)
  how = How(**ways, say=lambda line: print(line, file=sys.stderr))
  try:
    result = retrain(setting, how=how)
  except (ValueError, OSError, ImportError, FloatingPointError) as error:
    raise SystemExit(f"retrain: {error}") from None
  if result is None:
    raise SystemExit(1)
  print(report(result))


if __name__ == "__main__":
  define_flags()
  app.run(main)
