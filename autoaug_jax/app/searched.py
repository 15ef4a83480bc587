"""What came of a search: as a value, in words, and as files."""

import functools
import pathlib
from typing import Any, NamedTuple

import numpy as np

from autoaug_jax import export
from autoaug_jax.app.caught import Caught, caught_line
from autoaug_jax.app.kinds import Options, kind_of
from autoaug_jax.app.pictures import Story, save_pictures
from autoaug_jax.app.predictions import predictions
from autoaug_jax.app.retrain import How
from autoaug_jax.app.search_data import SearchData
from autoaug_jax.app.search_setting import SearchSetting
from autoaug_jax.app.writing import write_json, write_npz
from autoaug_jax.policies import Fixed, PerClass, op_shares
from autoaug_jax.train import SearchState, Task

LIKELIEST = 3  # ops that are told of each class


class Searched(NamedTuple):
  """What came of a search.

  Attributes:
    setting: what it was asked for.
    method: its name, and its options.
    policy: what was learned, with nothing left to learn; where classes have their own, their mean.
    trajectory: what phi was on the way: {"move": [T], name: [T, ...]}.
    accuracy: on the test images, of the network that the search trained, after its last step, or
      the task's own score; None for a method whose networks are not kept.
    state: where the last phase ended, on the host.
    test_images: how many.
    tested_on: what they are.
    moves: of all phases.
    seconds: of this process, loading and compilation included.
    by_class: the policies of classes, where each has its own: what policy.json then holds.
    suspects: numbers of the training examples, the most suspect first, where the method tells.
    caught: how well wrong labels were found, where the setting made some and the method looks.
  """

  setting: SearchSetting
  method: str
  options: Options
  policy: Fixed
  trajectory: dict[str, np.ndarray]
  accuracy: float | None
  per_class: dict[str, float | None]
  state: SearchState
  train_images: int
  valid_images: int
  test_images: int
  tested_on: str
  moves: int
  seconds: float
  by_class: PerClass | None = None
  suspects: np.ndarray | None = None
  caught: Caught | None = None


def search_lines(result: Searched) -> str:
  """What came of it, in a few lines."""
  shares = sorted(op_shares(result.policy).items(), key=lambda item: -item[1])
  lines = [
    f"{result.method}: {result.moves} moves, {result.seconds:.0f} s, on {result.train_images} "
    f"training and {result.valid_images} validation images"
  ]
  if shares:
    lines.append("ops: " + ", ".join(f"{name} {100 * share:.1f}%" for name, share in shares))
  if result.by_class is not None:
    each = zip(result.by_class.classes, result.by_class.policies, strict=True)
    lines += [f"  {name}: {_likeliest(policy)}" for name, policy in each]
  if result.accuracy is not None:
    lines.append(
      f"accuracy of the network that was trained with it: {100 * result.accuracy:.2f}% on "
      f"{result.tested_on}, {result.test_images} of them"
    )
  if result.caught is not None and caught_line(result.caught):
    lines.append(caught_line(result.caught))
  return "\n".join(lines)


def _likeliest(policy: Fixed) -> str:
  shares = sorted(op_shares(policy).items(), key=lambda item: -item[1])[:LIKELIEST]
  return ", ".join(f"{name} {100 * share:.1f}%" for name, share in shares)


def keep(result: Searched, prepared: SearchData, how: How, *, task: Task) -> None:
  """Writes policy.json, trajectory.npz, search.json and pictures into the work directory."""
  _write(result, prepared, pathlib.Path(how.workdir or "."))
  _draw(result, prepared, how, task)


def _write(result: Searched, prepared: SearchData, workdir: pathlib.Path) -> None:
  spec = export.described(
    result.policy,
    image_size=(result.setting.crop,) * 2 if result.setting.crop else prepared.shape[:2],
    method=result.method,
    data=result.setting.data,
  )
  each = result.by_class
  made = spec if each is None else export.ClassSpec(each, spec.image_size, spec.provenance)
  export.save(made, workdir / "policy.json")
  write_npz(workdir / "trajectory.npz", result.trajectory)
  table = kind_of(result.options).table
  if table is not None:
    names = prepared.examples.names
    write_npz(workdir / "examples.npz", table(result.state.phi, prepared.split.labels, names))
  write_json(workdir / "search.json", as_json(result))


def _draw(result: Searched, prepared: SearchData, how: How, task: Task) -> None:
  """Pictures beside the policy, where matplotlib is installed."""
  story = Story(
    policy=result.policy,
    by_class=result.by_class,
    phi=result.state.phi,
    trajectory=result.trajectory,
    examples=prepared.examples,
    train=prepared.split.train,
    labels=prepared.split.labels,
    classes=prepared.classes,
    look=functools.partial(predictions, task, prepared.test, result.state),
    say=how.say,
  )
  try:
    save_pictures(result.method, story, how.workdir or ".")
  except ImportError as error:
    how.say(f"no pictures: {error}")


def as_json(result: Searched) -> dict[str, Any]:
  """What can be said in plain JSON values."""
  told = result._asdict()
  for name in ("policy", "by_class", "trajectory", "state", "suspects"):
    del told[name]
  found = None if result.caught is None else result.caught._asdict()
  return {
    **told,
    "setting": result.setting._asdict(),
    "options": result.options._asdict(),
    "caught": found,
  }
