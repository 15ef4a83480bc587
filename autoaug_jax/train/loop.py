"""The host's loop: moves in the order of a schedule, and what is kept and told of them."""

import contextlib
import pathlib
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from autoaug_jax import devices
from autoaug_jax.train import optim
from autoaug_jax.train.checkpoint import Store, store
from autoaug_jax.train.learner import TAKES
from autoaug_jax.train.program import Numbers, Program
from autoaug_jax.train.progress import Progress, line, mean, progress_on, silent, titled
from autoaug_jax.train.records import records
from autoaug_jax.train.rules import Every, Rules, check, due, next_multiple, round_end
from autoaug_jax.train.rules import settled as has_settled
from autoaug_jax.train.state import SearchState
from autoaug_jax.train.stopping import asked_to_stop
from autoaug_jax.train.summary import Bad, Made, fetch, first_bad, summary
from autoaug_jax.train.trajectory import watched


class Fitted(NamedTuple):
  """Where a run stands."""

  state: SearchState
  move: int = 0
  finished: bool = False  # False where it was asked to stop
  evaluation: dict[str, Any] | None = None  # the last one
  best: float | None = None  # the best value of what decides
  best_move: int | None = None
  rewinds: int = 0  # in all
  again: int = 0  # to the place where it is now


def fit(
  program: Program,
  schedule: Sequence[str],
  *,
  workdir: str | pathlib.Path | None = None,
  config: dict[str, Any] | None = None,
  every: Every = Every(),  # noqa: B008
  keep: int = 3,
  evaluate: Callable[[SearchState], dict[str, Any]] | None = None,
  watch: Callable[[SearchState], dict[str, Any]] | None = None,
  settled: Callable[[SearchState], bool] | None = None,
  best: str = "accuracy",
  on_nan: str = "stop",
  slower: float = 0.5,
  rewinds: int = 10,
  progress: Progress | None = None,
  title: str = "",
) -> Fitted:
  """Makes the moves of `schedule`, from where `workdir` has come to.

  A run that is killed and started again makes the same numbers, bit for bit, as one that was not.
  SIGTERM and Ctrl-C let it save and return, not finished.

  Args:
    program: compiled moves.
    schedule: their names in order.
    workdir: for `checkpoints/`, `metrics.jsonl` and `tensorboard/`; None keeps nothing.
    config: what makes this run this run, as JSON: settings, the seed of the data. A checkpoint with
      another one is refused.
    every: after how many moves to log, to save and to evaluate.
    keep: how many checkpoints stay, beside the best.
    evaluate: state -> {name: number}, or a list of one for each seed; also called at the end.
    watch: state -> named arrays that go into the metrics wherever they are logged, under "phi/..."
      (`trajectory` reads them back).
    settled: asked at the end of each round, of the state alone; True ends the run there.
    best: which of its numbers, the larger the better, decides what is the best checkpoint.
    on_nan: "stop" raises FloatingPointError at a loss or gradient that is not finite; "rewind" goes
      back to the last checkpoint, or to the start, and on at `slower` times the learning rate.
    slower: that factor; a second rewind to the same place applies it twice.
    rewinds: how often in all before it stops after all.
    progress: who is told; None is standard error.
    title: how the run is called in its lines.
  """
  rules = Rules(schedule, every, evaluate, best, on_nan, slower, rewinds, settled)
  check(rules, tuple(program.moves))
  first = jax.process_index() == 0
  told = titled(title, progress or progress_on(sys.stderr)) if first else silent()
  kept = None
  if workdir is not None:
    kept = store(pathlib.Path(workdir) / "checkpoints", config=config, keep=keep, say=told.say)
  at = _begin(program, kept, None)
  at = at._replace(finished=_over(rules, at))
  if at.move:
    told.say(f"{'done' if at.finished else 'goes on'} at move {at.move} of {len(schedule)}")
  times: list[tuple[int, float]] = []
  warned = ""
  with contextlib.ExitStack() as ends:
    ends.callback(told.close)
    if kept is not None:
      ends.callback(kept.close)
    lines = records(workdir if first else None, since=at.move)
    ends.callback(lines.close)
    with asked_to_stop() as stop:
      while not at.finished:
        began = time.perf_counter()
        state, made = _stretch(program, rules, at, stop)
        made = fetch(made)
        bad = first_bad(made)
        if bad is not None:
          at = _rewound(program, rules, kept, at, bad, told)
          lines.back(at.move)
          continue
        move = at.move + sum(m.moves for m in made)
        times.append((move - at.move, time.perf_counter() - began))
        values: dict[str, Any] = summary(made)
        values["images_per_second"] = _speed(rules, program, at.move, move, times[-1][1])
        at = _measured(rules, at._replace(state=state, move=move))
        at = at._replace(finished=_over(rules, at))
        if at.evaluation is not None and due(rules.every.evaluate, at.move, rules.schedule):
          values |= {f"evaluation/{name}": value for name, value in at.evaluation.items()}
        if watch is not None:
          values |= watched(watch(devices.local(state)))
        lines.write(move, values)
        told.show(_line(rules, at, values, times))
        if not warned and (warned := _diverges(values)):
          told.say(warned)
        stopping = stop(move)
        at = _saved(rules, kept, at, stopping or at.finished)
        if stopping:
          at = at._replace(finished=False)  # at the last move too: what comes after is not begun
          break
    if not at.finished:
      told.say(_farewell(at, kept, len(schedule)))
  return at


def _begin(program: Program, kept: Store | None, like: SearchState | None) -> Fitted:
  """The newest checkpoint, or the start. Only shapes of `like` are read: it may be given away."""
  state = program.init() if like is None else like
  loaded = None if kept is None else kept.load(state)
  if loaded is None:
    return Fitted(program.init() if like is not None else state)
  names = ("evaluation", "best", "best_move", "rewinds")
  return Fitted(
    program.place(loaded.state), loaded.move, **{name: loaded.note[name] for name in names}
  )


def _stretch(
  program: Program, rules: Rules, at: Fitted, stop: Callable[[int], bool]
) -> tuple[SearchState, list[Made]]:
  """Moves up to the next at which something else is done."""
  schedule, state, move = rules.schedule, at.state, at.move
  end = min(next_multiple(every, move, len(schedule)) for every in rules.every)
  end = min(end, round_end(rules, move))
  numbers = _numbers(schedule, move)
  made: list[Made] = []
  waiting: deque[Any] = deque()
  while move < end and (move == at.move or not stop(move)):
    name, count = schedule[move], program.steps_per_dispatch
    if move + count > end or any(other != name for other in schedule[move : move + count]):
      count = 1
    state, metrics = program.moves[name](state, numbers, count)
    made.append(Made(move, count, metrics))
    train, valid = TAKES[name]
    numbers = Numbers(numbers.train + count * train, numbers.valid + count * valid)
    move += count
    waiting.append(metrics)
    if len(waiting) > program.in_flight:
      jax.block_until_ready(waiting.popleft())
  return state, made


def _over(rules: Rules, at: Fitted) -> bool:
  return at.move >= len(rules.schedule) or has_settled(rules, at.move, devices.local(at.state))


def _measured(rules: Rules, at: Fitted) -> Fitted:
  """With an evaluation, where one is due."""
  if rules.evaluate is None or not due(rules.every.evaluate, at.move, rules.schedule):
    return at
  result = rules.evaluate(at.state)
  if rules.best not in result:
    names = ", ".join(map(repr, result))
    raise ValueError(f"best must be one of what evaluate returns, {names}, not {rules.best!r}")
  value = mean(result[rules.best])
  at = at._replace(evaluation=result)
  if at.best is None or value > at.best:
    return at._replace(best=value, best_move=at.move)
  return at


def _saved(rules: Rules, kept: Store | None, at: Fitted, stopping: bool) -> Fitted:
  """With a checkpoint, where one is due."""
  best = at.best_move == at.move
  if kept is None or not (best or stopping or due(rules.every.save, at.move, rules.schedule)):
    return at
  note = {name: value for name, value in at._asdict().items() if name != "state"}
  kept.save(at.move, at.state, note)
  return at._replace(again=0)


def _rewound(
  program: Program, rules: Rules, kept: Store | None, at: Fitted, bad: Bad, told: Progress
) -> Fitted:
  """Back at the last checkpoint with a smaller learning rate, or an end with a reason."""
  rate = "unknown" if bad.rate is None else f"{bad.rate:.4g}"
  what = f"the {bad.what} is not finite at move {bad.move} (learning rate {rate})"
  if rules.on_nan == "stop" or at.rewinds >= rules.rewinds:
    tried = f" after {at.rewinds} rewinds" if at.rewinds else ""
    raise FloatingPointError(f"{what}{tried}; the last good checkpoint is {_last(kept)}")
  back = _begin(program, kept, at.state)
  again = at.again + 1
  factor = rules.slower**again
  told.say(f"{what}: back to move {back.move} with {factor:g} times its learning rate")
  opt_state = optim.rescaled(back.state.opt_state, factor)
  state = program.place(back.state.replace(opt_state=opt_state))
  return back._replace(state=state, rewinds=at.rewinds + 1, again=again)


def _last(kept: Store | None) -> str:
  latest = None if kept is None else kept.latest()
  return "none, nothing has been saved yet" if latest is None else latest


def _numbers(schedule: Sequence[str], move: int) -> Numbers:
  """How many batches of either kind were taken before a move."""
  counts = {name: schedule[:move].count(name) for name in TAKES}
  return Numbers(*(sum(TAKES[n][kind] * c for n, c in counts.items()) for kind in (0, 1)))


def _speed(rules: Rules, program: Program, start: int, end: int, seconds: float) -> float:
  moves = rules.schedule[start:end]
  return program.images * sum(TAKES[name][0] for name in moves) / seconds


def _diverges(values: dict[str, Any]) -> str:
  """What is to be said of an implicit search whose solve makes things worse; "" for others."""
  residual = np.max(values.get("residual", 0.0))
  if residual <= 1:
    return ""
  return (
    f"the search's linear solve leaves a residual of {residual:.3g}, more than it began with: "
    "its alpha is too large for the Hessian, or the Hessian is indefinite; lower alpha, or damp"
  )


def _line(rules: Rules, at: Fitted, values: dict[str, Any], times: list[tuple[int, float]]) -> str:
  # The first stretch holds the compilation.
  counted = times[1:] or times
  moves, seconds = (sum(column) for column in zip(*counted, strict=True))
  total = len(rules.schedule)
  left = (total - at.move) * seconds / moves
  told = line(at.move, total, values, speed=values["images_per_second"], seconds=left)
  rounds = rules.schedule.count("refresh")
  if not rounds:
    return told
  return f"round {rules.schedule[: at.move].count('refresh')}/{rounds}  {told}"


def _farewell(at: Fitted, kept: Store | None, total: int) -> str:
  where = "nothing is saved" if kept is None else f"saved in {_last(kept)}"
  return f"asked to stop at move {at.move} of {total}: {where}"
