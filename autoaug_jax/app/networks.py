"""Networks by the names that people give them."""

import functools
import re
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from autoaug_jax.models import badgan, densenet_bc, resnet, small_cnn, wide_resnet

EXAMPLES = (
  *("wrn-40-2", "wrn-28-10", "wrn-28-2-he", "resnet-18"),
  *("densenet-bc-40-12", "badgan", "small-cnn"),
)
DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}
CELU = "-celu"  # after a name: CELU in the place of the network's own activation, as AutoDO's have
LARGE = 96  # pixels from which a ResNet begins with ImageNet's stem

_FAMILIES: tuple[tuple[str, Callable[..., Any]], ...] = (
  (r"wrn-(\d+)-(\d+)", wide_resnet),
  (r"wrn-(\d+)-(\d+)-he", functools.partial(wide_resnet, init="he", conv_bias=False)),
  (r"resnet-(\d+)", resnet),
  (r"densenet-bc-(\d+)-(\d+)", densenet_bc),
  (r"badgan", badgan),
  (r"small-cnn", small_cnn),
)


def network(
  name: str,
  *,
  classes: int,
  image_size: int,
  dtype: str = "float32",
  axis_name: str | None = None,
) -> Any:
  """The Flax module called `name`: "wrn-40-2", "resnet-18", "densenet-bc-40-12", "small-cnn" ...

  "wrn-28-2-he" is MADAO's WRN-28-2: He initialisation, and no biases on convolutions. A name that
  ends in "-celu" stands for the same network with CELU throughout. A ResNet has the stem for small
  images below 96 pixels and ImageNet's from there on. `dtype` is that of the computation;
  parameters are float32. With `axis_name` batch statistics are those of all devices.
  """
  if dtype not in DTYPES:
    raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, not {dtype!r}")
  for pattern, factory in _FAMILIES:
    found = re.fullmatch(pattern, name.removesuffix(CELU))
    if found:
      options: dict[str, Any] = {"classes": classes, "dtype": DTYPES[dtype], "axis_name": axis_name}
      if name.endswith(CELU):
        options["activation"] = nn.celu
      if factory is resnet:
        options["stem"] = "imagenet" if image_size >= LARGE else "cifar"
      return factory(*map(int, found.groups()), **options)
  raise ValueError(f"unknown network {name!r}; known are {', '.join(EXAMPLES)} and their likes")
