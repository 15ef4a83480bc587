"""How a policy is drawn for one image, in TensorFlow."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from autoaug_jax.export.runtimes.drawing import FIRST, LAST, OPS, STAGES

NAMES = list(OPS)
NOTHING = "Identity"
PLACES = 2  # numbers in [0, 1) by which an op chooses a place


@tf.autograph.experimental.do_not_convert
def draw(seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """What one image gets: numbers of ops in NAMES [K], strengths [K] and places [K, 2].

  `seed` is two whole numbers; the same seed draws the same.
  """
  parts = [DRAWERS[stage["kind"]](fold(seed, i), stage) for i, stage in enumerate(STAGES)]
  if not parts:
    return tf.zeros([0], tf.int32), tf.zeros([0]), tf.zeros([0, PLACES])
  op = tf.concat([part[0] for part in parts], 0)
  magnitude = tf.concat([part[1] for part in parts], 0)
  sign = tf.where(tf.random.stateless_uniform(tf.shape(op), fold(seed, -1)) < 0.5, 1.0, -1.0)
  places = tf.random.stateless_uniform([tf.shape(op)[0], PLACES], fold(seed, -2))
  return arrange(op, strengths_of(op, magnitude, sign), places)


def fold(seed: tf.Tensor, number: int) -> tf.Tensor:
  """Another seed."""
  return tf.random.experimental.stateless_fold_in(seed, number)


def strengths_of(op: tf.Tensor, magnitude: tf.Tensor, sign: tf.Tensor) -> tf.Tensor:
  """The strengths of ops at magnitudes; 0..1 is their range, and signs are for ops with them."""
  ranges = np.asarray([OPS[name].get("range", (0.0, 0.0)) for name in NAMES], np.float64)
  signed = np.asarray([OPS[name].get("signed", False) for name in NAMES])
  low, reach = (np.float32(numbers) for numbers in (ranges[:, 0], ranges[:, 1] - ranges[:, 0]))
  value = tf.gather(low, op) + magnitude * tf.gather(reach, op)
  return tf.where(tf.gather(signed, op), value * sign, value)


def arrange(
  op: tf.Tensor, strengths: tf.Tensor, places: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """The first op drawn of FIRST goes to the front, the last one of LAST to the back, alone."""
  if not FIRST + LAST:
    return op, strengths, places
  early, late = (
    tf.gather(np.asarray([name in group for name in NAMES]), op) for group in (FIRST, LAST)
  )
  again = early & (tf.cumsum(tf.cast(early, tf.int32)) > 1)
  before = late & (tf.cumsum(tf.cast(late, tf.int32), reverse=True) > 1)
  op = tf.where(again | before, NAMES.index(NOTHING), op)
  order = tf.argsort(tf.where(early, 0, tf.where(late, 2, 1)), stable=True)
  return tf.gather(op, order), tf.gather(strengths, order), tf.gather(places, order)


def draw_slots(seed: tf.Tensor, stage: dict[str, Any]) -> tuple[tf.Tensor, tf.Tensor]:
  """In each slot one op, which is applied or not."""
  slots = [rows for count, rows in stage["slots"] for _ in range(count)]
  drawn = [
    draw_slot(fold(seed, i), rows, stage["levels"], stage["sigma"]) for i, rows in enumerate(slots)
  ]
  return tf.stack([op for op, _ in drawn]), tf.stack([magnitude for _, magnitude in drawn])


def draw_slot(
  seed: tf.Tensor, rows: Sequence[Any], levels: int, sigma: float
) -> tuple[tf.Tensor, tf.Tensor]:
  """One of the rows (op, chance, chance to be applied, lowest and highest magnitude)."""
  uniform = tf.random.stateless_uniform([3], fold(seed, 0))
  which = pick(uniform[0], [row[1] for row in rows])
  op = tf.gather([NAMES.index(row[0]) for row in rows], which)
  keep, low, high = (tf.gather([float(row[i]) for row in rows], which) for i in (2, 3, 4))
  place = tf.floor(uniform[1] * levels) / max(levels - 1, 1) if levels else uniform[1]
  noise = sigma * tf.random.stateless_normal([], fold(seed, 1))
  magnitude = tf.clip_by_value(low + place * (high - low) + noise, 0.0, 1.0)
  return tf.where(uniform[2] < keep, op, NAMES.index(NOTHING)), magnitude


def pick(uniform: tf.Tensor, chances: Sequence[float]) -> tf.Tensor:
  """An index, each with its chance."""
  total = np.cumsum(chances)
  return tf.reduce_sum(tf.cast(np.float32(total[:-1] / total[-1]) <= uniform, tf.int32))


def draw_steps(seed: tf.Tensor, stage: dict[str, Any]) -> tuple[tf.Tensor, tf.Tensor]:
  """Each step with its chance, one after the other or shuffled."""
  op, magnitude = run_through(fold(seed, 0), tf.constant(0), [stage["steps"]])
  if not stage["shuffled"]:
    return op, magnitude
  order = tf.argsort(tf.random.stateless_uniform(tf.shape(op), fold(seed, 1)))
  return tf.gather(op, order), tf.gather(magnitude, order)


def draw_sub_policies(seed: tf.Tensor, stage: dict[str, Any]) -> tuple[tf.Tensor, tf.Tensor]:
  """The steps of one branch."""
  uniform = tf.random.stateless_uniform([], fold(seed, 0))
  branch = pick(uniform, [chance for chance, _ in stage["branches"]])
  return run_through(fold(seed, 1), branch, [steps for _, steps in stage["branches"]])


def run_through(
  seed: tf.Tensor, branch: tf.Tensor, branches: Sequence[Any]
) -> tuple[tf.Tensor, tf.Tensor]:
  """Steps (op, chance, lowest and highest magnitude) of one of the branches."""
  length = max(len(steps) for steps in branches)
  rows = [[*steps, *[(NOTHING, 0.0, 0.0, 0.0)] * (length - len(steps))] for steps in branches]
  ops = np.asarray([[NAMES.index(step[0]) for step in row] for row in rows], np.int32)
  numbers = np.asarray([[step[1:] for step in row] for row in rows], np.float32)
  chance, low, high = tf.unstack(tf.gather(numbers, branch), axis=-1)
  uniform = tf.random.stateless_uniform([2, length], seed)
  op = tf.where(uniform[0] < chance, tf.gather(ops, branch), NAMES.index(NOTHING))
  return op, low + uniform[1] * (high - low)


DRAWERS: dict[str, Callable[..., tuple[tf.Tensor, tf.Tensor]]] = {
  "slots": draw_slots,
  "steps": draw_steps,
  "sub_policies": draw_sub_policies,
}
