"""AutoDO's options: what they build, what they need, and what they refuse."""

import json

import flax.linen as nn
import jax
import numpy as np
import pytest

from autoaug_jax import data, export, methods, train
from autoaug_jax.app import How, SearchSetting, network, search, search_lines
from autoaug_jax.app.autodo import SIZES, Autodo, build, example_table, needs
from autoaug_jax.app.ground import Ground
from autoaug_jax.app.told import suspects_of
from tests.app.cases import squares

OPTIONS = Autodo(epochs=4, begin=2, warmup=1)


def ground(shape=(8, 8, 1), labels=None):
  model = network("small-cnn-celu", classes=2, image_size=8)
  task = train.classification(model, normalise=((0.3,) * shape[-1], (0.2,) * shape[-1]))
  given = np.arange(48, dtype=np.int32) % 2 if labels is None else labels
  return Ground(
    model=model,
    task=task,
    shape=shape,
    classes=("left", "right"),
    mean=(0.3,) * shape[-1],
    std=(0.2,) * shape[-1],
    space=None,
    flip=0.0,
    epoch=4,
    examples=len(given),
    labels=given,
    batch=8,
  )


def test_it_learns_and_what_it_learned_is_a_policy_file(tmp_path):
  examples = data.in_memory(*squares(48, 0))
  cut = data.split(examples, val=16, seed=0, noise=0.2)
  orders = data.shuffled(cut.train, 8, seed=0), data.shuffled(cut.val, 8, seed=0, stream=1)
  feed, valid = data.feeds(examples, *orders, labels=cut.labels)
  assert needs(OPTIONS).val == 0.2
  method = build(OPTIONS._replace(erase=True), ground(labels=cut.labels))
  (phase,) = method.phases
  program = train.program(phase.learner, feed, valid=valid, seed=0)
  fitted = train.fit(program, phase.schedule, progress=train.silent())
  phi = jax.device_get(fitted.state.phi)
  found = methods.verdicts(phi, cut.labels)
  unseen = np.setdiff1d(np.arange(48), cut.train)
  np.testing.assert_allclose(found.weight[unseen], 1, rtol=1e-6)
  assert (found.weight[cut.train] != found.weight[unseen[0]]).all()
  table = example_table(phi, cut.labels, [f"{i}.png" for i in range(48)])
  assert table["name"][7] == "7.png"
  assert np.array_equal(table["weight"], found.weight)
  moved = np.ptp(table["probability"][cut.train], axis=0)
  assert (moved > 0).all(), "each example has its own"
  policy = method.learned(phi)
  export.save(export.described(policy, image_size=(8, 8), method="autodo"), tmp_path / "p.json")
  assert export.load(tmp_path / "p.json").policy == policy


class Linear(nn.Module):
  outputs: int

  @nn.compact
  def __call__(self, images, train):
    return nn.Dense(self.outputs, name="head")(images.reshape(len(images), -1))


def test_a_job_shows_what_it_found(npz, tmp_path):
  """Test images by their classes, doubted labels, and how many of those had been made wrong."""
  options = Autodo(epochs=2, begin=1, warmup=1, terms=1, images=False)
  setting = SearchSetting(data=npz, batch=8, flip=0.0, noise=0.3)
  found = search(setting, options, how=How(workdir=tmp_path), model=Linear)
  drawn = {path.stem for path in tmp_path.glob("*.png")}
  assert drawn == {"confusion", "embedding", "suspects", "lightest", "found"}
  with np.load(tmp_path / "examples.npz") as stored:
    wrong = stored["given"] != squares(64, 0)[1]
  assert 0 < found.caught.wrong == wrong.sum()
  assert len(found.suspects) == found.train_images
  listed = suspects_of(found, None, data.load(npz), method="autodo")
  assert len(listed) == found.train_images, "no image that was not trained on"
  assert {float(one.score) < 1 for one in listed[:5]} == {True}
  told = json.loads((tmp_path / "search.json").read_text())["caught"]
  assert told == found.caught._asdict()
  assert f"of the first {wrong.sum()} suspects" in search_lines(found)


def test_large_images_have_a_resized_crop_and_no_boxes():
  nothing = methods.AutodoPhi((), (), (), ())
  still = OPTIONS._replace(images=False)
  small = build(still._replace(ops=3, magnitude=7.0), ground((32, 32, 3))).learned(nothing)
  large = build(still, ground((224, 224, 3))._replace(flip=0.5)).learned(nothing)
  assert [op.name for op in small.space if op.name.endswith("Crop")] == ["PaddedCrop"]
  assert [op.name for op in large.space] == ["AreaCrop", "FlipX"]
  assert len(small.stages[0].probability) == 3


def test_sizes_say_what_the_paper_says():
  paper = SIZES["paper"]
  assert (paper.epochs, paper.begin, paper.rate, paper.policy_rate) == (200, 50, 0.1, 0.05)
  assert (paper.weight_decay, paper.smoothing, paper.terms) == (1e-4, 0.1, 5)
  for options in SIZES.values():
    build(options, ground())


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"epochs": 0}, "epochs must be at least 1, not 0"),
    ({"begin": 4}, "begin must be below the 4 epochs, not 4"),
    ({"warmup": -1}, "warmup must be at least 0, not -1"),
    ({"policy_rate": 0.0}, "policy_rate must be positive, not 0.0"),
    ({"images": False, "weights": False, "labels": False}, "at least one of images, weights"),
    ({"images": False, "shared": True}, "shared is about images"),
  ],
  ids=["epochs", "begin", "warmup", "rate", "nothing", "shared"],
)
def test_mistakes_get_one_sentence(change, message):
  with pytest.raises(ValueError, match=message):
    needs(OPTIONS._replace(**change))
