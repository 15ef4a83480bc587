"""What a network makes of test images: against the network itself, and scikit-learn's counts."""

import builtins
import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics

from autoaug_jax import data, train
from autoaug_jax.app.prediction_pictures import prediction_pictures, save_predictions
from autoaug_jax.app.predictions import Predictions, confused, predictions
from tests.app.cases import squares

MEAN, STD = (0.3,), (0.2,)


class Mine(nn.Module):
  """A network without `features`; its last layer is called `name_of_last`."""

  name_of_last: str = "head"

  @nn.compact
  def __call__(self, images, train):
    x = nn.relu(nn.Dense(5, name="first")(images.reshape(len(images), -1)))
    return nn.Dense(3, name=self.name_of_last)(x)


def looked(model, count=21):
  """Its predictions, its parameters, and the images as it sees them."""
  images, labels = squares(count, 0)
  examples = data.in_memory(images, labels)
  task = train.classification(model, normalise=(MEAN, STD))
  feed = data.evaluation_feed(examples, np.arange(count), 8)
  first = feed.batch(feed.held, feed.draw(0))
  theta, model_state = task.init(jax.random.key(0), first)
  state = train.SearchState(theta, model_state, (), (), (), (), jnp.int32(0))
  return predictions(task, feed, state), theta, (images / 255 - MEAN[0]) / STD[0]


def test_features_and_predictions_are_the_networks():
  """By the head's own input, and without the images that fill up the last batch."""
  found, theta, images = looked(Mine())
  first, head = (jax.tree.map(np.asarray, theta[name]) for name in ("first", "head"))
  features = np.maximum(images.reshape(21, -1) @ first["kernel"] + first["bias"], 0)
  np.testing.assert_allclose(found.features, features, rtol=1e-4, atol=1e-5)
  logits = features @ head["kernel"] + head["bias"]
  assert found.predicted.tolist() == logits.argmax(-1).tolist()
  assert found.label.tolist() == squares(21, 0)[1].tolist()
  with pytest.raises(ValueError, match="read at its layer 'head', and it has none"):
    looked(Mine("last"))


def test_confusions_are_scikit_learns():
  random = np.random.default_rng(0)
  found = Predictions(random.integers(0, 4, 50), random.integers(0, 4, 50), np.zeros((50, 1)))
  expected = sklearn.metrics.confusion_matrix(found.label, found.predicted, labels=range(5))
  np.testing.assert_array_equal(confused(found, 5), expected)


def test_without_scikit_learn_the_matrix_is_still_drawn(monkeypatch, tmp_path):
  random = np.random.default_rng(0)
  label = np.arange(12) % 2
  found = Predictions(label, label, random.normal(size=(12, 3)).astype(np.float32))
  assert set(prediction_pictures(found, ["a", "b"], say=print)) == {"confusion", "embedding"}
  real = builtins.__import__

  def without(name, *args, **kwargs):
    if name.split(".")[0] == "sklearn":
      raise ImportError(name)
    return real(name, *args, **kwargs)

  monkeypatch.setattr(builtins, "__import__", without)
  said = []
  save_predictions(found, ["a", "b"], folder=tmp_path, say=said.append)
  assert [path.name for path in tmp_path.iterdir()] == ["confusion.png"]
  (line,) = said
  assert re.fullmatch(r"no picture of the embedding: t-SNE needs scikit-learn, .*", line)
