"""MADAO's tables and figures as frozen records: what is trained, and the papers' errors."""

from typing import Any, NamedTuple

from autoaug_jax.app import Madao
from experiments.recipes.data_sets import DATA
from experiments.recipes.madao_steps import network_steps


class Row(NamedTuple):
  """One line of a table. The error is the paper's, in percent, where it has one."""

  name: str
  data: str
  model: str
  options: Madao
  batch: int = 128
  draws: int = 0  # of RandAugment's magnitude, the best by validation accuracy; 0 is none
  plain: bool = False  # crop and flip alone
  policy: str = ""  # under which all images are trained on, by name, or that of the row so called
  error: str = ""


class Recipe(NamedTuple):
  """A table or a figure, and where its numbers are in which paper."""

  title: str
  rows: tuple[Row, ...]
  runs: int = 3
  images: int = 0  # of how many training images a subset is used; 0 is all
  against: str = ""  # what its rows differ in, if it is one number and there is a picture of it


INTERVAL, WARMUP = "training steps between two moves of the policy, s", "epochs of warm-up, w"
CIFAR = Madao(epochs=300, warmup=30, every=60, policy_rate=0.01)  # Section 4, decay of Appendix B
SVHN = CIFAR._replace(epochs=160, rate=5e-3, weight_decay=1e-4, drops="80,120")
FINE = CIFAR._replace(epochs=200)
IMAGENET = CIFAR._replace(val=0.01, epochs=180, rate=0.4, weight_decay=1e-4, drops="60,120,160")
FIRST: dict[str, Any] = {
  "start": "arxiv",
  "every": 30,
  "warmup": 20,
  "warmup_ops": "none",
}  # the 2020 version
CIFAR_2020 = CIFAR._replace(epochs=200, **FIRST)


def paper(name: str) -> Madao:
  """How the WACV version trains on a data set, the optimizer's numbers from the arXiv version."""
  if name.startswith("cifar"):
    return CIFAR
  return {"svhn_cropped": SVHN, "imagenet": IMAGENET}.get(name, FINE)


def cell(name: str, model: str, errors: str) -> tuple[Row, ...]:
  """A line of Tables 2 to 4: crop and flip, RandAugment, and MADAO."""
  options, batch = paper(name), 1024 if name == "imagenet" else 128 if DATA[name].size == 32 else 64
  still = options._replace(every=0)
  standard, randaugment, ours = errors.split()
  return (
    Row("standard", name, model, still, batch, plain=True, error=standard),
    Row("randaugment", name, model, still, batch, draws=2, error=randaugment),
    Row("madao", name, model, options, batch, error=ours),
  )


def _wrn(name: str, options: Madao, error: str = "") -> Row:
  return Row(name, "cifar10", "wrn-28-2-he", options, error=error)


_SMOKE = Madao(epochs=4, warmup=1, every=5, val=0.3)
_SMALL = Madao(epochs=25, warmup=5, every=10, policy_rate=0.05, remat=False)
_DIGITS = Madao(epochs=60, warmup=12, every=5, val=0.2, padding=0.0625, remat=False)
_STILL_2020 = CIFAR_2020._replace(every=0)
_SOLVES = (("neumann", "4.0"), ("conjugate_gradient", "4.4"), ("first_order", "4.4"))
_FINE = (
  *cell("flowers", "resnet-18", "11.1 8.8 8.1"),
  *cell("pets", "resnet-18", "15.3 13.7 11.9"),
  *cell("aircraft", "resnet-18", "11.1 10.0 9.8"),
  *cell("cars", "resnet-18", "14.7 11.6 11.4"),
)
_TABLE_2 = (
  *cell("cifar10", "wrn-28-2-he", "4.9 4.4 4.0"),
  *cell("cifar10", "wrn-40-2-he", "4.8 4.1 3.7"),
  *cell("cifar10", "wrn-28-10-he", "3.8 3.1 2.7"),
  *cell("cifar10", "densenet-bc-40-12", "5.6 4.8 4.5"),
  *cell("cifar100", "wrn-28-2-he", "25.4 24.0 22.9"),
  *cell("cifar100", "wrn-40-2-he", "24.1 23.0 22.4"),
  *cell("svhn_cropped", "wrn-28-2-he", "3.4 3.0 2.6"),
  *cell("svhn_cropped", "wrn-40-2-he", "3.2 2.8 2.4"),
)


def _first_version() -> tuple[Row, ...]:
  """Table 2 of the arXiv version: MADAO's errors, and RandAugment's by 3 draws."""
  cells = (
    ("cifar10", "wrn-28-2-he", "4.7 4.6"),
    ("cifar10", "wrn-40-2-he", "4.3 4.2"),
    ("cifar10", "wrn-28-10-he", "3.1 3.1"),
    ("cifar10", "resnet-18", "4.5 4.4"),
    ("cifar100", "wrn-28-2-he", "24.0 23.9"),
    ("svhn_cropped", "wrn-28-2-he", "2.6 2.5"),
  )
  rows: list[Row] = []
  for name, model, errors in cells:
    options = CIFAR_2020 if name != "svhn_cropped" else SVHN._replace(**FIRST)
    still = options._replace(every=0, warmup_ops="policy")
    randaugment, ours = errors.split()
    rows.append(Row("randaugment", name, model, still, draws=3, error=randaugment))
    rows.append(Row("madao", name, model, options, error=ours))
  return tuple(rows)


def _intervals(bare: Row, counts: tuple[int, ...]) -> tuple[Row, ...]:
  """Searches after so many steps, never, and no augmentation at all."""
  still = bare.options._replace(every=0)
  return (
    *(
      bare._replace(name=f"s = {count}", options=bare.options._replace(every=count))
      for count in counts
    ),
    bare._replace(name="s = infinity", options=still),
    bare._replace(name="no augmentation", plain=True, options=still._replace(padding=0.0)),
  )


def _warmups(bare: Row, epochs: tuple[int, ...]) -> tuple[Row, ...]:
  """Searches from so many epochs on."""
  return tuple(
    bare._replace(name=f"w = {count}", options=bare.options._replace(warmup=count))
    for count in epochs
  )


def _small(name: str, model: str, options: Madao, images: int = 0) -> tuple[Row, ...]:
  """The small protocol; rows called "longer" train for what MADAO costs with its searches."""
  batch, images = 64, images or DATA[name].images
  still = options._replace(every=0)
  dearer = network_steps(options, images, batch) / network_steps(still, images, batch)
  longer = still._replace(epochs=round(dearer * still.epochs))
  fixed = Row("", name, model, still, batch)
  standard = fixed._replace(name="standard", plain=True)
  wide = fixed._replace(name="trivial-augment-wide", policy="trivial-augment-wide")
  frozen = fixed._replace(name="frozen policy")
  rows = [
    fixed._replace(name="none", options=still._replace(padding=0.0), plain=True),
    standard,
    frozen,
    fixed._replace(name="randaugment", draws=2),
    wide,
  ]
  for called, score in (("madao", False), ("madao by scores", True)):
    rows.append(fixed._replace(name=called, options=options._replace(score=score)))
    rows.append(fixed._replace(name=f"{called} retrained", policy=called))
  for row in (standard, frozen, wide):
    rows.append(row._replace(name=f"{row.name} longer", options=longer))
  return tuple(rows)


RECIPES = {
  "smoke": Recipe(
    "Digits: that all of it runs",
    tuple(
      row._replace(options=_SMOKE._replace(every=row.options.every))
      for row in _small("digits", "small-cnn", _DIGITS)[1:7]
    ),
    runs=1,
  ),
  "small": Recipe(
    "CIFAR-10 in small", _small("cifar10", "wrn-16-1", _SMALL, images=2000), runs=5, images=2000
  ),
  "small-digits": Recipe("Digits", _small("digits", "small-cnn", _DIGITS), runs=5),
  "table-2": Recipe("CIFAR-10, CIFAR-100, SVHN (WACV, Table 2)", _TABLE_2),
  "table-3": Recipe("ImageNet (WACV, Table 3)", cell("imagenet", "resnet-50", "23.8 22.9 22.5"), 1),
  "table-4": Recipe("Fine-grained sets (WACV, Table 4)", _FINE),
  "table-5": Recipe(
    "Solves (WACV, Table 5)",
    tuple(_wrn(solve, CIFAR._replace(solve=solve), error) for solve, error in _SOLVES),
  ),
  "figure-2": Recipe(
    "Steps between moves of the policy (WACV, Figure 2)",
    _intervals(_wrn("", CIFAR), (5, 10, 30, 60, 100)),
    against=INTERVAL,
  ),
  "figure-2-digits": Recipe(
    "Steps between moves of the policy, on digits",
    _intervals(Row("", "digits", "small-cnn", _DIGITS, 64), (5, 10, 30, 60, 100)),
    runs=5,
    against=INTERVAL,
  ),
  "figure-3": Recipe(
    "Selection on fine-grained sets (WACV, Figure 3)",
    tuple(row for row in _FINE if row.name == "madao"),
    1,
  ),
  "figure-4": Recipe(
    "Selection on CIFAR-10 and SVHN (WACV, Figures 4 and 5)",
    tuple(row for row in _TABLE_2 if row.name == "madao" and row.model == "wrn-28-2-he"),
    1,
  ),
  "cifar10": Recipe(
    "CIFAR-10 with WRN-28-2 (arXiv, Table 2 and C.3)",
    (
      _wrn("standard", _STILL_2020)._replace(plain=True),
      _wrn("frozen policy", _STILL_2020._replace(warmup_ops="policy"), "4.7"),
      *_first_version()[:2],
    ),
  ),
  "warmup": Recipe(
    "Epochs of warm-up (arXiv, Figure 6)",
    _warmups(_wrn("", CIFAR_2020), (0, 10, 20, 30)),
    against=WARMUP,
  ),
  "warmup-digits": Recipe(
    "Epochs of warm-up, on digits",
    _warmups(Row("", "digits", "small-cnn", _DIGITS, 64), (0, 6, 12, 24, 36)),
    runs=5,
    against=WARMUP,
  ),
  "first-version": Recipe("CIFAR-10, CIFAR-100, SVHN (arXiv, Table 2)", _first_version()),
}
