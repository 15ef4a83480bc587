"""SLACK's tables and figures as frozen records: what is searched, and what is trained.

Numbers are those of the supplement's Tables 10 and 11; where they are silent, the released code's.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from autoaug_jax.app import Slack


class Row(NamedTuple):
  """A search and what is trained with its policy, or a policy that does not learn."""

  name: str
  data: str
  model: str  # that is retrained
  options: Slack | None = None  # of the search; None for a policy by name
  policy: str = ""  # that name
  searched_with: str = ""  # the search's network; "" is the same
  batch: int = 128


class Recipe(NamedTuple):
  """A table or a figure."""

  title: str
  rows: tuple[Row, ...]
  retrains: bool = True
  searches: int = 4
  runs: int = 4


# Supplement, Tables 10 and 11; the single domains' numbers are those of the released code.
DOMAINS = {  # retraining steps, the policy's rate, the divergence's weight
  "real": (1000, 0.8, 0.0125),
  "quickdraw": (1000, 1.25, 0.008),
  "infograph": (800, 0.625, 0.016),
  "sketch": (1200, 0.8, 0.0125),
  "painting": (1200, 0.8, 0.0125),
  "clipart": (800, 1.0, 0.01),
}
WRN = ("wrn-40-2", "wrn-28-10")
CELLS = tuple((data, model) for data in ("cifar10", "cifar100") for model in WRN)
PAPER = Slack(pretrain_epochs=200, rounds=10, retrain_steps=1000, search_steps=400)


def paper(data: str, model: str) -> Slack:
  """The search of Table 10."""
  if data.startswith("cifar"):
    return PAPER._replace(
      rate=0.4 if data == "cifar10" else 0.1, weight_decay=decay_of(data, model)
    )
  if data == "imagenet100":
    return PAPER._replace(
      pretrain_epochs=270,
      retrain_steps=2000,
      search_steps=800,
      rate=0.1,
      weight_decay=1e-3,
      policy_rate=0.5,
      kl=0.01,
    )
  steps, rate, kl = DOMAINS[data]
  return PAPER._replace(retrain_steps=steps, rate=0.1, weight_decay=1e-3, policy_rate=rate, kl=kl)


def decay_of(data: str, model: str) -> float:
  """Table 11: a smaller one for the smaller network on CIFAR-10."""
  if not data.startswith("cifar"):
    return 1e-3
  return 2e-4 if (data, model) == ("cifar10", "wrn-40-2") else 5e-4


def _rows(name: str, **changes: Any) -> tuple[Row, ...]:
  """The paper's search on CIFAR, with options changed."""
  return tuple(
    Row(name, data, model, paper(data, model)._replace(**changes)) for data, model in CELLS
  )


def _plain(policy: str, cells: Sequence[tuple[str, str]], batch: int = 128) -> tuple[Row, ...]:
  return tuple(Row(policy, data, model, policy=policy, batch=batch) for data, model in cells)


def _without_kl(rate: float) -> dict[str, Any]:
  """Supplement B.4: bounds then move at a tenth of the logits' rate."""
  return {"kl": 0.0, "policy_rate": rate, "bound_rate": rate / 10}


_SINGLE = {"rounds": 1, "retrain_steps": 1, "search_steps": 10_000}
_SLACK = _rows("slack")
_IMAGENET, _DOMAINS = (("imagenet100", "resnet-18"),), [(d, "resnet-18") for d in DOMAINS]
_MANY = {"policy_rate": 4.0, "kl": 0.005, "bound_rate": 4 / 60, "models": 4}
_SMOKE = Slack(
  pretrain_epochs=2, rounds=2, retrain_steps=5, search_steps=10, ops=2, draws="per_image"
)
_SMALL = Slack(ops=2, draws="per_image", policy_rate=4.0)
STABILITY = (
  Row("with the divergence", "digits", "small-cnn", _SMALL._replace(kl=0.02), batch=64),
  Row("without", "digits", "small-cnn", _SMALL._replace(kl=0.0), batch=64),
  Row(
    "single stage, without",
    "digits",
    "small-cnn",
    _SMALL._replace(kl=0.0, rounds=1, retrain_steps=1, search_steps=1199),
    batch=64,
  ),
)

RECIPES = {
  "smoke": Recipe(
    "Digits: that all of it runs",
    (
      Row("slack", "digits", "small-cnn", _SMOKE, batch=64),
      *_plain("slack-uniform", [("digits", "small-cnn")], batch=64),
    ),
    searches=1,
    runs=2,
  ),
  "stability": Recipe("Digits: Figures 7 to 9 in small", STABILITY, retrains=False, searches=1),
  "table-1": Recipe(
    "CIFAR-10 and CIFAR-100",
    (*_SLACK, *_plain("slack-uniform", CELLS), *_plain("trivial-augment-wide", CELLS)),
  ),
  "table-2": Recipe(
    "ImageNet-100",
    (
      *(Row("slack", d, m, paper(d, m), batch=256) for d, m in _IMAGENET),
      *_plain("slack-uniform", _IMAGENET, batch=256),
    ),
  ),
  "table-3": Recipe(
    "DomainNet",
    (
      *(Row("slack", d, m, paper(d, m)) for d, m in _DOMAINS),
      *_plain("slack-uniform", _DOMAINS),
      *_plain("domainbed", _DOMAINS),
    ),
  ),
  "table-4": Recipe(
    "WRN-28-10 with a policy searched with WRN-40-2",
    tuple(
      Row(name, data, WRN[1], paper(data, searched), searched_with=searched)
      for name, searched in (("searched with the smaller", WRN[0]), ("slack", WRN[1]))
      for data in ("cifar10", "cifar100")
    ),
  ),
  "table-5": Recipe("The divergence", (*_rows("without KL", **_without_kl(0.25)), *_SLACK)),
  "table-6": Recipe(
    "Half a policy",
    (
      *_plain("slack-uniform", CELLS),
      *_rows("bounds only", learn="bounds", policy_rate=0.025, bound_rate=0.025),
      *_rows("ops only", learn="ops"),
      *_SLACK,
    ),
  ),
  "table-13": Recipe(
    "One stage, and no divergence",
    (
      *_rows("unrolled with KL", **_SINGLE, policy_rate=0.25, kl=0.005),
      *_rows("without KL", **_without_kl(0.25)),
      *_SLACK,
    ),
  ),
  "table-14": Recipe(
    "Four networks that search together",
    (*_SLACK, *(row._replace(batch=512) for row in _rows("ensemble", **_MANY))),
  ),
  "table-15": Recipe(
    "Warm starts",
    (
      *(
        Row(
          "warm start",
          data,
          model,
          paper(data, model)._replace(
            warm_start=True, rate=2 * paper(data, model).rate, policy_rate=0.5
          ),
        )
        for data, model in CELLS
      ),
      *_SLACK,
    ),
  ),
  "figure-1": Recipe(
    "Images under likely and unlikely augmentations",
    tuple(Row("slack", d, m, paper(d, m)) for d, m in _DOMAINS),
    retrains=False,
  ),
  "figure-3": Recipe(
    "Policies on DomainNet",
    tuple(Row("slack", d, m, paper(d, m)) for d, m in _DOMAINS),
    retrains=False,
  ),
  "figure-4": Recipe("Policies on CIFAR", _SLACK, retrains=False),
  "figure-5": Recipe(
    "The policy on ImageNet-100",
    tuple(Row("slack", d, m, paper(d, m), batch=256) for d, m in _IMAGENET),
    retrains=False,
  ),
  "figure-7": Recipe(
    "A collapse",
    _rows("unrolled without KL", **_SINGLE, **_without_kl(0.0625))[2:],
    retrains=False,
    searches=1,
  ),
  "figure-8": Recipe(
    "One stage with the divergence",
    _rows("unrolled with KL", **_SINGLE, policy_rate=0.25, kl=0.005)[2:],
    retrains=False,
    searches=1,
  ),
  "figure-9": Recipe(
    "Rounds without the divergence, at two rates",
    tuple(row for rate in (0.25, 0.5) for row in _rows(f"rate {rate}", **_without_kl(rate))[2:]),
    retrains=False,
    searches=1,
  ),
}
RECIPES["figure-6"] = RECIPES["figure-3"]._replace(title="Policies on DomainNet, slots averaged")
