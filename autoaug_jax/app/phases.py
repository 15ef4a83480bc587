"""The phases of a search, each compiled for its data and carried out from where it has come to."""

import pathlib
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from autoaug_jax import devices, train
from autoaug_jax.app.retrain import How
from autoaug_jax.app.search_data import SearchData
from autoaug_jax.app.search_setting import SearchSetting
from autoaug_jax.methods import Method, Phase
from autoaug_jax.train import SearchState


def run_phases(
  method: Method,
  setting: SearchSetting,
  prepared: SearchData,
  *,
  how: How,
  config: dict[str, Any],
) -> list[train.Fitted] | None:
  """Where each phase ended; None where one was asked to stop."""
  ends: list[train.Fitted] = []
  watch = jax.jit(lambda state: method.watch(state.phi))
  for phase in method.phases:
    program = phase_program(phase, setting, prepared, how=how)
    if phase.begin is not None:
      program = begun(program, phase, ends[-1].state)
    fitted = train.fit(
      program,
      phase.schedule,
      workdir=None if how.workdir is None else pathlib.Path(how.workdir) / phase.name,
      config=config,
      every=train.Every(how.log_every, how.save_every, 0),
      watch=watch,
      settled=phase.settled,
      on_nan=how.on_nan,
      title=f"{how.title} {phase.name}".strip(),
    )
    if not fitted.finished:
      return None
    ends.append(fitted)
  return ends


def phase_program(
  phase: Phase, setting: SearchSetting, prepared: SearchData, *, how: How
) -> train.Program:
  """The moves of a phase, from a start of its own."""
  return train.program(
    phase.learner,
    prepared.train,
    valid=prepared.valid,
    seed=setting.seed,
    device_count=how.devices,
  )


def begun(program: train.Program, phase: Phase, before: SearchState) -> train.Program:
  """The program, starting from where the phase before came to."""

  def init() -> SearchState:
    fresh, old = (jax.device_get(devices.local(state)) for state in (program.init(), before))
    # Copied, because a leaf that is there twice would be given away twice.
    return program.place(jax.tree.map(np.array, phase.begin(fresh, old)))  # type: ignore[misc]

  return program._replace(init=init)


def joined(
  phases: Sequence[Phase], ends: Sequence[train.Fitted], workdir: str | pathlib.Path | None
) -> dict[str, np.ndarray]:
  """The trajectories of all phases as one; {} where nothing was written down."""
  if workdir is None:
    return {}
  each = [train.trajectory(pathlib.Path(workdir) / phase.name) for phase in phases]
  starts = np.cumsum([0, *(end.move for end in ends)])
  shifted = [{**one, "move": one["move"] + s} for one, s in zip(each, starts, strict=False)]
  return {name: np.concatenate([one[name] for one in shifted]) for name in shifted[-1]}
