"""Augments uint8 tensors in pipelines of torchvision's transforms v2."""

import numpy as np
import torch
from torch import nn

from autoaug_jax.export.runtimes.drawing import draw
from autoaug_jax.export.runtimes.tensor_run import apply


class Augment(nn.Module):
  """The policy as a transform of uint8 tensors [C, H, W]; of [..., C, H, W], each image by itself.

  PyTorch's generator decides, so that `torch.manual_seed` makes it repeatable and worker processes
  differ.
  """

  def forward(self, image: torch.Tensor) -> torch.Tensor:
    if image.ndim > 3:
      return torch.stack([self(one) for one in image])
    generator = np.random.default_rng(int(torch.randint(2**62, ())))
    return apply(image, draw(generator))
