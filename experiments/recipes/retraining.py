"""A network trained under a policy that stays, to stand beside one that learned its own."""

import pathlib
from typing import Any

from autoaug_jax.app import How, SearchSetting, retrain, training_setting


def accuracy_under(
  policy: str,
  setting: SearchSetting,
  *,
  learned: pathlib.Path,
  epochs: int,
  val: float,
  how: How,
  **changes: Any,
) -> float | None:
  """On the test images, with the search's seed; None where it was asked to stop.

  All images are trained on, in as many steps as `epochs` over all but the share `val` of them are.

  Args:
    policy: a name, for where there is no file `learned`.
    setting: of the search beside which it stands.
    learned: a folder in which a search has perhaps left its policy.
    epochs: of that search.
    val: its share of validation images.
    how: where the run is kept, and the like.
    changes: what else of the training's setting differs from its defaults.
  """
  file = learned / "policy.json"
  as_many = max(round(epochs * (1 - val)), 1)
  under = str(file) if file.exists() else policy
  again = training_setting(setting, under, epochs=as_many, seed=setting.seed)
  trained = retrain(again._replace(**changes), how=how)
  return None if trained is None else trained.interval.mean
