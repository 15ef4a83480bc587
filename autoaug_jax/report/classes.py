"""What a network makes of classes: which it confuses, and where it places them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autoaug_jax.report.checks import array, some
from autoaug_jax.report.colors import series_color
from autoaug_jax.report.style import INK, PAPER, SMALL, panels, styled

if TYPE_CHECKING:
  from matplotlib.figure import Figure

MARKERS = "os^DvP"  # told apart beside the colours, which come again after eight classes


@styled
def confusion(counts: Any, names: Sequence[str], *, title: str = "") -> "Figure":
  """Which classes are taken for which: `counts` [C, C], true classes down, predictions across.

  Colours are shares of a true class; up to 20 classes, the shares stand there in percent.
  """
  some("names", names)
  found = array("counts", counts, len(names), len(names)).astype(np.float64)
  totals = found.sum(axis=1, keepdims=True)
  share = np.divide(found, totals, out=np.zeros_like(found), where=totals > 0)
  few = len(names) <= 20
  side = 1.6 + (0.36 * len(names) if few else 0.05 * len(names) + 2)
  figure, (ax,) = panels(1, 1, size=(side + 0.7, side), title=title)
  image = ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
  beside = ax.inset_axes((1.02, 0.0, 0.03, 1.0))
  figure.colorbar(image, cax=beside, label="share of the true class").outline.set_visible(False)
  each = max(1, len(names) // 40)
  ticks = range(0, len(names), each)
  ax.set(xticks=ticks, yticks=ticks, xlabel="predicted", ylabel="true")
  ax.set_xticklabels([names[i] for i in ticks], rotation=90)
  ax.set_yticklabels([names[i] for i in ticks])
  for spine in ax.spines.values():
    spine.set_visible(False)
  if few:
    for row, column in np.argwhere(share >= 0.005):
      value = share[row, column]
      color = "white" if value > 0.55 else INK
      said = f"{100 * value:.0f}"
      ax.text(column, row, said, ha="center", va="center", fontsize=SMALL - 1, color=color)
  return figure


@styled
def embedding(points: Any, labels: Any, names: Sequence[str], *, title: str = "") -> "Figure":
  """Points [n, 2] by their classes, int [n] (AutoDO, Figure 6)."""
  at = array("points", points, "points", 2).astype(np.float64)
  classes = array("labels", labels, len(at))
  some("points", at)
  outside = classes[(classes < 0) | (classes >= len(names))]
  if outside.size:
    raise ValueError(f"labels lie below the {len(names)} classes there are, got {outside[0]}")
  figure, (ax,) = panels(1, 1, size=(5.4, 4.2), title=title)
  present = np.unique(classes)
  size = float(np.clip(12000 / len(at), 6, 30))
  for label in present:
    marker = MARKERS[(label // 8) % len(MARKERS)]
    own = at[classes == label]
    color = series_color(label)
    ax.scatter(
      own[:, 0],
      own[:, 1],
      s=size,
      marker=marker,
      color=color,
      ec=PAPER,
      lw=0.3,
      alpha=0.85,
      label=names[label],
    )
  if len(present) <= 30:
    columns = -(-len(present) // 20)
    legend = ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), ncols=columns, markerscale=1.2)
    for text in legend.get_texts():
      text.set(color=INK, fontsize=SMALL)
  ax.set(xticks=[], yticks=[], aspect="equal")
  for spine in ax.spines.values():
    spine.set_visible(False)
  return figure


def tsne(features: Any, *, seed: int = 0, perplexity: float = 30.0) -> np.ndarray:
  """[n, F] -> [n, 2] by scikit-learn's t-SNE, from the first two principal components on."""
  try:
    from sklearn.manifold import TSNE
  except ImportError:
    raise ImportError(
      "t-SNE needs scikit-learn, which is not installed: pip install scikit-learn"
    ) from None
  found = array("features", features, "images", "features").astype(np.float32)
  if len(found) < 4:
    raise ValueError(f"t-SNE takes at least 4 images, got {len(found)}")
  fitting = min(perplexity, (len(found) - 1) / 3)
  placed = TSNE(2, perplexity=fitting, init="pca", random_state=seed).fit_transform(found)
  return np.asarray(placed)
