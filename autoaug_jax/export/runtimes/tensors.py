"""Ops on uint8 tensors [C, H, W] in PyTorch, each pixel as this library has it."""

import math
from typing import Any

import torch

from autoaug_jax.export.runtimes.matrices import fixed_point


def look_up(image: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, fill: Any) -> Any:
  """image[:, rows, columns]; outside is a colour (tensor [C, 1, 1]), "edge" or "reflect"."""
  height, width = image.shape[1:]
  if isinstance(fill, str) and fill == "reflect":
    rows, columns = reflect(rows, height), reflect(columns, width)
  near_rows, near_columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
  pixels = image.flatten(1)[:, near_rows * width + near_columns]
  if isinstance(fill, str):
    return pixels
  return torch.where((rows == near_rows) & (columns == near_columns), pixels, fill)


def reflect(index: torch.Tensor, length: int) -> torch.Tensor:
  """Mirrored at the centres of the first and the last pixel."""
  period = max(2 * (length - 1), 1)
  index = index % period
  return torch.minimum(index, period - index) if length > 1 else index * 0


def warp_nearest(image: torch.Tensor, matrix: Any, fill: Any) -> torch.Tensor:
  """Each pixel looks at the nearest one, in fixed point, as in Pillow."""
  a, b, c, d, e, f = fixed_point(matrix)
  x = torch.arange(image.shape[2], device=image.device)[None, :]
  y = torch.arange(image.shape[1], device=image.device)[:, None]
  rows, columns = (d * x + (e * y + f)) >> 16, (a * x + (b * y + c)) >> 16
  return look_up(image, rows, columns, fill if isinstance(fill, str) else levels(image, fill))


def warp_bilinear(image: torch.Tensor, matrix: Any, fill: Any) -> torch.Tensor:
  """Each pixel looks at four; each of these outside counts as `fill`."""
  a, b, c, d, e, f = torch.tensor(matrix, dtype=torch.float32, device=image.device)
  x = (torch.arange(image.shape[2], device=image.device) + 0.5)[None, :]
  y = (torch.arange(image.shape[1], device=image.device) + 0.5)[:, None]
  x, y = a * x + (b * y + (c - 0.5)), d * x + (e * y + (f - 0.5))
  left, top = torch.floor(x), torch.floor(y)
  columns, rows = (n.clamp(-1e6, 1e6).long() for n in (left, top))
  pixels = image / 255
  outside = fill if isinstance(fill, str) else colour(image, fill)
  upper, lower = (
    mix(
      look_up(pixels, row, columns, outside), look_up(pixels, row, columns + 1, outside), x - left
    )
    for row in (rows, rows + 1)
  )
  return to_levels(mix(upper, lower, y - top))


def mix(first: torch.Tensor, second: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
  return first + share * (second - first)


def to_levels(pixels: torch.Tensor) -> torch.Tensor:
  """uint8 of floats in 0..1, halves up."""
  return torch.floor(pixels.clamp(0, 1) * 255 + 0.5001).to(torch.uint8)


def colour(image: torch.Tensor, fill: Any) -> torch.Tensor:
  """float [C or 1, 1, 1] of a colour in 0..1, one number or one a channel."""
  return torch.tensor(fill, dtype=torch.float32, device=image.device).reshape(-1, 1, 1)


def levels(image: torch.Tensor, fill: Any) -> torch.Tensor:
  """The colour as uint8."""
  return torch.floor(colour(image, fill) * 255 + 0.5).to(torch.uint8)


def paint(image: torch.Tensor, box: Any, fill: Any) -> torch.Tensor:
  """A box in a colour."""
  top, left, bottom, right = box
  painted = image.clone()
  painted[:, top : max(top, bottom), left : max(left, right)] = levels(image, fill)
  return painted


def resized_crop(image: torch.Tensor, box: Any, method: Any) -> torch.Tensor:
  """A box at the size of the image: its rows filtered, then its columns."""
  height, width = image.shape[1:]
  top, left, bottom, right = box
  across = filter_weights(width, left, right - left, method).to(image.device)
  down = filter_weights(height, top, bottom - top, method).to(image.device)
  image = to_levels(torch.einsum("chw,ow->cho", image / 255, across))
  return to_levels(torch.einsum("chw,oh->cow", image / 255, down))


def filter_weights(length: int, start: int, extent: int, method: Any) -> torch.Tensor:
  """[length, length]: how much each pixel of a line counts for each new one."""
  scale = torch.tensor(extent / length)
  places = torch.arange(length) + 0.5
  centres = start + places * scale
  weights = method((places[None, :] - centres[:, None]).abs() / scale.clamp(min=1))
  return weights / weights.sum(1, keepdim=True)


def triangle(distance: torch.Tensor) -> torch.Tensor:
  """The bilinear filter."""
  return (1 - distance).clamp(min=0)


def cubic(distance: torch.Tensor) -> torch.Tensor:
  """Keys' cubic with a = -1/2."""
  near = (1.5 * distance - 2.5) * distance * distance + 1
  far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
  return torch.where(distance < 1, near, torch.where(distance < 2, far, 0))


def blend(low: Any, image: torch.Tensor, factor: Any) -> torch.Tensor:
  """low + factor (image - low) of levels, in fixed point, truncated."""
  share = math.floor(min(max(float(factor), -31.0), 31.0) * 2**18 + 0.5)
  mixed = (low << 18) + share * (image.long() - low) + 128
  return (mixed >> 18).clamp(0, 255).to(torch.uint8)


def grey_levels(image: torch.Tensor) -> torch.Tensor:
  """The grey levels [1, H, W] of one or three channels."""
  if len(image) == 1:
    return image.long()
  if len(image) != 3:
    raise ValueError(f"this op takes 1 or 3 channels, got {len(image)}")
  red, green, blue = image.long().split(1)
  return (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16


def brightness(image: torch.Tensor, factor: Any) -> torch.Tensor:
  """0 is black, 1 the image."""
  return (image * float(factor)).clamp(0, 255).to(torch.uint8)


def color(image: torch.Tensor, factor: Any) -> torch.Tensor:
  """0 is grey, 1 the image."""
  return blend(grey_levels(image), image, factor)


def contrast(image: torch.Tensor, factor: Any) -> torch.Tensor:
  """0 is the mean grey, 1 the image."""
  grey = grey_levels(image)
  return blend((2 * grey.sum() + grey.numel()) // (2 * grey.numel()), image, factor)


def sharpness(image: torch.Tensor, factor: Any) -> torch.Tensor:
  """0 is smooth, 1 the image; the border stays."""
  if min(image.shape[1:]) < 3:
    return image
  smooth = image.long()
  rows = smooth[:, :-2] + smooth[:, 1:-1] + smooth[:, 2:]
  total = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:] + 4 * smooth[:, 1:-1, 1:-1]
  smooth[:, 1:-1, 1:-1] = (total * 80660 + (1 << 19)) >> 20  # the rounded 13th part
  return blend(smooth, image, factor)


def posterize(image: torch.Tensor, bits: Any) -> torch.Tensor:
  """The highest bits stay, 0 to 8 of them."""
  dropped = 8 - min(max(math.floor(float(bits) + 0.5), 0), 8)
  return image & ((255 >> dropped) << dropped)


def solarize(image: torch.Tensor, threshold: Any) -> torch.Tensor:
  """Levels from the threshold on are inverted; 256 is the image."""
  return torch.where(image < float(threshold), image, 255 - image)


def added_below_middle(image: torch.Tensor, amount: Any) -> torch.Tensor:
  """Levels below 128 grow by an amount."""
  return torch.where(image < 128, (image.long() + int(amount)).clamp(0, 255), image).to(torch.uint8)


def added_contrast(image: torch.Tensor, amount: Any) -> torch.Tensor:
  """An amount added to pixels in 0..1."""
  return to_levels(image / 255 + float(amount))


def identity(image: torch.Tensor) -> torch.Tensor:
  return image


def invert(image: torch.Tensor) -> torch.Tensor:
  return 255 - image


def grayscale(image: torch.Tensor) -> torch.Tensor:
  """Grey, in as many channels."""
  return grey_levels(image).expand(image.shape).to(torch.uint8)


def autocontrast(image: torch.Tensor) -> torch.Tensor:
  """Each channel stretched to 0..255; one that is constant stays."""
  low = image.amin((1, 2), keepdim=True).long()
  high = image.amax((1, 2), keepdim=True).long()
  scale = 255 / (high - low).clamp(min=1).float()
  stretched = torch.floor((image - low).float() * scale + 1e-3)
  return torch.where(high > low, stretched, image).to(torch.uint8)


def equalize(image: torch.Tensor) -> torch.Tensor:
  """Each channel's levels made equally frequent."""
  return torch.stack([equalize_table(channel)[channel.long()] for channel in image])


def equalize_table(channel: torch.Tensor) -> torch.Tensor:
  """uint8 [256]."""
  counts = torch.bincount(channel.flatten().long(), minlength=256)
  step = int(counts.sum() - counts[counts.nonzero()[-1, 0]]) // 255
  if step == 0:
    return torch.arange(256, dtype=torch.uint8, device=channel.device)
  darker = counts.cumsum(0) - counts
  return ((darker + step // 2) // step).clamp(max=255).to(torch.uint8)
