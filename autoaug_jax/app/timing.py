"""How long real steps take here, on the data and the networks of a plan."""

import statistics
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax

from autoaug_jax import train
from autoaug_jax.app.kinds import Options, kind_of
from autoaug_jax.app.phases import begun, phase_program
from autoaug_jax.app.prepare import Prepared
from autoaug_jax.app.retrain import How, training_of
from autoaug_jax.app.search import ground_of
from autoaug_jax.app.search_data import SearchData
from autoaug_jax.app.search_setting import SearchSetting
from autoaug_jax.app.setting import Setting
from autoaug_jax.train import SearchState
from autoaug_jax.train.program import Numbers

TIMES = 4  # each is done, after the first


class Rates(NamedTuple):
  """Seconds."""

  begin: float  # before the first step: tracing, compiling, and an evaluation
  each: Mapping[tuple[str, str], float]  # a move, by the names of its phase and its own


def training_rates(setting: Setting, prepared: Prepared, *, how: How) -> Rates:
  """Of training under a policy; the steps are ("", "train")."""
  began = time.perf_counter()
  training = training_of(setting, prepared, how=how)
  state, each = _timed(training.program, training.program.init(), ("train",))
  training.measure(prepared.test)(state)
  spent = time.perf_counter() - began
  return Rates(spent - TIMES * each["train"], {("", "train"): each["train"]})


def search_rates(
  setting: SearchSetting, options: Options, prepared: SearchData, *, how: How
) -> Rates:
  """Of every move of every phase of a search."""
  began = time.perf_counter()
  kind = kind_of(options)
  ground = ground_of(setting, prepared, None, how=how, models=kind.needs(options).models)
  each: dict[tuple[str, str], float] = {}
  state: SearchState | None = None
  method = kind.build(options, ground)
  for phase in method.phases:
    program = phase_program(phase, setting, prepared, how=how)
    if phase.begin is not None and state is not None:
      program = begun(program, phase, state)
    names = tuple(dict.fromkeys(phase.schedule))
    state, took = _timed(program, program.init(), names)
    each |= {(phase.name, name): seconds for name, seconds in took.items()}
  return Rates(time.perf_counter() - began - TIMES * sum(each.values()), each)


def _timed(
  program: train.Program, state: Any, names: tuple[str, ...]
) -> tuple[Any, dict[str, float]]:
  """(the state after a few moves of each name, the median of their seconds without the first)."""
  count, each = program.steps_per_dispatch, {}
  for name in names:
    took = []
    for _ in range(1 + TIMES):
      began = time.perf_counter()
      state, metrics = program.moves[name](state, Numbers(0, 0), count)
      jax.block_until_ready((state, metrics))
      took.append(time.perf_counter() - began)
    each[name] = statistics.median(took[1:]) / count
  return state, each
