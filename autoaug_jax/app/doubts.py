"""Training labels that networks which did not see them disagree with."""

import json
import pathlib
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import jax
import numpy as np

from autoaug_jax import data, train
from autoaug_jax.app.networks import network
from autoaug_jax.app.policies import named_policy
from autoaug_jax.app.prepare import HELD_OUT, moments
from autoaug_jax.app.retrain import How
from autoaug_jax.app.setting import Setting, optimizer
from autoaug_jax.app.writing import write_npz
from autoaug_jax.types import Array

FOLDS = 3

# (examples, indices [n]) -> probabilities [n, classes]
Predict: TypeAlias = Callable[[data.Examples, np.ndarray], np.ndarray]


class Doubts(NamedTuple):
  """What three networks, each trained on two thirds, make of the images that it did not see.

  Attributes:
    indices: int32 [n], of the training images, the most doubtful first.
    given: int32 [n], their labels.
    proposed: int32 [n], the class that their network finds most likely.
    probability: float32 [n], what it gives to the label that they have.
    disagreement: the share whose most likely class is not their label.
    clean: the same share of images whose labels can be trusted; None where there are none.
  """

  indices: np.ndarray
  given: np.ndarray
  proposed: np.ndarray
  probability: np.ndarray
  disagreement: float
  clean: float | None

  @property
  def wrong(self) -> float | None:
    """How many labels are wrong, about: what the share of disagreement is above that of clean ones.

    A share w of wrong labels makes a disagreement of clean + w (1 - clean).
    """
    if self.clean is None or self.clean >= 1:
      return None
    return max(0.0, (self.disagreement - self.clean) / (1 - self.clean))


def doubts(setting: Setting, source: data.Source, *, how: How) -> Doubts | None:
  """Out-of-fold predictions of all training images; None where it was asked to stop.

  The networks are the setting's, each trained for its epochs on two of three stratified parts.
  """
  examples = source.parts["train"]
  cut = data.split(
    examples,
    val=0 if "test" in source.parts else HELD_OUT,
    seed=setting.split_seed,
    subset=setting.train_images or None,
    imbalance=setting.imbalance,
    noise=setting.noise,
  )
  fold = _folds(cut.labels[cut.train])
  clean = source.parts.get("val")
  found, trusted = [], []
  for number in range(FOLDS):
    inside, outside = cut.train[fold != number], cut.train[fold == number]
    predict = _trained(setting, source, cut.labels, inside, how=_titled(how, number))
    if predict is None:
      return None
    found.append((outside, predict(examples, outside)))
    if clean is not None:
      likely = predict(clean, np.arange(len(clean.labels))).argmax(-1)
      trusted.append(np.mean(likely != clean.labels))
  indices = np.concatenate([numbers for numbers, _ in found])
  share = np.concatenate([shares for _, shares in found])
  given, proposed = cut.labels[indices], share.argmax(-1).astype(np.int32)
  own = share[np.arange(len(given)), given]
  order = np.argsort(own, kind="stable")
  return Doubts(
    indices[order],
    given[order],
    proposed[order],
    own[order],
    float(np.mean(given != proposed)),
    float(np.mean(trusted)) if trusted else None,
  )


def keep_doubts(found: Doubts, path: pathlib.Path, *, setting: Setting) -> None:
  """Writes them, so that a job that goes on does not train three networks again."""
  clean = np.nan if found.clean is None else found.clean
  whose = json.dumps(setting._asdict())
  write_npz(path, {**found._asdict(), "clean": clean, "setting": whose})


def kept_doubts(path: pathlib.Path, *, setting: Setting) -> Doubts | None:
  """What was kept of the same setting; None where nothing was."""
  if not path.is_file():
    return None
  with np.load(path) as arrays:
    if str(arrays["setting"]) != json.dumps(setting._asdict()):
      return None
    clean = float(arrays["clean"])
    return Doubts(
      arrays["indices"],
      arrays["given"],
      arrays["proposed"],
      arrays["probability"],
      float(arrays["disagreement"]),
      None if np.isnan(clean) else clean,
    )


def _folds(labels: np.ndarray) -> np.ndarray:
  """Which third each example is in, each class spread evenly."""
  fold = np.empty(len(labels), np.int32)
  for label in np.unique(labels):
    rows = np.flatnonzero(labels == label)
    fold[rows] = np.arange(len(rows)) % FOLDS
  return fold


def _titled(how: How, number: int) -> How:
  return how._replace(title=f"{how.title} {number + 1}/{FOLDS}".strip(), workdir=None)


def _trained(
  setting: Setting, source: data.Source, labels: np.ndarray, inside: np.ndarray, *, how: How
) -> Predict | None:
  """A network trained on the examples `inside`; (examples, indices) -> probabilities [n, C]."""
  examples = source.parts["train"]
  batch = min(setting.batch, len(inside))
  mean, std = moments(examples, inside)
  model = network(setting.model, classes=len(source.classes), image_size=min(examples.shape[:2]))
  task = train.classification(model, normalise=(mean, std))
  augmenter = named_policy("standard", flip=setting.flip, mean=mean)
  (feed,) = data.feeds(
    examples,
    data.shuffled(inside, batch, seed=setting.seed),
    labels=labels,
    memory_budget=how.memory_budget,
  )
  epoch = feed.steps_per_epoch
  program = train.program(
    train.learner(train.supervised(task, augmenter), optimizer(setting, epoch)),
    feed,
    seed=setting.seed,
  )
  fitted = train.fit(program, train.training(setting.epochs * epoch), title=how.title)
  if not fitted.finished:
    return None
  _, outputs = train.prepared(model, normalise=(mean, std), crop=0)

  @jax.jit
  def shares(state: train.SearchState, images: Array) -> Array:
    logits, _ = outputs(state.theta, state.model_state, images, train=False)
    return jax.nn.softmax(logits)

  def predict(those: data.Examples, indices: np.ndarray) -> np.ndarray:
    size = data.evaluation_batch(those.shape)
    batches = [indices[i : i + size] for i in range(0, len(indices), size)]
    padded = [np.pad(one, (0, size - len(one)), mode="edge") for one in batches]
    made = [np.asarray(shares(fitted.state, those.fetch(one))) for one in padded]
    return np.concatenate([m[: len(one)] for m, one in zip(made, batches, strict=True)])

  return predict
