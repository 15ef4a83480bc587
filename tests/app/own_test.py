"""A model and a loss of one's own in whole jobs."""

import functools

import flax.linen as nn
import jax
import numpy as np
import pytest

from autoaug_jax import data, train
from autoaug_jax.app import (
  Autodo,
  How,
  OnlineBilevel,
  SearchSetting,
  Setting,
  Slack,
  retrain,
  search,
)
from autoaug_jax.app.own import own_network
from autoaug_jax.ops import select, spaces
from tests.app.cases import squares

SPACE = select(spaces.slack_cifar(), ["Brightness", "Identity"])
OPTIONS = Slack(
  pretrain_epochs=1, rounds=1, retrain_steps=1, search_steps=2, ops=1, draws="per_image"
)
SHAPE = (8, 8, 1)


class Mine(nn.Module):
  outputs: int
  named: str = "head"

  @nn.compact
  def __call__(self, images, *, train):
    x = nn.relu(nn.Conv(4, (3, 3), strides=2)(images))
    return nn.Dense(self.outputs, name=self.named)(x.reshape(len(x), -1))


class NoTrain(nn.Module):
  @nn.compact
  def __call__(self, images):
    return nn.Dense(2)(images.mean((1, 2)))


class Dropping(nn.Module):
  @nn.compact
  def __call__(self, images, train):
    x = nn.Dropout(0.5, deterministic=not train)(images.mean((1, 2)))
    return nn.Dense(2)(x)


class Still(nn.Module):
  @nn.compact
  def __call__(self, images, train):
    return images.mean((1, 2)).repeat(2, -1)


@pytest.fixture
def flax_promotion():
  """Flax's own layers add a bias [F] to [B, F]."""
  with jax.numpy_rank_promotion("allow"):
    yield


@pytest.mark.usefixtures("flax_promotion")
def test_a_search_and_a_retraining_with_a_model_of_ones_own(npz):
  setting = SearchSetting(data=npz, batch=8, flip=0.0)
  found = search(setting, OPTIONS, space=SPACE, model=Mine)
  assert set(found.state.theta) == {"Conv_0", "head"}
  assert found.setting.model == "Mine"
  done = retrain(Setting(data=npz, policy="none", epochs=8, batch=8), model=Mine(2))
  assert done.accuracy[0] > 0.9
  assert done.setting.model == "Mine"


@pytest.mark.usefixtures("flax_promotion")
def test_autodo_learns_by_its_head(npz):
  options = Autodo(epochs=2, begin=1, warmup=1, terms=1, images=False, labels=False)
  setting = SearchSetting(data=npz, batch=8, flip=0.0)
  found = search(setting, options, model=Mine)
  assert 0 <= found.accuracy <= 1
  with pytest.raises(ValueError, match=r"last layer called 'head', and Mine has Conv_0, out"):
    search(setting, options, model=Mine(2, "out"))


@pytest.mark.usefixtures("flax_promotion")
@pytest.mark.parametrize(
  ("model", "words"),
  [
    (3, "makes one, and int is neither"),
    (lambda outputs: outputs, "makes one, and <lambda> is neither"),
    (NoTrain(), "NoTrain takes no train"),
    (Dropping(), "Dropping does in training: leave its dropout out"),
    (Mine(3), r"makes \[2\] of an image here, and Mine makes \[3\]"),
    (Still(), "Still has none"),
  ],
  ids=["number", "function", "train", "dropout", "outputs", "parameters"],
)
def test_a_model_of_another_shape_gets_one_sentence(model, words):
  with pytest.raises(ValueError, match=words) as error:
    own_network(model, outputs=2, shape=SHAPE)
  assert "\n" not in str(error.value)


def source_of(labels_of):
  """The squares, with what is made of their labels and brightness."""
  parts = {}
  for part, count, seed in (("train", 64, 0), ("test", 24, 1)):
    images, labels = squares(count, seed)
    parts[part] = (images, labels_of(labels).astype(np.float32))
  return data.from_arrays(parts)


def both(labels):
  return np.stack([labels, 1 - labels, labels], 1)


def height(labels):
  return 10 + 4 * labels


def test_several_labels_through_a_search(tmp_path):
  found = search(
    SearchSetting(batch=8, flip=0.0),
    OPTIONS,
    how=How(workdir=tmp_path),
    space=SPACE,
    source=source_of(both),
    task=train.multi_label,
  )
  assert found.state.theta["head"]["kernel"].shape[-1] == 3
  assert (tmp_path / "likely.png").exists()
  with pytest.raises(ValueError, match=r"task='multi_label\(\)'|task=multi_label\(\)"):
    search(
      SearchSetting(batch=8, flip=0.0),
      OPTIONS,
      how=How(workdir=tmp_path),
      space=SPACE,
      source=source_of(both),
      task=train.classification,
    )


def test_numbers_through_jobs_whose_networks_are_the_result():
  task = functools.partial(train.regression, scale=(12.0, 2.0))
  options = OnlineBilevel(epochs=8, learned="none")
  found = search(SearchSetting(batch=8, flip=0.0), options, source=source_of(height), task=task)
  assert 0.5 < found.accuracy <= 1, "the share of the variance that is explained"
  assert found.per_class == {}
  done = retrain(Setting(policy="none", epochs=8, batch=8), source=source_of(height), task=task)
  assert 0.5 < done.accuracy[0] <= 1
  assert done.loss[0] == pytest.approx((1 - done.accuracy[0]) / 2, rel=1e-4)
  assert done.per_class == {}


@pytest.mark.parametrize(
  ("job", "words"),
  [
    (
      lambda: search(SearchSetting(batch=8), OPTIONS, source=source_of(both)),
      r"labels are float32 \[3\] an image, no classes: hand over task=train.multi_label",
    ),
    (
      lambda: retrain(Setting(batch=8), source=source_of(height)),
      r"labels are float32 \[\] an image, no classes",
    ),
    (
      lambda: search(
        SearchSetting(batch=8), Autodo(), source=source_of(both), task=train.multi_label
      ),
      "autodo learns the labels of classes, and these labels are none",
    ),
    (
      lambda: search(
        SearchSetting(batch=8),
        OPTIONS._replace(per_class=True),
        source=source_of(both),
        task=train.multi_label,
      ),
      "per_class goes by the classes of images, and these labels are none",
    ),
    (
      lambda: retrain(
        Setting(batch=8, label_smoothing=0.1), source=source_of(both), task=train.multi_label
      ),
      "label_smoothing belongs to classification, and is 0.1",
    ),
  ],
  ids=["search", "retrain", "autodo", "per class", "smoothing"],
)
def test_what_does_not_go_together_gets_one_sentence(job, words):
  with pytest.raises(ValueError, match=words):
    job()
