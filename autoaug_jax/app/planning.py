"""A plan for a set of images and a time, made after a look at them and a few real steps."""

import functools
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from autoaug_jax import data
from autoaug_jax.app.budget import spoken
from autoaug_jax.app.choice import Choice, choose_method
from autoaug_jax.app.doubts import doubts
from autoaug_jax.app.facts import facts_of
from autoaug_jax.app.kinds import Options, kind_named
from autoaug_jax.app.ladder import Rung, ladder, operations
from autoaug_jax.app.plan import BASELINES, Plan
from autoaug_jax.app.prepare import HELD_OUT
from autoaug_jax.app.retrain import How
from autoaug_jax.app.search import ground_of
from autoaug_jax.app.search_data import prepare_search
from autoaug_jax.app.search_setting import SearchSetting, check_search
from autoaug_jax.app.site import (
  Seen,
  Site,
  seconds_per_operation,
  see,
  site,
  timed,
  training_setting,
)
from autoaug_jax.app.sizing import MOST_EPOCHS, SHAPES, WORTHWHILE, Costs, Sizes, least, sizes
from autoaug_jax.app.timing import search_rates

KEPT = 0.18  # of a budget, for the report and for steps that take longer than those timed
BEGIN = 15.0  # seconds that a training is thought to need before its steps, until one is timed
FEWEST_IMAGES = 200  # to train on, where there are more
MANY_IMAGES = 2000
LABEL_EPOCHS = 10  # of networks that measure wrong labels before a method is chosen
CELU = "-celu"
TIMED_EPOCHS = 60  # of the search whose moves are timed, a few of each
MORE = 3.0  # times the budget of which a plan says what it would buy
# What a planned search has that the method's own defaults have not.
OWN = {"slack": {"ops": 1, "draws": "per_image", "still": 0.01}}


class Wish(NamedTuple):
  """What was asked for; what is not said is chosen.

  Attributes:
    budget: in seconds.
    setting: the data, and the fields that are given.
    fixed: which fields of the setting are given; others are chosen.
    method: "auto", or one of `option_types()`.
    options: of the method, by name, in the place of what would be chosen.
  """

  budget: float
  setting: SearchSetting
  fixed: frozenset[str] = frozenset()
  method: str = "auto"
  options: Mapping[str, Any] = {}


def make_plan(wish: Wish, *, how: How) -> tuple[Plan, data.Source]:
  """Looks, times and chooses; ValueError where the budget is too short for any plan."""
  began = time.perf_counter()

  def left() -> float:
    return (1 - KEPT) * wish.budget - (time.perf_counter() - began)

  check_search(wish.setting)
  seen = see(wish.setting, how=how)
  rungs = _rungs(wish, seen)
  number = _first(rungs, wish, seen, left())
  at = site(wish.setting, rungs[number], seen, fixed=wish.fixed, how=how)
  while number + 1 < len(rungs) and not sizes(left(), _plain(at), shapes=_GOOD):
    number += 1
    at = site(wish.setting, rungs[number], seen, fixed=wish.fixed, how=how)
  reasons = [f"Network: {_network(at)}, {_why(number, rungs)}."]
  if "train_images" not in wish.fixed:
    at = _fewer_images(at, left(), how=how)
  if at.setting.train_images and "train_images" not in wish.fixed:
    reasons.append(f"Images: {at.images} to train on, as many as there is time for.")
  choice = _choice(wish, at, how=how)
  if choice.method == "autodo" and "model" not in wish.fixed:
    at = timed(at.setting._replace(model=at.setting.model + CELU), at.source, how=how)
  reasons.append(f"Method: {choice.reason}.")
  costs, options_for = _costs(wish, at, choice.method, how=how)
  found = sizes(left(), costs)
  if found is None:
    needed = (least(costs) + time.perf_counter() - began) / (1 - KEPT)
    raise ValueError(
      f"a budget of {spoken(wish.budget)} is too short: the smallest plan for these data takes "
      f"about {spoken(needed)}"
    )
  reasons.append(_more(wish, costs, found, larger=_larger(rungs, number, seen, _plain(at), wish)))
  if found.epochs == MOST_EPOCHS:
    reasons.append(f"Trainings have {MOST_EPOCHS} epochs, the most that a plan gives them.")
  seeds = tuple(range(at.setting.seed, at.setting.seed + found.shape.seeds))
  return Plan(
    budget=wish.budget,
    setting=at.setting,
    method=choice.method,
    options=options_for(found.search_epochs),
    epochs=found.epochs,
    steps=at.steps,
    longer=found.longer,
    seeds=seeds,
    longer_rows=found.shape.longer,
    fold_epochs=found.label_epochs,
    search_cost=found.search_cost,
    reasons=tuple(reason for reason in reasons if reason),
    estimates=_each(found),
  ), at.source


_GOOD = SHAPES[: SHAPES.index(WORTHWHILE) + 1]


def _rungs(wish: Wish, seen: Seen) -> tuple[Rung, ...]:
  """The ladder, with what is given in the place of what would be chosen."""
  rungs = ladder(seen.side, even=seen.even)
  if "model" in wish.fixed:
    rungs = tuple(rung._replace(model=wish.setting.model) for rung in rungs)
  if "size" in wish.fixed:
    rungs = tuple(rung._replace(size=wish.setting.size) for rung in rungs)
  return tuple(dict.fromkeys(rungs))


def _first(rungs: tuple[Rung, ...], wish: Wish, seen: Seen, left: float) -> int:
  """The first that is worth timing, by its operations."""
  if len(rungs) == 1:
    return 0
  each = seconds_per_operation(seen.channels)
  for number, rung in enumerate(rungs[:-1]):
    if sizes(left, _guessed(rung, wish, seen, each), shapes=_GOOD):
      return number
  return len(rungs) - 1


def _guessed(rung: Rung, wish: Wish, seen: Seen, each: float) -> Costs:
  images = (1 - HELD_OUT) * (wish.setting.train_images or seen.images)
  epoch = images * each * operations(rung.model, rung.size or seen.side, seen.channels)
  return Costs(epoch, BEGIN, 2 * BEGIN, lambda epochs: 1.5 * epochs * epoch, joint=False)


def _plain(at: Site) -> Costs:
  """Before the search is timed: an epoch of it is thought to take one and a half of training."""
  epoch = at.steps * at.step
  return Costs(epoch, at.begin, 3 * at.begin, lambda epochs: 1.5 * epochs * epoch, joint=False)


def _fewer_images(at: Site, left: float, *, how: How) -> Site:
  """With fewer images, where there is no time for all of them.

  Of many images fewer are taken for a better comparison, of few ones only for any at all.
  """
  costs, images = _plain(at), at.images
  while (
    not sizes(left, costs, shapes=_GOOD if images > MANY_IMAGES else SHAPES)
    and images // 2 >= FEWEST_IMAGES
  ):
    images //= 2
    part = images / at.images
    costs = costs._replace(
      epoch=at.steps * at.step * part,
      search=functools.partial(_scaled, at.steps * at.step * part),
    )
  if images == at.images:
    return at
  whole = len(at.source.parts["train"].labels)
  subset = max(FEWEST_IMAGES, round(whole * images / at.images))
  return timed(at.setting._replace(train_images=subset), at.source, how=how)


def _scaled(epoch: float, epochs: int) -> float:
  return 1.5 * epochs * epoch


def _choice(wish: Wish, at: Site, *, how: How) -> Choice:
  if wish.method != "auto":
    return Choice(kind_named(wish.method).name, f"{wish.method}, as asked")
  wrong = None
  if wish.setting.clean_val:
    setting = training_setting(at.setting, "standard", epochs=LABEL_EPOCHS, seed=0)
    found = doubts(setting, at.source, how=how._replace(title="labels"))
    wrong = None if found is None else found.wrong
  return choose_method(facts_of(at.source).ratio, wrong=wrong)


def _costs(
  wish: Wish, at: Site, method: str, *, how: How
) -> tuple[Costs, Callable[[int], Options]]:
  """What everything takes, and the options of a search of so many epochs."""
  kind = kind_named(method)
  base = kind.options()._replace(**OWN.get(method, {}))
  unknown = next((name for name in wish.options if name not in base._fields), None)
  if unknown is not None:
    raise ValueError(f"options of {method} are {', '.join(base._fields)}, not {unknown!r}")
  base = base._replace(**wish.options)
  prepared = prepare_search(
    at.setting, kind.needs(base), memory_budget=how.memory_budget, source=at.source
  )
  ground = ground_of(at.setting, prepared, None, how=how, models=kind.needs(base).models)

  def options_for(epochs: int) -> Options:
    return kind.lasting(base, epochs, ground.epoch)._replace(**wish.options)

  how.say(f"Timing a few steps of the search, {kind.name} ...")
  # Long enough that every kind of move is in it.
  rates = search_rates(at.setting, options_for(TIMED_EPOCHS), prepared, how=how)

  @functools.cache
  def search(epochs: int) -> float:
    phases = kind.build(options_for(epochs), ground).phases
    counts = {(p.name, move): n for p in phases for move, n in Counter(p.schedule).items()}
    return sum(n * rates.each[move] for move, n in counts.items())

  costs = Costs(at.steps * at.step, at.begin, rates.begin, search, kind.joint)
  return costs, options_for


def _network(at: Site) -> str:
  height, width, channels = at.source.parts["train"].shape
  return f"{at.setting.model} on images of {height} x {width} x {channels}"


def _why(number: int, rungs: tuple[Rung, ...]) -> str:
  if len(rungs) == 1:
    return "as asked"
  if number == 0:
    return "the largest that is considered"
  if number == len(rungs) - 1:
    return "the smallest that is considered"
  return (
    f"the largest that can be trained with {WORTHWHILE.seeds} seeds for {WORTHWHILE.epochs} epochs"
  )


def _larger(rungs: tuple[Rung, ...], number: int, seen: Seen, costs: Costs, wish: Wish) -> str:
  """The next larger network, if more time allows for it; "" otherwise."""
  if not number:
    return ""
  above, here = (
    operations(rung.model, rung.size or seen.side, seen.channels)
    for rung in (rungs[number - 1], rungs[number])
  )
  epoch = costs.epoch * above / here
  grown = costs._replace(epoch=epoch, search=functools.partial(_scaled, epoch))
  fits = sizes(MORE * (1 - KEPT) * wish.budget, grown, shapes=_GOOD)
  larger = rungs[number - 1]
  return f"{larger.model} on {larger.size or seen.side} pixels" if fits else ""


def _more(wish: Wish, costs: Costs, found: Sizes, *, larger: str) -> str:
  """What more time would buy."""
  richer = sizes(MORE * (1 - KEPT) * wish.budget, costs)
  bought = []
  if richer is not None:
    if richer.shape.seeds > found.shape.seeds:
      bought.append(f"{richer.shape.seeds} seeds instead of {found.shape.seeds}")
    if richer.epochs > found.epochs:
      bought.append(f"{richer.epochs} epochs instead of {found.epochs}")
    if len(richer.shape.longer) > len(found.shape.longer):
      count = "all baselines" if richer.shape.longer == BASELINES else "TrivialAugment-Wide"
      bought.append(f"{count} at equal cost too")
  said = ", ".join(bought)
  if larger:
    said = f"{said}; or a larger network, {larger}" if said else f"a larger network, {larger}"
  return f"More time: {spoken(MORE * wish.budget)} would buy {said}." if said else ""


def _each(found: Sizes) -> dict[str, float]:
  """Seconds of a stage; of the comparison, of one network."""
  stages = ("search", "labels")
  seeds = found.shape.seeds
  return {
    name: seconds if name in stages else seconds / seeds
    for name, seconds in found.estimates.items()
  }
