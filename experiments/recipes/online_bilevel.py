"""Online bilevel's tables as recipes: what each row runs, and what it costs.

  python -m experiments.recipes.online_bilevel --list
  python -m experiments.recipes.online_bilevel --recipe=t1-affine --data=cifar10.tar.xz \\
      --workdir=runs/t1-affine

Costs are in network-steps: one is a training step of the classifier, forwards and backwards, on one
batch. Tiny-ImageNet, ImageNet and BACH come from folders; BACH's training images are its pictures
of 2048 x 1536 cut into 12 patches of 512 beforehand, by experiments.recipes.bach, and the whole
pictures in `--whole` are tested on at the end.
"""

from typing import NamedTuple

from absl import flags

from autoaug_jax.app import (
  MAGNITUDES,
  How,
  OnlineBilevel,
  SearchSetting,
  search,
  search_lines,
  sized,
  train_invariant,
  validated_magnitude,
  whole_accuracy,
)
from experiments import launch

JOINT = 10 / 3  # network-steps of a joint move: 10 forward passes against the 3 of a training step


class Data(NamedTuple):
  """A data set as the paper has it."""

  what: str  # `--data` is it
  shape: tuple[int, int, int]
  classes: int
  images: int  # for training and validation
  batch: int
  options: OnlineBilevel  # schedule and rates


class Recipe(NamedTuple):
  """One row of one table, and what the paper measured."""

  rows: str  # where in the paper
  accuracy: float  # the paper's, in percent, of one run
  data: str  # a key of DATA
  model: str
  options: OnlineBilevel
  flip: float = 0.5
  kind: str = "search"  # or "magnitude", "invariant"


_CIFAR = sized("online_bilevel", "paper")
_LARGE = _CIFAR._replace(epochs=90, augmenter_rate=0.1, augmenter_decay=0.1, weight_decay=1e-4)
_BACH = _CIFAR._replace(epochs=40, drop=0.1, vertical=True)
DATA = {
  "cifar10": Data("CIFAR-10", (32, 32, 3), 10, 50_000, 128, _CIFAR),
  "cifar100": Data("CIFAR-100", (32, 32, 3), 100, 50_000, 128, _CIFAR),
  "tiny": Data("a folder of Tiny-ImageNet", (64, 64, 3), 200, 100_000, 128, _CIFAR),
  "imagenet": Data("a folder of ImageNet", (224, 224, 3), 1000, 1_281_167, 800, _LARGE),
  "bach": Data("a folder of BACH's patches", (512, 512, 3), 4, 200 * 12, 16, _BACH),
}


def _row(
  rows: str,
  accuracy: float,
  data: str,
  model: str = "resnet-18",
  *,
  kind: str = "search",
  flip: float = 0.5,
  **options: object,
) -> Recipe:
  """The data set's own options, and what this row changes."""
  chosen = DATA[data].options._replace(**options)  # type: ignore[arg-type]
  return Recipe(rows, accuracy, data, model, chosen, flip, kind)


RECIPES: dict[str, Recipe] = {
  "t1-baseline": _row("1, 4, 6, 7", 88.55, "cifar10", flip=0.0, learned="none"),
  "t1-predefined-translation": _row("1", 95.28, "cifar10", learned="none", predefined="crop"),
  "t1-predefined-affine": _row("1, 4", 94.59, "cifar10", learned="none", predefined="affine"),
  "t1-invariant-translation": _row("1", 92.14, "cifar10", kind="invariant", learned="translation"),
  "t1-invariant-affine": _row("1", 90.31, "cifar10", kind="invariant", learned="affine"),
  "t1-magnitude-translation": _row("1", 94.58, "cifar10", kind="magnitude", learned="translation"),
  "t1-magnitude-affine": _row("1", 93.43, "cifar10", kind="magnitude", learned="affine"),
  **{
    f"t2-{model}-{size}-{learned}": _row(
      "1, 2" if (model, size) == ("resnet-18", "small") else "2",
      accuracy,
      "cifar10",
      model,
      learned=learned,
      augmenter=size,
      squash="tanh" if learned == "translation" else "none",
    )
    for model, size, learned, accuracy in (
      ("badgan", "small", "translation", 93.65),
      ("badgan", "small", "affine", 93.62),
      ("badgan", "medium", "translation", 93.75),
      ("badgan", "medium", "affine", 93.63),
      ("badgan", "large", "translation", 93.65),
      ("badgan", "large", "affine", 93.39),
      ("resnet-18", "small", "translation", 95.35),
      ("resnet-18", "small", "affine", 95.16),
      ("resnet-18", "medium", "translation", 95.25),
      ("resnet-18", "medium", "affine", 95.06),
      ("resnet-18", "large", "translation", 95.00),
      ("resnet-18", "large", "affine", 94.83),
    )
  },
  "t3-baseline": _row("3, 5, 6", 49.50, "bach", flip=0.0, learned="none"),
  "t3-flip": _row("3, 5", 46.00, "bach", learned="none"),
  "t3-flip-affine": _row("3, 5, 6", 50.60, "bach", learned="none", predefined="affine"),
  "t3-affine": _row("3; 55.7 in 6", 56.00, "bach", learned="affine"),
  "t4-jitter": _row("4", 88.63, "cifar10", flip=0.0, learned="none", jitter=0.4),
  "t4-affine-jitter": _row("4", 94.96, "cifar10", learned="none", predefined="affine", jitter=0.4),
  "t4-color": _row("4", 94.18, "cifar10", flip=0.0, learned="color", squash="tanh"),
  "t4-color-jitter": _row(
    "4", 94.63, "cifar10", flip=0.0, learned="color", squash="tanh", jitter=0.4
  ),
  "t4-full": _row("4; 95.42 in 6 and 7", 95.16, "cifar10", squash="tanh"),
  "t4-full-jitter": _row("4", 95.18, "cifar10", squash="tanh", jitter=0.4),
  "t5-jitter": _row("5", 43.90, "bach", flip=0.0, learned="none", jitter=0.4),
  "t5-flip-jitter": _row("5", 44.90, "bach", learned="none", jitter=0.4),
  "t5-flip-affine-jitter": _row(
    "5", 43.00, "bach", learned="none", predefined="affine", jitter=0.4
  ),
  "t5-color": _row("5", 54.60, "bach", flip=0.0, learned="color", squash="tanh"),
  "t5-color-jitter": _row("5", 52.40, "bach", flip=0.0, learned="color", squash="tanh", jitter=0.4),
  "t5-full": _row("5, 6", 56.50, "bach", squash="tanh"),
  "t5-full-jitter": _row("5", 49.70, "bach", squash="tanh", jitter=0.4),
  **{
    f"t6-{data}-{row}": _row("6", accuracy, data, model, **options)  # type: ignore[arg-type]
    for data, model, accuracies in (
      ("cifar100", "resnet-18", (68.99, 73.61, 74.31, 76.10)),
      ("tiny", "resnet-18", (59.69, 61.10, 62.92, 63.61)),
      ("imagenet", "resnet-50", (69.39, 76.02, 76.10, 76.20)),
    )
    for (row, options), accuracy in zip(
      {
        "baseline": {"learned": "none", "flip": 0.0},
        "predefined": {
          "learned": "none",
          "predefined": "crop",
          "jitter": 0.4 if data == "imagenet" else 0.0,
        },
        "affine": {"learned": "affine"},
        "full": {"squash": "tanh"},
      }.items(),
      accuracies,
      strict=True,
    )
  },
  "t7-wrn-cifar10": _row("7", 96.44, "cifar10", "wrn-28-10", squash="tanh"),
  "t7-wrn-cifar100": _row("7", 81.90, "cifar100", "wrn-28-10", squash="tanh"),
  "t7-wrn-cifar10-baseline": _row("7", 94.83, "cifar10", "wrn-28-10", flip=0.0, learned="none"),
  "t7-wrn-cifar10-predefined": _row(
    "7", 95.76, "cifar10", "wrn-28-10", learned="none", predefined="crop"
  ),
  "t7-wrn-cifar100-baseline": _row("7", 69.90, "cifar100", "wrn-28-10", flip=0.0, learned="none"),
  "t7-wrn-cifar100-predefined": _row(
    "7", 81.10, "cifar100", "wrn-28-10", learned="none", predefined="crop"
  ),
}


def setting_of(recipe: Recipe, *, data: str, seed: int = 0) -> SearchSetting:
  """Data, network and batch of a row."""
  known = DATA[recipe.data]
  return SearchSetting(
    data=data,
    model=recipe.model,
    flip=recipe.flip,
    seed=seed,
    batch=known.batch,
    size=0 if known.shape[0] == 32 else known.shape[0],
  )


def cost(recipe: Recipe) -> float:
  """Network-steps, searches and retrainings included."""
  known, options = DATA[recipe.data], recipe.options
  steps = options.epochs * int(known.images * (1 - options.val) // known.batch)
  if recipe.kind == "magnitude":
    return float(steps * (len(MAGNITUDES) + 1))
  if recipe.kind == "invariant" or options.learned == "none":
    return float(steps)
  moved = steps // options.every
  return steps - moved + moved * JOINT


def main() -> None:
  given = flags.FLAGS
  if given.list:
    print("\n".join(lines()))
    return
  if given.recipe not in RECIPES:
    raise ValueError(f"recipe must be one that --list shows, not {given.recipe!r}")
  recipe = RECIPES[given.recipe]
  if not given.data:
    raise ValueError(f"data must be {DATA[recipe.data].what}; --data says where it is")
  how = How(workdir=given.workdir)
  told = run(recipe, data=given.data, whole=given.whole, seed=given.seed, how=how)
  if told is None:
    return  # asked to stop
  print(told)


def run(
  recipe: Recipe,
  *,
  data: str,
  whole: str = "",
  seed: int = 0,
  how: How = How(),  # noqa: B008
) -> str | None:
  """What came of a row; None where it was asked to stop."""
  setting, options = setting_of(recipe, data=data, seed=seed), recipe.options
  if recipe.kind == "invariant":
    accuracy = train_invariant(setting, options, how=how)
    return None if accuracy is None else f"accuracy {100 * accuracy:.2f}%"
  if recipe.kind == "magnitude":
    found = validated_magnitude(setting, options, how=how)
    if found is None:
      return None
    return f"magnitude {found.magnitude:g}\n{search_lines(found.final)}"
  searched = search(setting, options, how=how)
  if searched is None:
    return None
  told = search_lines(searched)
  if whole:
    accuracy = whole_accuracy(searched, options, whole, how=how)
    told += f"\naccuracy on whole pictures: {100 * accuracy:.2f}%"
  return told


def lines() -> list[str]:
  """All rows, as a table."""
  table = ["| recipe | table | data | network | network-steps | paper, % |"]
  table.append("| --- | --- | --- | --- | ---: | ---: |")
  for name, recipe in RECIPES.items():
    cells = (name, recipe.rows, recipe.data, recipe.model, f"{cost(recipe):.3g}", recipe.accuracy)
    table.append(f"| {' | '.join(map(str, cells))} |")
  return table


def define_flags() -> None:
  flags.DEFINE_bool("list", False, "Shows the recipes, their costs and the paper's accuracies.")
  flags.DEFINE_string("recipe", "t1-baseline", "Which one.")
  flags.DEFINE_string("data", "", "Where its data are.")
  flags.DEFINE_string("whole", "", "A folder of whole pictures to test on, of BACH.")
  flags.DEFINE_string("workdir", None, "Where the run is kept.")
  flags.DEFINE_integer("seed", 0, "Of initialisation, batches and augmentation.")


if __name__ == "__main__":
  define_flags()
  launch.run("online_bilevel", main)
