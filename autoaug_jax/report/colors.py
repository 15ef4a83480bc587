"""A colour for each op, the same in every picture.

Hue tells families apart, by Okabe and Ito's colours, which survive the common kinds of colour
blindness; lightness tells members apart, and no picture relies on it without a name beside it.
"""

from collections.abc import Sequence

FAMILIES: dict[str, tuple[str, ...]] = {
  # dark -> light, for the members in this order
  "#0072b2": (
    "Rotate",
    "TranslateX",
    "TranslateY",
    "ShearX",
    "ShearY",
    "ScaleX",
    "ScaleY",
    "FlipX",
    "FlipY",
  ),
  "#009e73": ("Cutout", "RandomCrop", "RandomResizedCrop"),
  "#d55e00": ("Brightness", "Contrast", "Color", "Sharpness", "Hue", "Grayscale"),
  "#92407c": ("Solarize", "Posterize", "Invert"),
  "#d9a400": ("Equalize", "AutoContrast"),
  "#9a9da2": ("Identity",),
}
# Okabe and Ito's, yellow and purple darkened so that they are seen on white and beside grey.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#92407c", "#d9a400", "#56b4e9", "#22262b", "#9a9da2")
DARKER, LIGHTER = 0.35, 0.5  # how far shades go from their hue, towards black and towards white


def op_color(name: str) -> str:
  """#rrggbb; ops that no paper has share the series' colours by their names' letters."""
  for hue, members in FAMILIES.items():
    if name in members:
      place = members.index(name) / max(len(members) - 1, 1)
      return _shade(hue, 2 * place - 1 if len(members) > 1 else 0.0)
  return SERIES[sum(name.encode()) % len(SERIES)]


def op_colors(names: Sequence[str]) -> list[str]:
  """One for each op."""
  return [op_color(name) for name in names]


def series_color(index: int) -> str:
  """Of the curve, class or group number `index`; after eight of them colours come again."""
  return SERIES[index % len(SERIES)]


def _shade(color: str, amount: float) -> str:
  """Towards white for amounts up to 1, towards black for those down to -1."""
  target, share = (255, LIGHTER * amount) if amount > 0 else (0, -DARKER * amount)
  parts = (int(color[i : i + 2], 16) for i in (1, 3, 5))
  return "#" + "".join(f"{round(p + share * (target - p)):02x}" for p in parts)
