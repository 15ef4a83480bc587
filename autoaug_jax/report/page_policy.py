"""What was learned: the policy, what it does to images, how it came about, and doubted labels."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from autoaug_jax.report.embedded import picture
from autoaug_jax.report.findings import Findings, OpShare, Suspect
from autoaug_jax.report.html import Html, named
from autoaug_jax.report.numerals import NONE, decimal, known, percent
from autoaug_jax.report.parts import folded, grid, paragraph

if TYPE_CHECKING:
  from matplotlib.figure import Figure

Pictures = Mapping[str, "Figure | bytes"]
FIRST_SUSPECTS = 12  # that are listed unfolded


class Told(NamedTuple):
  """What is said of a picture: below it, and instead of it."""

  caption: str
  alt: str


POLICY = Told(
  "Each op's slice is as wide as the op is likely, and as long as it may be strong.",
  "Pie chart of the policy's ops by their probability and the bound of their magnitude.",
)
EXAMPLES = {
  "likely": Told(
    "Images as they are, under the ops drawn most often, and under those drawn least often.",
    "A grid of test images beside the same images under the most and the least likely ops.",
  ),
  "unlikely": Told(
    "Images under the ops drawn least often.",
    "A grid of images under the least likely ops.",
  ),
  "through_time": Told(
    "The same images as they were augmented at different times of the search.",
    "A grid of images, a row for each time of the search.",
  ),
}
EVOLUTION = {
  "probabilities": Told(
    "How likely each op was, move by move; the dashed line is a uniform policy's.",
    "Curves of every op's probability over the search.",
  ),
  "selections": Told(
    "How often each op was selected, move by move.",
    "Curves of every op's chance of being selected over the search.",
  ),
  "bounds": Told(
    "Up to which magnitude each op went, move by move.",
    "Curves of every op's bound of the magnitude over the search.",
  ),
  "magnitudes": Told(
    "How strong each op was, move by move.",
    "Curves of every op's magnitude over the search.",
  ),
  "entropy": Told(
    "How undecided the policy was: the entropy of the ops, in nats.",
    "Curves of the entropy of the policy's probabilities over the search.",
  ),
  "spread": Told(
    "How far each parameter of the transformations went: the mean within one deviation.",
    "For every parameter, a curve of its mean over the search within a band of one deviation.",
  ),
}
SUSPECTS = {
  "suspects": Told(
    "Given label → the label that the search proposes, and the weight that remains.",
    "A grid of the training images whose labels are doubted most.",
  ),
  "lightest": Told(
    "The training images that count least, with their weights.",
    "A grid of the training images with the lowest learned weights.",
  ),
  "found": Told(
    "How many of the first so many suspects have a wrong label, and how many of the wrong labels "
    "are among them: known here, because they were made wrong on purpose.",
    "Curves of precision and recall by the length of the list of suspects.",
  ),
}
NETWORK = {
  "confusion": Told(
    "Test images by their class, down, and by what the network of the search takes them for.",
    "A matrix of the shares of each class that are classified as each class.",
  ),
  "embedding": Told(
    "Test images by what the last layer of the network of the search reads, placed by t-SNE.",
    "A scatter plot of test images, coloured by their classes.",
  ),
}
DRAWN_BY_THE_PAGE = ("accuracy", "classes")


def policy(findings: Findings, pictures: Pictures) -> list[Html]:
  """The policy as a pie and as numbers, and pictures of which the page knows nothing."""
  shown = _pictures({"policy": POLICY}, pictures)
  if findings.ops:
    ranked = sorted(findings.ops, key=lambda op: -(op.probability or 0.0))
    rows = [(named(op.name), percent(op.probability), _magnitudes(op)) for op in ranked]
    head = ("op", "probability", "magnitudes")
    table = grid(head, rows, numbers=(1, 2), label="The policy's ops")
    shown.append(folded(f"All {len(rows)} ops in numbers", table) if shown else table)
  known_names = {"policy", *SUSPECTS, *NETWORK, *EXAMPLES, *EVOLUTION, *DRAWN_BY_THE_PAGE}
  for name, image in pictures.items():
    if name not in known_names:
      words = name.replace("_", " ").replace("-", " ")
      shown.append(picture(name, image, caption=words, alt=words))
  return shown


def examples(pictures: Pictures) -> list[Html]:
  """Images under augmentations."""
  return _pictures(EXAMPLES, pictures)


def evolution(pictures: Pictures) -> list[Html]:
  """The policy's way through the search."""
  return _pictures(EVOLUTION, pictures)


def network(pictures: Pictures) -> list[Html]:
  """What the network of a search makes of test images."""
  return _pictures(NETWORK, pictures)


def suspects(findings: Findings, pictures: Pictures) -> list[Html]:
  """Examples whose labels are doubted: seen, and listed."""
  seen = _pictures(SUSPECTS, pictures)
  doubted = findings.suspects
  if not (seen or doubted):
    return []
  shown = [
    paragraph(
      "Training images whose given label is doubted most, and the label that is proposed instead. "
      "The score is what speaks for the given one: the weight that AutoDO leaves the image, or the "
      "probability by networks that were not trained on it. Your files are as they were."
    ),
    *seen,
  ]
  if doubted:
    shown.append(_listed(doubted[:FIRST_SUSPECTS]))
  if len(doubted) > FIRST_SUSPECTS:
    rest = doubted[FIRST_SUSPECTS:]
    shown.append(folded(f"{len(rest)} more", _listed(rest)))
  return shown


def _pictures(told: Mapping[str, Told], pictures: Pictures) -> list[Html]:
  return [
    picture(name, pictures[name], caption=words.caption, alt=words.alt)
    for name, words in told.items()
    if name in pictures
  ]


def _magnitudes(op: OpShare) -> str:
  if not known(op.high):
    return NONE
  return f"{decimal(op.low if known(op.low) else 0.0)} to {decimal(op.high)}"


def _listed(doubted: tuple[Suspect, ...]) -> Html:
  rows = [(named(s.file), named(s.given), named(s.proposed), decimal(s.score)) for s in doubted]
  head = ("image", "given", "proposed", "score")
  return grid(head, rows, numbers=(3,), label="Doubted labels")
