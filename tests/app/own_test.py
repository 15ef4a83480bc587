"""A model and a loss of one's own in whole jobs."""

import flax.linen as nn
import jax
import pytest

from autoaug_jax.app import Autodo, SearchSetting, Setting, Slack, retrain, search
from autoaug_jax.app.own import own_network
from autoaug_jax.ops import select, spaces

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
