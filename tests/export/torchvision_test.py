"""Files for torchvision, replayed; `pytest -m parity` where PyTorch and torchvision are."""

import contextlib

import numpy as np
import pytest

from autoaug_jax import export
from autoaug_jax.policies import Step, Steps, fixed
from tests.export import replay
from tests.export.runtimes_test import AFFINE, COLOR, network, only
from tests.ops import cases

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def torch():
  """PyTorch; and of ops that some builds of torchvision lack at least the names, or no import."""
  library = pytest.importorskip("torch")
  for name in ("nms", "qnms"):
    with contextlib.suppress(RuntimeError):  # known already
      library.library.define(
        f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou) -> Tensor"
      )
  return library


def test_the_same_draw_has_the_same_pixels(torch):
  made = replay.loaded(replay.spec_of_all(), "torchvision")

  def run(name, magnitude, sign, places, image):
    step = made["Step"](name, made["strength_of"](name, magnitude, sign), places)
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    before = tensor.clone()
    out = made["apply"](tensor, [step])
    assert torch.equal(tensor, before)  # nothing is written into the image
    return out.permute(1, 2, 0).numpy()

  replay.assert_parity(run)


def test_draws_follow_our_law(torch):
  policy = replay.mixed_policy()
  made = replay.loaded(export.PolicySpec(policy), "torchvision")
  generator = np.random.default_rng(0)
  drawn = (made["draw"](generator) for _ in range(4000))
  theirs = [[(s.op, float(s.strength)) for s in row if s.op != "Identity"] for row in drawn]
  replay.assert_same_law(replay.drawn(policy, 4000), theirs)


def test_a_networks_warp_is_that_of_pillow(torch):
  policy = network(
    (*AFFINE, *COLOR[:2]), sizes=(2,), constant=(0.2, -0.3, 0.4, 0.1, -0.2, 0.6, 0.5, -0.4)
  )
  spec = export.PolicySpec(policy)
  transform, augment = export.to_torchvision(spec), export.to_pillow(spec)
  for image in cases.images((24, 32)):
    out = transform(torch.from_numpy(image).permute(2, 0, 1)).permute(1, 2, 0).numpy()
    assert np.abs(out.astype(int) - augment(image)).max() <= 2


def test_it_goes_with_other_transforms_and_batches(torch):
  v2 = pytest.importorskip("torchvision.transforms.v2")
  transform = export.to_torchvision(export.PolicySpec(fixed.trivial_augment_wide()))
  images = torch.from_numpy(cases.images((24, 32))).permute(0, 3, 1, 2)
  pipeline = v2.Compose([transform, v2.ToDtype(torch.float32, scale=True)])
  outs = []
  for _ in range(2):
    torch.manual_seed(4)
    outs.append(pipeline(images))
  assert torch.equal(*outs)
  assert outs[0].shape == images.shape
  assert outs[0].dtype == torch.float32
  same = torch.stack([images[0]] * 4)
  torch.manual_seed(0)
  assert len({out.numpy().tobytes() for out in transform(same)}) > 1  # each image by itself
  turned = export.to_torchvision(only(Step("Invert")))(images)
  assert torch.equal(turned, 255 - images)
  with pytest.raises(ValueError, match=r"uint8 \[C, H, W\], got torch.float32"):
    transform(images[0].float())


def test_equalize_and_invert_are_torchvisions(torch):
  functional = pytest.importorskip("torchvision.transforms.v2.functional")
  steps = only(Step("Equalize"), Step("Invert"))
  assert isinstance(steps.policy.stages[0], Steps)
  transform = export.to_torchvision(steps)
  for image in torch.from_numpy(cases.images((24, 32))).permute(0, 3, 1, 2):
    assert torch.equal(transform(image), functional.invert(functional.equalize(image)))


@pytest.mark.parametrize("wide", [False, True], ids=["RandAugment", "TrivialAugmentWide"])
def test_imported_settings_have_torchvisions_magnitudes(torch, wide):
  v2 = pytest.importorskip("torchvision.transforms.v2")
  theirs = (v2.TrivialAugmentWide if wide else v2.RandAugment)._AUGMENTATION_SPACE
  policy = export.from_trivial_augment() if wide else export.from_randaugment()
  rows = {op.name: op for op in policy.space}
  assert set(rows) == set(theirs)
  for name, (magnitudes, signed) in theirs.items():
    table = magnitudes(31, 24, 32)
    if table is None:
      continue
    assert signed == rows[name].signed, name
    ours = [value(policy, name, i / 30) for i in range(31)]
    if name == "Solarize":
      wanted = 255 * table
    elif name in ("Brightness", "Color", "Contrast", "Sharpness"):
      wanted = 1 + table
    elif name.startswith("Translate"):
      size = 32 if name == "TranslateX" else 24
      wanted = torch.trunc(table + 1e-4) if wide else table / size  # 15.999998 is meant as 16
    else:
      wanted = table
    ours = np.round(ours) if name == "Posterize" else ours
    np.testing.assert_allclose(ours, wanted, rtol=1e-5, atol=1e-4, err_msg=name)


def value(policy, name, magnitude):
  made = replay.loaded(export.PolicySpec(policy), "pillow")
  rule = made["VALUES"][made["OPS"][name].get("value", "strength")]
  return float(rule(made["strength_of"](name, magnitude, 1.0)))
